//! Comparing an object with its entry in a manifest.

use std::collections::HashSet;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use domesday_model::Instant;
use domesday_tables::{Manifest, ManifestFile, hex};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::statistics::Statistics;

use super::reader::Copied;
use super::state::{IntegrityCheck, run_keys};
use crate::{DeliveryError, KeyKind, PartFolder, RunKeys};

impl IntegrityCheck {
    /// Compares the files of a manifest that no newer one names, and returns the keys of those that are missing. `name` is
    /// the manifest's name in messages.
    pub(super) fn check_files(
        &mut self,
        manifest: &Manifest,
        name: &str,
    ) -> Result<Vec<String>, DeliveryError> {
        let places = match run_keys(manifest) {
            Ok(places) => places,
            Err(why) => {
                self.report.problem(format!("{name} states no layout that exists: {why}"));
                return Ok(Vec::new());
            }
        };
        let (mut missing, mut named) = (Vec::new(), HashSet::new());
        for file in &manifest.files {
            if let Err(why) = check_key(&places, file) {
                self.report.problem(format!("{name} names `{}`, {why}; it was not read", file.key));
                continue;
            }
            if !named.insert(file.key.as_str()) {
                self.report.problem(format!("{name} names {} twice", file.key));
                continue;
            }
            if !self.claimed.insert(file.key.clone()) {
                continue;
            }
            if !self.check_file(manifest, file)? {
                missing.push(file.key.clone());
            }
        }
        Ok(missing)
    }

    /// Compares a file with its entry; returns `false` when there is no file.
    fn check_file(&mut self, manifest: &Manifest, file: &ManifestFile) -> Result<bool, DeliveryError> {
        let Some(found) = self.objects.get(&file.key).cloned() else { return Ok(false) };
        if found.why_unreadable.is_none() && found.bytes != file.bytes {
            self.report.problem(format!(
                "{} is not the file delivered: it has {} bytes, the manifest says {}",
                file.key, found.bytes, file.bytes
            ));
            return Ok(true);
        }
        let Copied { file: copy, sha256 } = match self.reader.copy(&found)? {
            Ok(copied) => copied,
            Err(why) => {
                self.report.problem(format!("{} is not the file delivered: {why}", file.key));
                return Ok(true);
            }
        };
        self.report.files += 1;
        self.report.bytes += found.bytes;
        if hex(&sha256) != file.sha256 {
            self.report.problem(format!(
                "{} is not the file delivered: its digest is {}, the manifest says {}",
                file.key,
                hex(&sha256),
                file.sha256
            ));
        } else if file.key.ends_with(".parquet") {
            // Both the manifest and the footer may come from anybody.
            let read = catch_unwind(AssertUnwindSafe(|| content(copy, manifest.snapshot.instant)));
            match read.unwrap_or_else(|_| Err("it is no Parquet file that can be read".to_owned())) {
                Ok(rows) if rows == file.rows => {}
                Ok(rows) => self
                    .report
                    .problem(format!("{} has {rows} rows, the manifest says {}", file.key, file.rows)),
                Err(problem) => self.report.problem(format!("{}: {problem}", file.key)),
            }
        }
        Ok(true)
    }
}

/// Checks that a manifest of a run with these keys may name a file: a key of the form that a run writes, in its own
/// layout, or a file of no rows in another.
fn check_key(places: &RunKeys, file: &ManifestFile) -> Result<(), String> {
    let kind = KeyKind::parse(&file.key).filter(|kind| kind.table_name().is_some());
    let Some(kind) = kind else { return Err("which is no key of a summary's file".to_owned()) };
    if kind.table_name() != Some(file.table.as_str()) {
        return Err(format!("which is no file of `{}`", file.table));
    }
    match kind {
        KeyKind::Part { table, number, .. } if places.part_key(table.name, number) == file.key => Ok(()),
        KeyKind::Part { folder: PartFolder::Day(_), .. } => Err("which is of another day".to_owned()),
        KeyKind::Part { .. } if file.rows == 0 => Ok(()),
        KeyKind::Part { .. } => Err("which is of another layout or slot".to_owned()),
        KeyKind::Setup(_) if file.rows > 0 => Err("which has no rows".to_owned()),
        _ => Ok(()),
    }
}

/// Returns the number of rows of a file; every row must have the snapshot's instant.
fn content(file: File, at: Instant) -> Result<u64, String> {
    let reader = SerializedFileReader::new(file).map_err(|error| error.to_string())?;
    let about = reader.metadata();
    for group in about.row_groups() {
        let date = group.columns().iter().find(|column| column.column_path().string() == "export_date");
        match date.and_then(|column| column.statistics()) {
            Some(Statistics::Int64(range))
                if (range.min_opt(), range.max_opt()) == (Some(&at.as_micros()), Some(&at.as_micros())) => {}
            _ => return Err("its rows do not carry the snapshot's export_date".to_owned()),
        }
    }
    u64::try_from(about.file_metadata().num_rows()).map_err(|error| error.to_string())
}
