//! The files of one summary, from their first byte in the spool to their place at the destination.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant as Stopwatch};

use domesday_delivery::{
    DeliveryError, Destination, Folder, KeyKind, Layout, Listed, Listing, Places, Receipt, SetupScript, Slot,
    Slots, Spool, SpooledFile, manifest_key, setup_key, snapshot_key, stale_parts,
};
use domesday_model::Snapshot;
use domesday_tables::{
    EncodeError, Manifest, ManifestFile, Part, Settings, SnapshotRow, TABLES, Table, encode_empty,
    encode_snapshot_row, hex, sha256,
};

use crate::{Reporter, RunError, Stage};

/// Parquet writes in pages; a larger buffer saves nothing.
const BUFFER_BYTES: usize = 256 << 10;

/// How many waves come before the row that names the snapshot: a slot's first files, the tables, and what sets
/// engines up.
const UNNAMED_WAVES: usize = 3;

/// The files of a summary in the waves in which they are delivered.
pub(crate) struct Files {
    spool: Spool,
    places: Places,
    /// Objects at the destination as they were before this run.
    existing: Vec<Listed>,
    waves: Vec<Vec<SpooledFile>>,
    /// No file may be put before.
    not_before: Stopwatch,
}

impl Files {
    /// Decides where this run's files go, by what lies at the destination. `remembered` is the slot in use as far
    /// as the store knows.
    pub(crate) fn plan(
        existing: Listing,
        spool: Spool,
        layout: Layout,
        snapshot: &Snapshot,
        remembered: Option<Slot>,
    ) -> Self {
        let (mut slot, mut not_before) = (Slot::A, Stopwatch::now());
        if layout == Layout::Swap {
            let slots = Slots::from_listing(&existing, remembered);
            (slot, not_before) =
                (slots.next(), not_before + Duration::from_micros(slots.wait.unsigned_abs()));
        }
        let places = Places::new(layout, slot, snapshot.at);
        Self { spool, places, existing: existing.objects, waves: Vec::new(), not_before }
    }

    /// The slot written, in the swap layout.
    pub(crate) fn slot(&self) -> Option<Slot> {
        self.places.slot()
    }

    /// The place for one part of a table.
    pub(crate) fn open_part(&self, table: &Table, part: u32) -> io::Result<BufWriter<File>> {
        let file = self.spool.create(&self.places.part_key(table.name, part))?;
        Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
    }

    /// An encoder's failure to write is the spool's.
    pub(crate) fn sort_error(&self, error: EncodeError) -> RunError {
        match error {
            EncodeError::Write { source, .. } => self.failed(source),
            other => RunError::Encode(other),
        }
    }

