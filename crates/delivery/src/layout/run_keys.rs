//! The keys of a summary under its destination.
//!
//! The credentials of a delivery cannot delete, so keys are stable and overwritten.

use domesday_model::Instant;
use domesday_tables::{SCHEMA_FOLDER, hex};

use super::layouts::{Layout, Slot};
use crate::ListedObject;

/// The keys of one run's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKeys {
    layout: Layout,
    /// The folder between a table's prefix and its parts: nothing, `slot=a/` or `export_date=2026-11-24/`.
    folder: String,
    slot: Option<Slot>,
    at: Instant,
}

impl RunKeys {
    /// Creates the keys of a run of the snapshot at `at`; a run of the swap layout writes into `slot`.
    #[must_use]
    pub fn new(layout: Layout, slot: Slot, at: Instant) -> Self {
        let slot = (layout == Layout::Swap).then_some(slot);
        let folder = match (layout, slot) {
            (Layout::History, _) => format!("export_date={}/", &at.to_string()[..10]),
            (_, Some(slot)) => format!("slot={}/", slot.as_str()),
            (_, None) => String::new(),
        };
        Self { layout, folder, slot, at }
    }

    /// Returns the layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the slot that is written, in the swap layout.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        self.slot
    }

    /// Returns the keys of the same run in the other slot, in the swap layout.
    #[must_use]
    pub fn other_slot(&self) -> Option<Self> {
        self.slot.map(|slot| Self::new(self.layout, slot.other(), self.at))
    }

    /// Returns the key prefix of a table's parts, ending in `/`.
    #[must_use]
    pub fn table_prefix(&self, table: &str) -> String {
        format!("{SCHEMA_FOLDER}/{table}/{}", self.folder)
    }

    /// Returns the key of one part of a table.
    #[must_use]
    pub fn part_key(&self, table: &str, number: u32) -> String {
        format!("{}part-{number:05}.parquet", self.table_prefix(table))
    }

    /// Returns the key under which a manifest remains, in the history: the chain of manifests needs every link.
    #[must_use]
    pub fn kept_manifest_key(&self) -> Option<String> {
        let name = || self.at.to_string().replace(':', "");
        (self.layout == Layout::History).then(|| format!("{}{}.json", kept_manifests_prefix(), name()))
    }

    /// Returns the same for a second manifest of the same instant, distinguished by its digest.
    #[must_use]
    pub fn kept_manifest_key_with(&self, digest: &[u8; 32]) -> Option<String> {
        let key = self.kept_manifest_key()?;
        Some(format!("{}-{}.json", key.trim_end_matches(".json"), &hex(digest)[..16]))
    }
}

/// Returns the key of the row that names the current snapshot.
#[must_use]
pub fn snapshot_key() -> String {
    format!("{SCHEMA_FOLDER}/snapshot/part-00000.parquet")
}

/// Returns the key of the manifest.
#[must_use]
pub fn manifest_key() -> String {
    format!("{SCHEMA_FOLDER}/_manifest.json")
}

/// Returns the prefix of the manifests that are kept in the history.
#[must_use]
pub fn kept_manifests_prefix() -> String {
    format!("{SCHEMA_FOLDER}/_manifests/")
}

/// Returns the key of an engine's external tables and views.
#[must_use]
pub fn setup_key(engine: &str) -> String {
    format!("{SCHEMA_FOLDER}/_setup/{engine}.sql")
}

/// Returns the prefix of every key of a summary.
#[must_use]
pub fn version_prefix() -> String {
    format!("{SCHEMA_FOLDER}/")
}

/// Returns the key of the object that verification puts.
#[must_use]
pub fn probe_key() -> String {
    format!("{SCHEMA_FOLDER}/_connection_test")
}

/// Returns the numbers of the parts in a listing that a table of `parts` parts no longer has.
///
/// Nothing can be deleted at a destination, so each of them is overwritten with a file of no rows.
#[must_use]
pub fn stale_parts(objects: &[ListedObject], prefix: &str, parts: u32) -> Vec<u32> {
    let number = |object: &ListedObject| {
        let digits = object.key.strip_prefix(prefix)?.strip_prefix("part-")?.strip_suffix(".parquet")?;
        (digits.len() == 5).then(|| digits.parse::<u32>().ok()).flatten()
    };
    let mut stale: Vec<u32> = objects.iter().filter_map(number).filter(|number| *number >= parts).collect();
    stale.sort_unstable();
    stale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_has_its_keys() {
        let day: Instant = "2026-11-24T23:59:59Z".parse().unwrap();
        let key = |layout, slot| RunKeys::new(layout, slot, day).part_key("user-metadata", 3);
        assert_eq!(key(Layout::Latest, Slot::B), "v1/user-metadata/part-00003.parquet");
        assert_eq!(key(Layout::Swap, Slot::B), "v1/user-metadata/slot=b/part-00003.parquet");
        assert_eq!(
            key(Layout::History, Slot::A),
            "v1/user-metadata/export_date=2026-11-24/part-00003.parquet"
        );
        assert_eq!(snapshot_key(), "v1/snapshot/part-00000.parquet");
        assert_eq!(manifest_key(), "v1/_manifest.json");
        let kept = |layout| RunKeys::new(layout, Slot::A, day).kept_manifest_key();
        assert_eq!(kept(Layout::Latest), None);
        assert_eq!(kept(Layout::History).as_deref(), Some("v1/_manifests/2026-11-24T235959Z.json"));
    }

    #[test]
    fn only_surplus_parts_are_stale() {
        let keys = ["t/part-00002.parquet", "t/part-00000.parquet", "t/notes.txt", "t/part-1.parquet"];
        let objects = keys.map(|key| ListedObject {
            key: format!("v1/{key}"),
            bytes: 1,
            modified: Instant::from_micros(0),
            etag: None,
        });
        assert_eq!(stale_parts(&objects, "v1/t/", 1), [2]);
        assert!(stale_parts(&objects, "v1/t/", 3).is_empty());
    }
}
