//! The files of one summary, from the spool to the destination.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use domesday_delivery::{
    DeliveryClock, DeliveryError, Destination, KeyKind, Layout, ListedObject, Listing, PartFolder, Receipt,
    RunKeys, SetupScript, Slot, SlotState, Spool, SpooledFile, manifest_key, setup_key, snapshot_key,
    stale_parts,
};
use domesday_model::Snapshot;
use domesday_tables::{
    EncodeError, Manifest, ManifestFile, Part, Settings, SnapshotRow, TABLES, Table, encode_empty,
    encode_snapshot_row, hex, sha256,
};

use crate::{Reporter, RunError, Stage};

/// Parquet writes in pages; a larger buffer saves nothing.
const BUFFER_BYTES: usize = 256 << 10;

/// How many waves come before the row that names the snapshot: a slot's first files, the tables, and the setup
/// scripts.
const WAVES_BEFORE_SNAPSHOT: usize = 3;

/// The files of a summary in the waves in which they are delivered.
pub(crate) struct SummaryFiles {
    spool: Spool,
    places: RunKeys,
    /// Objects at the destination as they were before this run.
    existing: Vec<ListedObject>,
    /// See [`SummaryFiles::spool_first_files`].
    first_files: Vec<SpooledFile>,
    waves: Vec<Vec<SpooledFile>>,
    /// The earliest time of the first put, as the clock's elapsed time.
    not_before: Duration,
}

impl SummaryFiles {
    /// Decides where this run's files go, from what is at the destination. `recorded_slot` is the slot in use according
    /// to the store.
    pub(crate) fn plan(
        existing: Listing,
        spool: Spool,
        layout: Layout,
        snapshot: &Snapshot,
        recorded_slot: Option<Slot>,
        clock: &DeliveryClock,
    ) -> Self {
        let (mut slot, mut not_before) = (Slot::A, clock.elapsed());
        if layout == Layout::Swap {
            let slots = SlotState::from_listing(&existing, recorded_slot);
            (slot, not_before) =
                (slots.next(), not_before + Duration::from_micros(slots.wait_micros.unsigned_abs()));
        }
        Self::new(existing, spool, RunKeys::new(layout, slot, snapshot.at), not_before)
    }

    /// Creates the files of a run whose keys are decided. No put begins before `not_before`, by the clock's elapsed time.
    pub(crate) fn new(existing: Listing, spool: Spool, places: RunKeys, not_before: Duration) -> Self {
        let (first_files, waves) = (Vec::new(), Vec::new());
        Self { spool, places, existing: existing.objects, first_files, waves, not_before }
    }

    /// Returns the slot written, in the swap layout.
    pub(crate) fn slot(&self) -> Option<Slot> {
        self.places.slot()
    }

    /// Opens the spool file for one part of a table.
    pub(crate) fn open_part(&self, table: &Table, part: u32) -> io::Result<BufWriter<File>> {
        let file = self.spool.create(&self.places.part_key(table.name, part))?;
        Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
    }

    /// Converts an error of the encoder. A failed write is an error of the spool.
    pub(crate) fn run_error(&self, error: EncodeError) -> RunError {
        match error {
            EncodeError::Write { source, .. } => self.spool_error(source),
            other => RunError::Encode(other),
        }
    }