    /// Takes the tables' parts and makes what follows them: zero-row files over stale parts, what sets engines
    /// up, the snapshot's row, zero-row files over the files of another layout and, last, the manifest, which comes
    /// to name them all. Gives the key under which the manifest stays, in the history layout: with `must_keep_both`
    /// another one than that of a manifest that is there already.
    pub(crate) fn complete(
        &mut self,
        snapshot: &Snapshot,
        settings: &Settings,
        parts: &[Part],
        setup: &[SetupScript],
        must_keep_both: bool,
        manifest: &mut Manifest,
    ) -> Result<Option<String>, RunError> {
        let beside = self.first_of_other_slot(settings)?;
        let mut tables = Vec::new();
        for part in parts {
            tables.push(self.spooled(self.places.part_key(part.table.name, part.number), part, manifest));
        }
        for table in &TABLES {
            let count = parts.iter().filter(|part| part.table == table).count();
            let prefix = self.places.table_prefix(table.name);
            for number in stale_parts(&self.existing, &prefix, u32::try_from(count).unwrap_or(u32::MAX)) {
                let writer = self.open_part(table, number).map_err(|source| self.failed(source))?;
                let part =
                    encode_empty(table, number, settings, writer).map_err(|error| self.sort_error(error))?;
                tables.push(self.spooled(self.places.part_key(table.name, number), &part, manifest));
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
        let writer = self.spool.create(&snapshot_key()).map_err(|source| self.failed(source))?;
        let row = SnapshotRow { layout: self.places.layout().as_str(), slot: self.slot().map(Slot::as_str) };
        let part =
            encode_snapshot_row(snapshot, settings, row, writer).map_err(|error| self.sort_error(error))?;
        let row = self.spooled(snapshot_key(), &part, manifest);

        let retired = self.over_other_layouts(settings, manifest)?;
        manifest.warnings.extend(self.kept_days_warning());

        let text = manifest.to_json();
        let kept_key = self.kept_manifest_key(must_keep_both, &text);
        let kept = kept_key.as_ref().map(|key| self.write(key, &text)).transpose()?;
        let last = self.write(&manifest_key(), &text)?;
        self.waves =
            vec![beside, tables, scripts, vec![row], retired, kept.into_iter().collect(), vec![last]];
        Ok(kept_key)
    }

    /// The key under which a manifest stays. A snapshot of the same instant may have taken it; a chain needs both.
    fn kept_manifest_key(&self, must_keep_both: bool, text: &str) -> Option<String> {
        let key = self.places.kept_manifest_key()?;
        let is_taken = self.existing.iter().any(|object| object.key == key);
        if must_keep_both && is_taken {
            return self.places.kept_manifest_key_with(&sha256(text.as_bytes()));
        }
        Some(key)
    }

    /// Files of no rows over the parts of another layout, which readers of that layout would take for today's. They
    /// are put after the row that names the snapshot: until then such readers find the day before whole. The days of
    /// the history stay: they are evidence, and no reader of another layout looks into them.
    fn over_other_layouts(
        &self,
        settings: &Settings,
        manifest: &mut Manifest,
    ) -> Result<Vec<SpooledFile>, RunError> {
        let (mut files, mut full) = (Vec::new(), 0);
        for object in &self.existing {
            let Some(KeyKind::Part { table, folder, number }) = KeyKind::parse(&object.key) else { continue };
            if folder.layout() == self.places.layout() || matches!(folder, Folder::Day(_)) {
                continue;
            }
            let writer = self.spool.create(&object.key).map_err(|source| self.failed(source))?;
            let part = encode_empty(table, number, settings, BufWriter::new(writer))
                .map_err(|error| self.sort_error(error))?;
            full += usize::from(object.bytes != part.bytes);
            files.push(self.spooled(object.key.clone(), &part, manifest));
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

    /// What is left of the history layout, once another one has taken its place.
    fn kept_days_warning(&self) -> Option<String> {
        if self.places.layout() == Layout::History {
            return None;
        }
        let days = self.existing.iter().filter_map(|object| match KeyKind::parse(&object.key)? {
            KeyKind::Part { folder: Folder::Day(day), .. } => Some(day),
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

    /// Files of no rows for the other slot of the swap layout, where it has none yet: engines define a view over
    /// both slots only where both are. They are put before the tables, so that this run's slot is the later one.
    /// The manifest does not name them: they are no part of the snapshot, and the next run overwrites them while
    /// this one's manifest still holds.
    fn first_of_other_slot(&self, settings: &Settings) -> Result<Vec<SpooledFile>, RunError> {
        let Some(other) = self.places.other_slot() else { return Ok(Vec::new()) };
        let has_files = |table: &Table| {
            let prefix = other.table_prefix(table.name);
            self.existing.iter().any(|object| object.key.starts_with(&prefix))
        };
        let mut files = Vec::new();
        for table in TABLES.iter().filter(|table| !has_files(table)) {
            let key = other.part_key(table.name, 0);
            let writer = self.spool.create(&key).map_err(|source| self.failed(source))?;
            let part = encode_empty(table, 0, settings, writer).map_err(|error| self.sort_error(error))?;
            files.push(self.spool.complete(&key, part.bytes, part.sha256));
        }
        Ok(files)
    }

    /// Puts every file in place; between the tables and the row that names them goes the time to settle, where
    /// readers follow that row.
    pub(crate) fn deliver(
        self,
        destination: &mut dyn Destination,
        settle: Duration,
        reporter: &mut Reporter<'_>,
    ) -> Result<Receipt, RunError> {
        let supervision = reporter.supervision;
        supervision.wait(self.not_before.saturating_duration_since(Stopwatch::now()))?;
        let files = self.waves.iter().map(Vec::len).sum();
        reporter.enter(Stage::Delivering { file: 0, files })?;
        let (tables, named) = self.waves.split_at(UNNAMED_WAVES);
        let first = destination
            .deliver(tables, &mut |file| (reporter.progress)(Stage::Delivering { file, files }))?;
        supervision.check()?;
        if self.slot().is_some() {
            supervision.wait(settle)?;
        }
        let mut report = |file| (reporter.progress)(Stage::Delivering { file: first.files + file, files });
        let last = destination.deliver(named, &mut report)?;
        Ok(Receipt {
            files: first.files + last.files,
            bytes: first.bytes + last.bytes,
            retries: first.retries + last.retries,
            last_mark: last.last_mark,
        })
    }

    fn spooled(&self, key: String, part: &Part, manifest: &mut Manifest) -> SpooledFile {
        let file = self.spool.complete(&key, part.bytes, part.sha256);
        manifest.add_file(key, part);
        file
    }

    fn write(&self, key: &str, text: &str) -> Result<SpooledFile, RunError> {
        let written = self.spool.create(key).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|source| self.failed(source))?;
        Ok(self.spool.complete(key, text.len() as u64, sha256(text.as_bytes())))
    }

    fn failed(&self, source: io::Error) -> RunError {
        DeliveryError::from_io(self.spool.parent(), source).into()
    }
}
