//! The keys of a summary under its destination (specification, section 4, "Layout in the bucket").
//!
//! The credentials cannot delete, so keys are stable and overwritten. [`Layout`] says how the days of a table
//! lie beside each other, [`Places`] the keys of one run.

use std::fmt;
use std::str::FromStr;

use domesday_model::Instant;
use domesday_tables::{SCHEMA_FOLDER, hex};

use crate::{Listed, Listing};

/// How the days of a table lie beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// The current snapshot in place, each run overwriting the one before.
    #[default]
    Latest,
    /// Two slots: a run overwrites the one not in use, then `snapshot` names it.
    Swap,
    /// A folder a day, kept.
    History,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 3] = [Self::Latest, Self::Swap, Self::History];

    /// The name in manifest and command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Swap => "swap",
            Self::History => "history",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|layout| layout.as_str() == text);
        found.ok_or_else(|| format!("there is no layout `{text}`; the layouts are latest, swap and history"))
    }
}

/// One of the two places of the swap layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// `slot=a`
    A,
    /// `slot=b`
    B,
}

impl Slot {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// The name in keys and in the `snapshot` row.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The slot that is not this one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl FromStr for Slot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|slot| slot.as_str() == text);
        found.ok_or_else(|| format!("there is no slot `{text}`; the slots are a and b"))
    }
}

/// The keys of one run's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    layout: Layout,
    /// What stands between a table's prefix and its parts: nothing, `slot=a/` or `export_date=2026-11-24/`.
    folder: String,
    slot: Option<Slot>,
    at: Instant,
}

impl Places {
    /// The keys of a run of the snapshot at `at`; a run of the swap layout writes into `slot`.
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

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The slot written, in the swap layout.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        self.slot
    }

    /// The keys of the same run in the other slot, in the swap layout.
    #[must_use]
    pub fn other_slot(&self) -> Option<Self> {
        self.slot.map(|slot| Self::new(self.layout, slot.other(), self.at))
    }

    /// The key prefix of a table's parts, ending in `/`.
    #[must_use]
    pub fn table_prefix(&self, table: &str) -> String {
        format!("{SCHEMA_FOLDER}/{table}/{}", self.folder)
    }

    /// The key of one part of a table.
    #[must_use]
    pub fn part_key(&self, table: &str, number: u32) -> String {
        format!("{}part-{number:05}.parquet", self.table_prefix(table))
    }

    /// The key of a manifest that stays, in the history: the chain of days needs every link.
    #[must_use]
    pub fn kept_manifest_key(&self) -> Option<String> {
        let name = || self.at.to_string().replace(':', "");
        (self.layout == Layout::History).then(|| format!("{}{}.json", kept_manifests_prefix(), name()))
    }
}

impl Places {
    /// The same for a second manifest of the same instant, told from the first by its digest.
    #[must_use]
    pub fn kept_manifest_key_with(&self, digest: &[u8; 32]) -> Option<String> {
        let key = self.kept_manifest_key()?;
        Some(format!("{}-{}.json", key.trim_end_matches(".json"), &hex(digest)[..16]))
    }
}

/// The key of the row that names the current snapshot.
#[must_use]
pub fn snapshot_key() -> String {
    format!("{SCHEMA_FOLDER}/snapshot/part-00000.parquet")
}

/// The key of the manifest.
#[must_use]
pub fn manifest_key() -> String {
    format!("{SCHEMA_FOLDER}/_manifest.json")
}

/// The prefix of the manifests that are kept in the history.
#[must_use]
pub fn kept_manifests_prefix() -> String {
    format!("{SCHEMA_FOLDER}/_manifests/")
}

/// The key of an engine's external tables and views.
#[must_use]
pub fn setup_key(engine: &str) -> String {
    format!("{SCHEMA_FOLDER}/_setup/{engine}.sql")
}

/// The prefix of every key of a summary.
#[must_use]
pub fn version_prefix() -> String {
    format!("{SCHEMA_FOLDER}/")
}

/// The key of the object that verification puts.
#[must_use]
pub fn probe_key() -> String {
    format!("{SCHEMA_FOLDER}/_connection_test")
}

/// The numbers of the parts in a listing that a table of `parts` parts no longer has.
///
/// Nothing can be deleted at a destination, so each of them is overwritten with a file of no rows.
#[must_use]
pub fn stale_parts(objects: &[Listed], prefix: &str, parts: u32) -> Vec<u32> {
    let number = |object: &Listed| {
        let digits = object.key.strip_prefix(prefix)?.strip_prefix("part-")?.strip_suffix(".parquet")?;
        (digits.len() == 5).then(|| digits.parse::<u32>().ok()).flatten()
    };
    let mut stale: Vec<u32> = objects.iter().filter_map(number).filter(|number| *number >= parts).collect();
    stale.sort_unstable();
    stale
}

/// Where the slots stand, as a listing shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// The slot that `snapshot` names; none before the first complete run.
    pub in_use: Option<Slot>,
    /// How long to wait before the first put, in microseconds of the destination's clock, so that what this
    /// run puts is younger than `snapshot` even where the clock's step is coarse.
    pub wait: i64,
}