    /// Adds the tables' parts and writes the other files: zero-row files over stale parts, the setup scripts, the
    /// snapshot's row, zero-row files over the files of another layout and, last, the manifest, which lists them all.
    /// Returns the key under which the manifest is retained, in the history layout. With `must_keep_both` it differs from
    /// that of a manifest that is there already. Parts of the table `delivered` are at the destination already.
    #[expect(clippy::too_many_arguments, reason = "everything that a summary consists of")]
    pub(crate) fn complete(
        &mut self,
        snapshot: &Snapshot,
        settings: &Settings,
        parts: &[Part],
        delivered: Option<&Table>,
        setup: &[SetupScript],
        must_keep_both: bool,
        manifest: &mut Manifest,
    ) -> Result<Option<String>, RunError> {
        let mut tables = Vec::new();
        for part in parts {
            let key = self.places.part_key(part.table.name, part.number);
            if delivered == Some(part.table) {
                manifest.add_file(key, part);
            } else {
                tables.push(self.add_part(key, part, manifest));
            }
        }
        for table in &TABLES {
            let count = parts.iter().filter(|part| part.table == table).count();
            let prefix = self.places.table_prefix(table.name);
            for number in stale_parts(&self.existing, &prefix, u32::try_from(count).unwrap_or(u32::MAX)) {
                let writer = self.open_part(table, number).map_err(|source| self.spool_error(source))?;
                let part =
                    encode_empty(table, number, settings, writer).map_err(|error| self.run_error(error))?;
                tables.push(self.add_part(self.places.part_key(table.name, number), &part, manifest));
            }
        }
        let mut scripts = Vec::new();
        for script in setup {
            let file = self.write(&setup_key(script.engine.as_str()), &script.text)?;
            manifest.files.push(ManifestFile {
                key: file.key.clone(),
                table: "_setup".to_owned(),
                rows: 0,
                bytes: file.bytes,
                sha256: hex(&file.sha256),
            });
            scripts.push(file);
        }
        let writer = self.spool.create(&snapshot_key()).map_err(|source| self.spool_error(source))?;
        let row = SnapshotRow { layout: self.places.layout().as_str(), slot: self.slot().map(Slot::as_str) };
        let part =
            encode_snapshot_row(snapshot, settings, row, writer).map_err(|error| self.run_error(error))?;
        let row = self.add_part(snapshot_key(), &part, manifest);

        let retired = self.overwrite_other_layouts(settings, manifest)?;
        manifest.warnings.extend(self.retained_days_warning());

        let text = manifest.to_json();
        let kept_key = self.kept_manifest_key(must_keep_both, &text);
        let kept = kept_key.as_ref().map(|key| self.write(key, &text)).transpose()?;
        let last = self.write(&manifest_key(), &text)?;
        self.waves = vec![
            std::mem::take(&mut self.first_files),
            tables,
            scripts,
            vec![row],
            retired,
            kept.into_iter().collect(),
            vec![last],
        ];
        Ok(kept_key)
    }

    /// Returns the key under which the manifest is retained. A snapshot of the same instant may have the same key; a
    /// chain needs both.
    fn kept_manifest_key(&self, must_keep_both: bool, text: &str) -> Option<String> {
        let key = self.places.kept_manifest_key()?;
        let is_taken = self.existing.iter().any(|object| object.key == key);
        if must_keep_both && is_taken {
            return self.places.kept_manifest_key_with(&sha256(text.as_bytes()));
        }
        Some(key)
    }

    /// Writes zero-row files over the parts of another layout, which readers of that layout would take for today's. They
    /// are put after the row that names the snapshot: until then such readers find the previous day complete. The days of
    /// the history are retained: they are evidence, and no reader of another layout reads them.
    fn overwrite_other_layouts(
        &self,
        settings: &Settings,
        manifest: &mut Manifest,
    ) -> Result<Vec<SpooledFile>, RunError> {
        let (mut files, mut full) = (Vec::new(), 0);
        for object in &self.existing {
            let Some(KeyKind::Part { table, folder, number }) = KeyKind::parse(&object.key) else { continue };
            if folder.layout() == self.places.layout() || matches!(folder, PartFolder::Day(_)) {
                continue;
            }
            let writer = self.spool.create(&object.key).map_err(|source| self.spool_error(source))?;
            let part = encode_empty(table, number, settings, BufWriter::new(writer))
                .map_err(|error| self.run_error(error))?;
            full += usize::from(object.bytes != part.bytes);
            files.push(self.add_part(object.key.clone(), &part, manifest));
        }
        if full > 0 {
            manifest.warnings.push(format!(
                "the layout has changed to `{layout}`: {full} files of the layout before were overwritten with files \
                 of no rows; let readers use the new layout (`domesday setup ddl --layout {layout}`)",
                layout = self.places.layout()
            ));
        }
        Ok(files)
    }

