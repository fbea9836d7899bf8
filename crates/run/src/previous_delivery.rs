//! The previous delivery, to which the manifest of this one is chained.

use domesday_delivery::{ListedObject, Listing, Slot, kept_manifests_prefix, manifest_key};
use domesday_store::{DeliveryRecord, Store, StoreError};
use domesday_tables::ChainLink;
use uuid::Uuid;

/// What the store and the destination record about earlier deliveries.
pub(crate) struct PreviousDelivery {
    last: Option<DeliveryRecord>,
    /// Whether the store keeps a record of deliveries.
    has_record: bool,
    /// Whether the destination has a manifest that is not the last delivery's.
    has_unknown_manifest: bool,
    /// Whether the last delivery is one that was announced and never recorded.
    is_unrecorded: bool,
}

impl PreviousDelivery {
    /// Finds the delivery whose manifest is at the destination, if this store made it.
    ///
    /// A process may have been killed just before or after it put a manifest. Then one delivery is announced besides the
    /// recorded one, and the mark of the listed manifest shows which of them arrived.
    pub(crate) fn find(store: &mut Store, destination: &str, listing: &Listing) -> Result<Self, StoreError> {
        let last = store.last_delivery(destination)?;
        let listed = listing.object(&manifest_key());
        let kept = kept_manifests_prefix();
        let own_key = last.as_ref().and_then(|last| last.kept_manifest_key.as_deref());
        let is_unknown =
            |object: &ListedObject| object.key.starts_with(&kept) && own_key != Some(object.key.as_str());
        let has_unknown_manifest =
            (last.is_none() && listed.is_some()) || listing.objects.iter().any(is_unknown);
        let has_record = store.is_persistent();
        let found = Self { last, has_record, has_unknown_manifest, is_unrecorded: false };
        let last = &found.last;
        let Some(announced) = store.announced_delivery(destination)? else { return Ok(found) };
        let known = last.as_ref().and_then(|last| last.manifest_mark.as_deref());
        let has_arrived = match (listed, known) {
            (None, _) => false,
            (Some(listed), Some(known)) => listed.etag.as_deref() != Some(known),
            (Some(_), None) => last.is_none(),
        };
        if !has_arrived {
            return Ok(found);
        }
        let arrived =
            DeliveryRecord { manifest_mark: listed.and_then(|listed| listed.etag.clone()), ..announced };
        Ok(Self { last: Some(arrived), is_unrecorded: true, ..found })
    }

    /// Returns the delivery whose manifest is at the destination and that was never recorded. It must be recorded before another
    /// one is announced in its place: the run after that one could not find it any more.
    pub(crate) fn unrecorded(&self) -> Option<&DeliveryRecord> {
        self.last.as_ref().filter(|_| self.is_unrecorded)
    }

    /// Returns the slot in use, in the swap layout.
    pub(crate) fn slot(&self) -> Option<Slot> {
        self.last.as_ref()?.slot.as_deref()?.parse().ok()
    }

    /// Returns the link that a manifest of a snapshot must have.
    pub(crate) fn link_for(&self, snapshot: Uuid) -> ManifestLink {
        let sha256 = self.last.as_ref().and_then(|last| last.link_for(snapshot)).map(str::to_owned);
        let key = self.last.as_ref().and_then(|last| last.key_for(snapshot)).map(str::to_owned);
        let kind = match (&sha256, &self.last) {
            (Some(_), _) => ChainLink::Continues,
            (None, _) if !self.has_record => ChainLink::Standalone,
            (None, _) if self.has_unknown_manifest => ChainLink::Restarts,
            (None, _) => ChainLink::Starts,
        };
        ManifestLink { sha256, key, kind }
    }

    /// Whether the last delivery was of another snapshot, whose manifest must be retained.
    pub(crate) fn is_other_snapshot(&self, snapshot: Uuid) -> bool {
        self.last.as_ref().is_some_and(|last| last.snapshot_id != snapshot)
    }
}

/// How a manifest is linked to the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ManifestLink {
    /// The digest of the previous manifest; none starts a chain.
    pub(crate) sha256: Option<String>,
    /// The key of that manifest, where it is retained at the destination.
    pub(crate) key: Option<String>,
    /// Why it has this link.
    pub(crate) kind: ChainLink,
}

#[cfg(test)]
mod tests {
    use domesday_model::Instant;

    use super::*;

