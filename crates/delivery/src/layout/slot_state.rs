//! Which slot of the swap layout is in use.

use domesday_tables::POLICY_OUTCOMES;

use super::layouts::Slot;
use super::run_keys::snapshot_key;
use crate::Listing;

/// The state of the two slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotState {
    /// The slot that `snapshot` names; none before the first complete run.
    pub in_use: Option<Slot>,
    /// How long to wait before the first put, in microseconds of the destination's clock, so that the objects of this run
    /// are younger than `snapshot` even where the resolution of times is coarse.
    pub wait_micros: i64,
}

impl SlotState {
    /// Derives the state from a listing of the whole summary: the slot in use is the one whose newest object is
    /// not younger than `snapshot`'s row, and of two such slots the one written later. A run that was cut off
    /// has left younger objects in the other slot, never in this one, since `snapshot` is put after the tables.
    ///
    /// Parts of policy-outcomes do not count: a task of a batch that is repeated late puts them again, as they are,
    /// into the slot in use. Every run puts the other tables too, into its own slot and after the other's first files.
    ///
    /// The listing outranks the store: it also shows a run that was cut off between `snapshot` and its record in the
    /// store. `remembered`, the slot by the store, decides when the listing cannot.
    #[must_use]
    pub fn from_listing(listing: &Listing, remembered: Option<Slot>) -> Self {
        let Some(snapshot) = listing.object(&snapshot_key()) else {
            return Self { in_use: None, wait_micros: 0 };
        };
        let newest = |slot: Slot| {
            let folder = format!("/slot={}/", slot.as_str());
            let counts =
                |key: &str| key.contains(&folder) && !key.contains(&format!("/{}/", POLICY_OUTCOMES.name));
            let in_slot = listing.objects.iter().filter(move |object| counts(&object.key));
            in_slot.map(|object| object.modified).max().filter(|newest| *newest <= snapshot.modified)
        };
        let in_use = match (newest(Slot::A), newest(Slot::B)) {
            (Some(a), Some(b)) if a == b => remembered.or(Some(Slot::A)),
            (Some(a), Some(b)) => Some(if a > b { Slot::A } else { Slot::B }),
            (Some(_), None) => Some(Slot::A),
            (None, Some(_)) => Some(Slot::B),
            (None, None) => remembered,
        };
        let next_step = snapshot.modified.as_micros() + listing.time_resolution_micros;
        let wait = listing.server_time.map_or(0, |at| next_step - at.as_micros());
        Self { in_use, wait_micros: wait.clamp(0, listing.time_resolution_micros) }
    }

    /// Returns the slot that the next run writes.
    #[must_use]
    pub fn next(&self) -> Slot {
        self.in_use.map_or(Slot::A, Slot::other)
    }
}

#[cfg(test)]
mod tests {
    use domesday_model::Instant;

    use super::*;
    use crate::ListedObject;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn listing(objects: &[(&str, i64)]) -> Listing {
        let listed = objects.iter().map(|(key, seconds)| ListedObject {
            key: format!("v1/{key}"),
            bytes: 1,
            modified: at(*seconds),
            etag: None,
        });
        Listing { objects: listed.collect(), server_time: None, time_resolution_micros: 1_000_000 }
    }

    const SNAPSHOT: &str = "snapshot/part-00000.parquet";
    const A: &str = "user-metadata/slot=a/part-00000.parquet";
    const B: &str = "user-metadata/slot=b/part-00000.parquet";

    #[test]
    fn the_listing_tells_the_slot_in_use() {
        let next = |objects: &[(&str, i64)], remembered| {
            SlotState::from_listing(&listing(objects), remembered).next()
        };
        assert_eq!(next(&[], None), Slot::A, "a first run");
        assert_eq!(next(&[(A, 5)], None), Slot::A, "a first run again after one that was cut off");
        assert_eq!(next(&[(A, 5), (SNAPSHOT, 5)], None), Slot::B);
        assert_eq!(next(&[(B, 4), (A, 5), (SNAPSHOT, 5)], None), Slot::B, "b has its first files of no rows");
        assert_eq!(next(&[(B, 5), (A, 5), (SNAPSHOT, 5)], None), Slot::B, "within one second");
        assert_eq!(next(&[(A, 5), (B, 9), (SNAPSHOT, 9)], None), Slot::A, "the later of two complete ones");
        assert_eq!(next(&[(A, 5), (B, 9), (SNAPSHOT, 6)], None), Slot::B, "b was cut off");
        assert_eq!(next(&[(A, 12), (B, 9), (SNAPSHOT, 9)], None), Slot::A, "a was cut off");
        let outcomes = "policy-outcomes/slot=b/part-00000.parquet";
        assert_eq!(next(&[(A, 5), (B, 9), (SNAPSHOT, 9), (outcomes, 12)], None), Slot::A, "a late task");
        // The store has no record of the run that named b.
        assert_eq!(next(&[(A, 5), (B, 9), (SNAPSHOT, 9)], Some(Slot::A)), Slot::A);
        // Times that say nothing.
        assert_eq!(next(&[(A, 9), (B, 9), (SNAPSHOT, 9)], Some(Slot::B)), Slot::A);
    }

    #[test]
    fn a_run_waits_until_its_objects_are_younger_than_the_snapshot() {
        let mut listing = listing(&[(A, 5), (SNAPSHOT, 7)]);
        let mut wait = |micros| {
            listing.server_time = Some(Instant::from_micros(micros));
            SlotState::from_listing(&listing, None).wait_micros
        };
        assert_eq!(wait(7_000_000), 1_000_000);
        assert_eq!(wait(7_400_000), 600_000);
        assert_eq!(wait(8_000_000), 0);
        assert_eq!(wait(1_000_000), 1_000_000, "a clock that ran back waits one step, not for ever");
    }
}
