//! The files of one summary, from their first byte in the spool to their place at the destination.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use domesday_delivery::{DeliveryError, Layout, LocalDirectory, Spool, SpooledFile, stale_parts};
use domesday_model::Snapshot;
use domesday_tables::{
    EncodeError, Manifest, Part, Settings, SnapshotRow, TABLES, Table, encode_empty, encode_snapshot_row,
};

use crate::{RunError, Stage};

/// Parquet writes in pages; a larger buffer saves nothing.
const BUFFER_BYTES: usize = 256 << 10;

/// The files of a summary in the order in which they are delivered.
pub(crate) struct Files {
    spool: Spool,
    layout: Layout,
    tables: Vec<SpooledFile>,
    last: Vec<SpooledFile>,
    /// Parts at the destination, by table, as they were before this run.
    existing: Vec<(&'static Table, Vec<String>)>,
}

impl Files {
    pub(crate) fn new(destination: &LocalDirectory, layout: Layout) -> Result<Self, DeliveryError> {
        let list = |table: &'static Table| Ok((table, destination.list(&layout.table_prefix(table.name))?));
        Ok(Self {
            existing: TABLES.iter().map(list).collect::<Result<_, DeliveryError>>()?,
            spool: destination.spool()?,
            layout,
            tables: Vec::new(),
            last: Vec::new(),
        })
    }

    /// The place for one part of a table.
    pub(crate) fn open_part(&mut self, table: &Table, part: u32) -> io::Result<BufWriter<File>> {
        let (file, spooled) = self.spool.create(&self.layout.part_key(table.name, part))?;
        self.tables.push(spooled);
        Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
    }

    /// An encoder's failure to write is the destination's: the spool lies inside it.
    pub(crate) fn sort_error(&self, error: EncodeError) -> RunError {
        match error {
            EncodeError::Write { source, .. } => DeliveryError::from_io(self.root(), source).into(),
            other => RunError::Encode(other),
        }
    }

    /// Adds what follows the tables: zero-row files over stale parts, the snapshot's row and, last, the
    /// manifest, which comes to name them all.
    pub(crate) fn complete(
        &mut self,
        snapshot: &Snapshot,
        settings: &Settings,
        parts: &[Part],
        manifest: &mut Manifest,
    ) -> Result<(), RunError> {
        parts
            .iter()
            .for_each(|part| manifest.add_file(self.layout.part_key(part.table.name, part.number), part));
        for (table, keys) in std::mem::take(&mut self.existing) {
            let count =
                u32::try_from(parts.iter().filter(|part| part.table == table).count()).unwrap_or(u32::MAX);
            for number in stale_parts(&keys, &self.layout.table_prefix(table.name), count) {
                let writer = self.open_part(table, number).map_err(|source| self.io_error(source))?;
                let part =
                    encode_empty(table, number, settings, writer).map_err(|error| self.sort_error(error))?;
                manifest.add_file(self.layout.part_key(table.name, number), &part);
            }
        }
        let key = self.layout.snapshot_key();
        let (file, spooled) = self.spool.create(&key).map_err(|source| self.io_error(source))?;
        let row = SnapshotRow { layout: self.layout.as_str(), slot: None };
        let part =
            encode_snapshot_row(snapshot, settings, row, file).map_err(|error| self.sort_error(error))?;
        manifest.add_file(key, &part);
        self.last.push(spooled);

        let created = self.spool.create(&self.layout.manifest_key());
        let (mut file, spooled) = created.map_err(|source| self.io_error(source))?;
        file.write_all(manifest.to_json().as_bytes()).map_err(|source| self.io_error(source))?;
        self.last.push(spooled);
        Ok(())
    }

    /// Puts every file in place.
    pub(crate) fn deliver(
        self,
        mut destination: LocalDirectory,
        progress: &mut dyn FnMut(Stage),
    ) -> Result<(), DeliveryError> {
        let files: Vec<SpooledFile> = self.tables.iter().chain(&self.last).cloned().collect();
        destination.prepare(&files)?;
        for (position, file) in files.iter().enumerate() {
            progress(Stage::Delivering { file: position + 1, files: files.len() });
            destination.put(file)?;
        }
        Ok(())
    }

    fn io_error(&self, source: io::Error) -> RunError {
        DeliveryError::from_io(self.root(), source).into()
    }

    fn root(&self) -> &std::path::Path {
        self.spool.path().parent().unwrap_or(self.spool.path())
    }
}
