//! The delivery before this one: what a chain of manifests goes on from.

use domesday_delivery::{Listing, Slot, manifest_key};
use domesday_store::{Delivery, Store, StoreError};
use uuid::Uuid;

/// What the store and the destination know of the deliveries before.
pub(crate) struct Before {
    last: Option<Delivery>,
}

impl Before {
    /// The delivery whose manifest lies at the destination, as far as it is one of this store's.
    ///
    /// A process may have been cut off around the put of a manifest: then one is announced beside the one that is
    /// recorded, and the listing tells by its mark which of them is there.
    pub(crate) fn read(store: &mut Store, destination: &str, listing: &Listing) -> Result<Self, StoreError> {
        let last = store.last_delivery(destination)?;
        let Some(announced) = store.announced_delivery(destination)? else { return Ok(Self { last }) };
        let listed = listing.object(&manifest_key());
        let known = last.as_ref().and_then(|last| last.manifest_mark.as_deref());
        let has_arrived = match (listed, known) {
            (None, _) => false,
            (Some(listed), Some(known)) => listed.mark.as_deref() != Some(known),
            (Some(_), None) => last.is_none(),
        };
        Ok(Self { last: if has_arrived { Some(announced) } else { last } })
    }

    /// The slot in use, in the swap layout.
    pub(crate) fn slot(&self) -> Option<Slot> {
        self.last.as_ref()?.slot.as_deref()?.parse().ok()
    }

    /// The digest that a manifest of this snapshot has to name; none starts a chain.
    pub(crate) fn link_for(&self, snapshot: Uuid) -> Option<String> {
        self.last.as_ref()?.link_for(snapshot).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use domesday_delivery::Listed;
    use domesday_model::Instant;

    use super::*;

    fn listing(mark: Option<&str>) -> Listing {
        let object = mark.map(|mark| Listed {
            key: manifest_key(),
            bytes: 1,
            modified: Instant::from_micros(0),
            mark: Some(mark.to_owned()),
        });
        Listing { objects: object.into_iter().collect(), at: None, clock_step: 1 }
    }

    #[test]
    fn the_chain_goes_on_from_the_manifest_that_is_there() {
        let mut store = Store::in_memory().unwrap();
        let delivery = |snapshot, manifest: &str, mark: Option<&str>| Delivery {
            snapshot_id: Uuid::from_u128(snapshot),
            manifest_sha256: manifest.to_owned(),
            previous_manifest_sha256: None,
            slot: None,
            manifest_mark: mark.map(str::to_owned),
        };
        let link = |store: &mut Store, mark| {
            Before::read(store, "out", &listing(mark)).unwrap().link_for(Uuid::from_u128(9))
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
}