    fn listing(mark: Option<&str>) -> Listing {
        let object = mark.map(|etag| ListedObject {
            key: manifest_key(),
            bytes: 1,
            modified: Instant::from_micros(0),
            etag: Some(etag.to_owned()),
        });
        Listing { objects: object.into_iter().collect(), server_time: None, time_resolution_micros: 1 }
    }

    fn delivery(snapshot: u128, manifest: &str, mark: Option<&str>) -> DeliveryRecord {
        DeliveryRecord {
            snapshot_id: Uuid::from_u128(snapshot),
            manifest_sha256: manifest.to_owned(),
            previous_manifest_sha256: None,
            slot: None,
            kept_manifest_key: None,
            previous_manifest_key: None,
            manifest_mark: mark.map(str::to_owned),
        }
    }

    #[test]
    fn the_chain_goes_on_from_the_manifest_that_is_there() {
        let mut store = Store::in_memory().unwrap();
        let link = |store: &mut Store, mark| {
            PreviousDelivery::find(store, "out", &listing(mark)).unwrap().link_for(Uuid::from_u128(9)).sha256
        };
        assert_eq!(link(&mut store, None), None);
        store.announce_delivery("out", &delivery(1, "m1", None), None).unwrap();
        assert_eq!(link(&mut store, None), None, "the first was cut off before its manifest");
        assert_eq!(link(&mut store, Some("e1")).as_deref(), Some("m1"), "and after it");
        store.record_delivery("out", &delivery(1, "m1", Some("e1")), None).unwrap();
        assert_eq!(link(&mut store, Some("e1")).as_deref(), Some("m1"));
        store.announce_delivery("out", &delivery(2, "m2", None), None).unwrap();
        assert_eq!(link(&mut store, Some("e1")).as_deref(), Some("m1"), "the second before");
        assert_eq!(link(&mut store, Some("e2")).as_deref(), Some("m2"), "the second after");
    }

    #[test]
    fn a_delivery_that_was_never_recorded_is_not_forgotten_with_the_next_that_is_cut_off() {
        let mut store = Store::in_memory().unwrap();
        store.record_delivery("out", &delivery(1, "m1", Some("e1")), None).unwrap();
        // The second is cut off right after its manifest, the third right after it was announced.
        store.announce_delivery("out", &delivery(2, "m2", None), None).unwrap();
        let before = PreviousDelivery::find(&mut store, "out", &listing(Some("e2"))).unwrap();
        assert_eq!(before.unrecorded(), Some(&delivery(2, "m2", Some("e2"))));
        store.record_delivery("out", before.unrecorded().unwrap(), None).unwrap();
        store.announce_delivery("out", &delivery(3, "m3", None), None).unwrap();
        let before = PreviousDelivery::find(&mut store, "out", &listing(Some("e2"))).unwrap();
        assert_eq!(before.unrecorded(), None);
        assert_eq!(before.link_for(Uuid::from_u128(4)).sha256.as_deref(), Some("m2"));
    }

    #[test]
    fn a_manifest_says_why_it_names_none_before_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut lasting = Store::open(&dir.path().join("store.db")).unwrap();
        let kind = |store: &mut Store, mark| {
            PreviousDelivery::find(store, "out", &listing(mark)).unwrap().link_for(Uuid::from_u128(1)).kind
        };
        assert_eq!(kind(&mut lasting, None), ChainLink::Starts);
        assert_eq!(kind(&mut lasting, Some("e0")), ChainLink::Restarts, "of another store");
        let mut memory = Store::in_memory().unwrap();
        assert_eq!(kind(&mut memory, None), ChainLink::Standalone);
        assert_eq!(kind(&mut memory, Some("e0")), ChainLink::Standalone);
        let first = DeliveryRecord {
            snapshot_id: Uuid::from_u128(1),
            manifest_sha256: "m1".to_owned(),
            previous_manifest_sha256: None,
            kept_manifest_key: Some("v1/_manifests/1.json".to_owned()),
            previous_manifest_key: None,
            slot: None,
            manifest_mark: Some("e1".to_owned()),
        };
        lasting.record_delivery("out", &first, None).unwrap();
        assert_eq!(kind(&mut lasting, Some("e1")), ChainLink::Starts, "the first again");
        let before = PreviousDelivery::find(&mut lasting, "out", &listing(Some("e1"))).unwrap();
        let next = before.link_for(Uuid::from_u128(2));
        assert_eq!(next.kind, ChainLink::Continues);
        assert_eq!(next.key.as_deref(), Some("v1/_manifests/1.json"));
    }
}