impl Slots {
    /// Reads the slots from a listing of the whole summary: the slot in use is the one whose newest object is
    /// not younger than `snapshot`'s row, and of two such slots the one written later. A run that was cut off
    /// has left younger objects in the other slot, never in this one, since `snapshot` is put after the tables.
    ///
    /// The listing outranks what the store remembers: it also knows of the run that was cut off between
    /// `snapshot` and the store. `remembered` decides when the listing cannot.
    #[must_use]
    pub fn of(listing: &Listing, remembered: Option<Slot>) -> Self {
        let Some(snapshot) = listing.object(&snapshot_key()) else { return Self { in_use: None, wait: 0 } };
        let newest = |slot: Slot| {
            let folder = format!("/slot={}/", slot.as_str());
            let in_slot = listing.objects.iter().filter(move |object| object.key.contains(&folder));
            in_slot.map(|object| object.modified).max().filter(|newest| *newest <= snapshot.modified)
        };
        let in_use = match (newest(Slot::A), newest(Slot::B)) {
            (Some(a), Some(b)) if a == b => remembered.or(Some(Slot::A)),
            (Some(a), Some(b)) => Some(if a > b { Slot::A } else { Slot::B }),
            (Some(_), None) => Some(Slot::A),
            (None, Some(_)) => Some(Slot::B),
            (None, None) => remembered,
        };
        let next_step = snapshot.modified.as_micros() + listing.clock_step;
        let wait = listing.at.map_or(0, |at| next_step - at.as_micros());
        Self { in_use, wait: wait.clamp(0, listing.clock_step) }
    }

    /// The slot that the next run writes.
    #[must_use]
    pub fn next(&self) -> Slot {
        self.in_use.map_or(Slot::A, Slot::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn listing(objects: &[(&str, i64)]) -> Listing {
        let listed = objects.iter().map(|(key, seconds)| Listed {
            key: format!("v1/{key}"),
            bytes: 1,
            modified: at(*seconds),
            mark: None,
        });
        Listing { objects: listed.collect(), at: None, clock_step: 1_000_000 }
    }

    const SNAPSHOT: &str = "snapshot/part-00000.parquet";
    const A: &str = "user-metadata/slot=a/part-00000.parquet";
    const B: &str = "user-metadata/slot=b/part-00000.parquet";

    #[test]
    fn keys_follow_the_specification() {
        let day: Instant = "2026-11-24T23:59:59Z".parse().unwrap();
        let key = |layout, slot| Places::new(layout, slot, day).part_key("user-metadata", 3);
        assert_eq!(key(Layout::Latest, Slot::B), "v1/user-metadata/part-00003.parquet");
        assert_eq!(key(Layout::Swap, Slot::B), "v1/user-metadata/slot=b/part-00003.parquet");
        assert_eq!(
            key(Layout::History, Slot::A),
            "v1/user-metadata/export_date=2026-11-24/part-00003.parquet"
        );
        assert_eq!(snapshot_key(), "v1/snapshot/part-00000.parquet");
        assert_eq!(manifest_key(), "v1/_manifest.json");
        let kept = |layout| Places::new(layout, Slot::A, day).kept_manifest_key();
        assert_eq!(kept(Layout::Latest), None);
        assert_eq!(kept(Layout::History).as_deref(), Some("v1/_manifests/2026-11-24T235959Z.json"));
    }

    #[test]
    fn layouts_are_named() {
        for layout in Layout::ALL {
            assert_eq!(layout.as_str().parse(), Ok(layout));
        }
        assert!("Latest".parse::<Layout>().unwrap_err().contains("latest, swap and history"));
    }

    #[test]
    fn only_surplus_parts_are_stale() {
        let keys = ["t/part-00002.parquet", "t/part-00000.parquet", "t/notes.txt", "t/part-1.parquet"];
        let objects = listing(&keys.map(|key| (key, 0))).objects;
        assert_eq!(stale_parts(&objects, "v1/t/", 1), [2]);
        assert!(stale_parts(&objects, "v1/t/", 3).is_empty());
    }

    #[test]
    fn the_listing_tells_the_slot_in_use() {
        let next = |objects: &[(&str, i64)], remembered| Slots::of(&listing(objects), remembered).next();
        assert_eq!(next(&[], None), Slot::A, "a first run");
        assert_eq!(next(&[(A, 5)], None), Slot::A, "a first run again after one that was cut off");
        assert_eq!(next(&[(A, 5), (SNAPSHOT, 5)], None), Slot::B);
        assert_eq!(next(&[(B, 4), (A, 5), (SNAPSHOT, 5)], None), Slot::B, "b has its first files of no rows");
        assert_eq!(next(&[(B, 5), (A, 5), (SNAPSHOT, 5)], None), Slot::B, "within one second");
        assert_eq!(next(&[(A, 5), (B, 9), (SNAPSHOT, 9)], None), Slot::A, "the later of two complete ones");
        assert_eq!(next(&[(A, 5), (B, 9), (SNAPSHOT, 6)], None), Slot::B, "b was cut off");
        assert_eq!(next(&[(A, 12), (B, 9), (SNAPSHOT, 9)], None), Slot::A, "a was cut off");
        // The store was not told of the run that named b.
        assert_eq!(next(&[(A, 5), (B, 9), (SNAPSHOT, 9)], Some(Slot::A)), Slot::A);
        // Times that say nothing.
        assert_eq!(next(&[(A, 9), (B, 9), (SNAPSHOT, 9)], Some(Slot::B)), Slot::A);
    }

    #[test]
    fn a_run_waits_until_its_objects_are_younger_than_the_snapshot() {
        let mut listing = listing(&[(A, 5), (SNAPSHOT, 7)]);
        let mut wait = |micros| {
            listing.at = Some(Instant::from_micros(micros));
            Slots::of(&listing, None).wait
        };
        assert_eq!(wait(7_000_000), 1_000_000);
        assert_eq!(wait(7_400_000), 600_000);
        assert_eq!(wait(8_000_000), 0);
        assert_eq!(wait(1_000_000), 1_000_000, "a clock that ran back waits one step, not for ever");
    }
}
