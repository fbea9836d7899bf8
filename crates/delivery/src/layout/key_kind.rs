//! Parsing of keys: what an object of a summary is, by its key alone.

use domesday_tables::{SCHEMA_FOLDER, SNAPSHOT, TABLES, Table};
use jiff::civil::Date;

use super::engine::Engine;
use super::layouts::{Layout, Slot};
use super::run_keys::{kept_manifests_prefix, manifest_key, probe_key, snapshot_key};

/// What a key under a destination names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyKind {
    /// A part of a table.
    Part {
        /// The table.
        table: &'static Table,
        /// The folder of the part.
        folder: PartFolder,
        /// The number of the part.
        number: u32,
    },
    /// The row that names the current snapshot.
    Snapshot,
    /// The manifest.
    Manifest,
    /// A manifest that is kept, in the history layout.
    KeptManifest,
    /// A script that sets up an engine.
    Setup(Engine),
    /// The object that verification puts.
    Probe,
}

/// The folder of a part below its table's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartFolder {
    /// The table's own, in the latest layout.
    Table,
    /// A slot, in the swap layout.
    Slot(Slot),
    /// A day, in the history layout.
    Day(Date),
}

impl PartFolder {
    /// Returns the layout that has this folder.
    #[must_use]
    pub fn layout(self) -> Layout {
        match self {
            Self::Table => Layout::Latest,
            Self::Slot(_) => Layout::Swap,
            Self::Day(_) => Layout::History,
        }
    }

    fn parse(name: &str) -> Option<Self> {
        let (field, value) = name.split_once('=')?;
        match field {
            "slot" => value.parse().ok().map(Self::Slot),
            // Other forms of a date are other keys.
            "export_date" => value.parse::<Date>().ok().filter(|day| day.to_string() == value).map(Self::Day),
            _ => None,
        }
    }
}

impl KeyKind {
    /// Parses a key; `None` when no run writes such a key.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let fixed =
            [(snapshot_key(), Self::Snapshot), (manifest_key(), Self::Manifest), (probe_key(), Self::Probe)];
        if let Some((_, kind)) = fixed.into_iter().find(|(fixed, _)| fixed == key) {
            return Some(kind);
        }
        if let Some(name) = key.strip_prefix(&kept_manifests_prefix()) {
            let stem = name.strip_suffix(".json")?;
            let is_plain = stem.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
            return (is_plain && !stem.is_empty() && !stem.starts_with('.')).then_some(Self::KeptManifest);
        }
        let rest = key.strip_prefix(SCHEMA_FOLDER)?.strip_prefix('/')?;
        if let Some(script) = rest.strip_prefix("_setup/") {
            return script.strip_suffix(".sql")?.parse().ok().map(Self::Setup);
        }
        let parts: Vec<&str> = rest.split('/').collect();
        let (name, folder, file) = match parts[..] {
            [table, file] => (table, PartFolder::Table, file),
            [table, folder, file] => (table, PartFolder::parse(folder)?, file),
            _ => return None,
        };
        let table = TABLES.iter().find(|table| table.name == name)?;
        Some(Self::Part { table, folder, number: part_number(file)? })
    }

    /// Returns the name of the table in a manifest's entry of such a file; `None` for files that a manifest does not name.
    #[must_use]
    pub fn table_name(&self) -> Option<&'static str> {
        match self {
            Self::Part { table, .. } => Some(table.name),
            Self::Snapshot => Some(SNAPSHOT.name),
            Self::Setup(_) => Some("_setup"),
            Self::Manifest | Self::KeptManifest | Self::Probe => None,
        }
    }
}

/// Parses the number in `part-00007.parquet`, in the one form that is written.
fn part_number(file: &str) -> Option<u32> {
    let digits = file.strip_prefix("part-")?.strip_suffix(".parquet")?;
    let number: u32 = digits.parse().ok()?;
    (format!("{number:05}") == digits).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunKeys;

    #[test]
    fn every_key_that_is_written_is_read_back() {
        let at = "2026-11-24T23:59:59.25Z".parse().unwrap();
        for layout in Layout::ALL {
            for slot in Slot::ALL {
                let places = RunKeys::new(layout, slot, at);
                for table in &TABLES {
                    for number in [0, 7, 99_999, 100_000] {
                        let key = places.part_key(table.name, number);
                        let Some(KeyKind::Part { table: found, folder, number: read }) = KeyKind::parse(&key)
                        else {
                            panic!("{key}");
                        };
                        assert_eq!((found, folder.layout(), read), (table, layout, number));
                    }
                }
                if let Some(key) = places.kept_manifest_key() {
                    assert_eq!(KeyKind::parse(&key), Some(KeyKind::KeptManifest));
                }
            }
        }
        for engine in Engine::ALL {
            assert_eq!(KeyKind::parse(&crate::setup_key(engine.as_str())), Some(KeyKind::Setup(engine)));
        }
        assert_eq!(KeyKind::parse("v1/_manifest.json"), Some(KeyKind::Manifest));
        assert_eq!(KeyKind::parse("v1/snapshot/part-00000.parquet"), Some(KeyKind::Snapshot));
    }

    #[test]
    fn no_other_key_is() {
        for key in [
            "",
            "v1",
            "v1/",
            "/etc/passwd",
            "../../etc/passwd",
            "v1/../../etc/passwd",
            "v1/user-metadata/../../../etc/part-00000.parquet",
            "v1\\user-metadata\\part-00000.parquet",
            "v1/user-metadata\\part-00000.parquet",
            "v1/user%2Dmetadata/part-00000.parquet",
            "v1/user-metadata/part-0.parquet",
            "v1/user-metadata/part-+0000.parquet",
            "v1/user-metadata/part-000000.parquet",
            "v1/user-metadata/part-00000.parquet/",
            "v1/user-metadata/part-00000.PARQUET",
            "v1/user-metadata/x/part-00000.parquet",
            "v1/user-metadata/slot=c/part-00000.parquet",
            "v1/user-metadata/export_date=2026-02-30/part-00000.parquet",
            "v1/user-metadata/export_date=20261124/part-00000.parquet",
            "v1/user-metadata/slot=a/export_date=2026-11-24/part-00000.parquet",
            "v1//user-metadata/part-00000.parquet",
            "v1/unknown/part-00000.parquet",
            "v1/snapshot/part-00001.parquet",
            "v1/_manifests/../x.json",
            "v1/_manifests/..json",
            "v1/_manifests/x/y.json",
            "v1/_setup/mysql.sql",
            "v2/user-metadata/part-00000.parquet",
        ] {
            assert_eq!(KeyKind::parse(key), None, "{key}");
        }
    }
}