    /// Returns a warning about the days of the history layout that another layout has replaced.
    fn retained_days_warning(&self) -> Option<String> {
        if self.places.layout() == Layout::History {
            return None;
        }
        let days = self.existing.iter().filter_map(|object| match KeyKind::parse(&object.key)? {
            KeyKind::Part { folder: PartFolder::Day(day), .. } => Some(day),
            _ => None,
        });
        let days: BTreeSet<_> = days.collect();
        let (first, last) = (days.first()?, days.last()?);
        Some(format!(
            "{} days of the layout `history`, {first} to {last}, stay at the destination as evidence; delete them, or \
             let a lifecycle rule do it (`domesday setup lifecycle`), when they are no longer needed",
            days.len()
        ))
    }

    /// Writes zero-row files for the other slot of the swap layout, where it has none yet: engines can define a view over
    /// both slots only where both exist. They are put before the tables, so that this run's slot is the later one.
    /// They are written before the tables too: a file in a directory is as old as its spool file.
    /// The manifest does not list them: they are no part of the snapshot, and the next run overwrites them while
    /// this one's manifest is still valid.
    pub(crate) fn spool_first_files(&mut self, settings: &Settings) -> Result<(), RunError> {
        let Some(other) = self.places.other_slot() else { return Ok(()) };
        let has_files = |table: &Table| {
            let prefix = other.table_prefix(table.name);
            self.existing.iter().any(|object| object.key.starts_with(&prefix))
        };
        let missing: Vec<&'static Table> = TABLES.iter().filter(|table| !has_files(table)).collect();
        for table in missing {
            let key = other.part_key(table.name, 0);
            let writer = self.spool.create(&key).map_err(|source| self.spool_error(source))?;
            let part = encode_empty(table, 0, settings, writer).map_err(|error| self.run_error(error))?;
            self.first_files.push(self.spool.complete(&key, part.bytes, part.sha256));
        }
        Ok(())
    }

    /// Delivers every file. Waits for `settle` between the tables and the row that names them, where readers follow that
    /// row.
    pub(crate) fn deliver(
        self,
        destination: &mut dyn Destination,
        settle: Duration,
        reporter: &mut Reporter<'_>,
    ) -> Result<Receipt, RunError> {
        let call_context = reporter.call_context;
        call_context.wait(self.not_before.saturating_sub(call_context.clock.elapsed()))?;
        let files = self.waves.iter().map(Vec::len).sum();
        reporter.enter(Stage::Delivering { file: 0, files })?;
        let (tables, rest) = self.waves.split_at(WAVES_BEFORE_SNAPSHOT);
        let first = destination
            .deliver(tables, &mut |file| (reporter.progress)(Stage::Delivering { file, files }))?;
        call_context.check()?;
        if self.slot().is_some() {
            call_context.wait(settle)?;
        }
        let mut report = |file| (reporter.progress)(Stage::Delivering { file: first.files + file, files });
        let last = destination.deliver(rest, &mut report)?;
        Ok(Receipt {
            files: first.files + last.files,
            bytes: first.bytes + last.bytes,
            retries: first.retries + last.retries,
            last_etag: last.last_etag,
        })
    }

    /// Returns the complete spool file of a part.
    pub(crate) fn spooled_part(&self, part: &Part) -> SpooledFile {
        let key = self.places.part_key(part.table.name, part.number);
        self.spool.complete(&key, part.bytes, part.sha256)
    }

    /// Adds a spooled part to the manifest.
    fn add_part(&self, key: String, part: &Part, manifest: &mut Manifest) -> SpooledFile {
        let file = self.spool.complete(&key, part.bytes, part.sha256);
        manifest.add_file(key, part);
        file
    }

    fn write(&self, key: &str, text: &str) -> Result<SpooledFile, RunError> {
        let written = self.spool.create(key).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|source| self.spool_error(source))?;
        Ok(self.spool.complete(key, text.len() as u64, sha256(text.as_bytes())))
    }

    fn spool_error(&self, source: io::Error) -> RunError {
        DeliveryError::from_io(self.spool.parent(), source).into()
    }
}
