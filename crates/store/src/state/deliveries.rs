//! The last delivery to each destination, which the next run needs: the credentials of a destination cannot read.
//!
//! A delivery is *announced* before its manifest is put and *recorded* when it is complete. A process that crashes in
//! between leaves both records: the next run determines from the listing of the destination which of the two manifests is
//! there, since the chain must name that one.

use uuid::Uuid;

use crate::database::values;
use crate::{Store, StoreError};

use super::leases::Fence;

/// A summary delivered to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The snapshot delivered.
    pub snapshot_id: Uuid,
    /// SHA-256 of its manifest, in hex: the next manifest's link in the chain.
    pub manifest_sha256: String,
    /// The digest of the manifest before it, which another delivery of the same snapshot has to name.
    pub previous_manifest_sha256: Option<String>,
    /// The key under which the manifest stays at the destination, in the history layout.
    pub kept_manifest_key: Option<String>,
    /// The key of the manifest before it that it names, if that one stays at the destination.
    pub previous_manifest_key: Option<String>,
    /// The slot it was written into, in the swap layout.
    pub slot: Option<String>,
    /// What identifies the manifest in the listing of the destination, if anything does; unknown while the delivery is
    /// only announced.
    pub manifest_mark: Option<String>,
}

impl DeliveryRecord {
    /// Returns the digest that a manifest of this snapshot has to name.
    #[must_use]
    pub fn link_for(&self, snapshot_id: Uuid) -> Option<&str> {
        if snapshot_id == self.snapshot_id {
            self.previous_manifest_sha256.as_deref()
        } else {
            Some(&self.manifest_sha256)
        }
    }

    /// Returns the key that a manifest of this snapshot has to name, if the manifest before it stays at the destination.
    #[must_use]
    pub fn key_for(&self, snapshot_id: Uuid) -> Option<&str> {
        if snapshot_id == self.snapshot_id {
            self.previous_manifest_key.as_deref()
        } else {
            self.kept_manifest_key.as_deref()
        }
    }
}

impl Store {
    /// Returns the last complete delivery to a destination.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_delivery(&mut self, destination: &str) -> Result<Option<DeliveryRecord>, StoreError> {
        let sql = "SELECT snapshot_id, manifest_sha256, previous_manifest_sha256, slot, manifest_mark,
                          kept_manifest_key, previous_manifest_key
                   FROM delivery WHERE destination = ?1";
        self.read_delivery(sql, destination)
    }

    /// Returns the delivery that was announced and not recorded.
    ///
    /// # Errors
    /// When the store fails.
    pub fn announced_delivery(&mut self, destination: &str) -> Result<Option<DeliveryRecord>, StoreError> {
        let sql = "SELECT snapshot_id, manifest_sha256, previous_manifest_sha256, slot, NULL,
                          kept_manifest_key, previous_manifest_key
                   FROM announced_delivery WHERE destination = ?1";
        self.read_delivery(sql, destination)
    }

    /// Records that the manifest of a delivery is about to be put. A delivery under a lease passes its fence.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when another process has the lease.
    pub fn announce_delivery(
        &mut self,
        destination: &str,
        delivery: &DeliveryRecord,
        fence: Option<&Fence>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin_fenced_write(fence)?;
        transaction.execute(
            "INSERT INTO announced_delivery
                 (destination, snapshot_id, manifest_sha256, previous_manifest_sha256, slot,
                  kept_manifest_key, previous_manifest_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (destination) DO UPDATE
             SET snapshot_id = ?2, manifest_sha256 = ?3, previous_manifest_sha256 = ?4, slot = ?5,
                 kept_manifest_key = ?6, previous_manifest_key = ?7",
            values![
                destination,
                &delivery.snapshot_id.to_string(),
                &delivery.manifest_sha256,
                delivery.previous_manifest_sha256.as_ref(),
                delivery.slot.as_ref(),
                delivery.kept_manifest_key.as_ref(),
                delivery.previous_manifest_key.as_ref()
            ],
        )?;
        transaction.commit()
    }

    /// Records a complete delivery and removes its announcement. A delivery under a lease passes its fence.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when another process has the lease.
    pub fn record_delivery(
        &mut self,
        destination: &str,
        delivery: &DeliveryRecord,
        fence: Option<&Fence>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin_fenced_write(fence)?;
        transaction.execute(
            "INSERT INTO delivery
                 (destination, snapshot_id, manifest_sha256, previous_manifest_sha256, slot, manifest_mark,
                  kept_manifest_key, previous_manifest_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (destination) DO UPDATE
             SET snapshot_id = ?2, manifest_sha256 = ?3, previous_manifest_sha256 = ?4, slot = ?5,
                 manifest_mark = ?6, kept_manifest_key = ?7, previous_manifest_key = ?8",
            values![
                destination,
                &delivery.snapshot_id.to_string(),
                &delivery.manifest_sha256,
                delivery.previous_manifest_sha256.as_ref(),
                delivery.slot.as_ref(),
                delivery.manifest_mark.as_ref(),
                delivery.kept_manifest_key.as_ref(),
                delivery.previous_manifest_key.as_ref()
            ],
        )?;
        transaction.execute("DELETE FROM announced_delivery WHERE destination = ?1", values![destination])?;
        transaction.commit()
    }

    fn read_delivery(&mut self, sql: &str, destination: &str) -> Result<Option<DeliveryRecord>, StoreError> {
        self.database.first(sql, values![destination], |row| {
            Ok(DeliveryRecord {
                snapshot_id: Uuid::parse_str(row.text(0)?).expect("snapshot ids are written from UUIDs only"),
                manifest_sha256: row.text(1)?.to_owned(),
                previous_manifest_sha256: row.maybe_text(2)?.map(str::to_owned),
                slot: row.maybe_text(3)?.map(str::to_owned),
                manifest_mark: row.maybe_text(4)?.map(str::to_owned),
                kept_manifest_key: row.maybe_text(5)?.map(str::to_owned),
                previous_manifest_key: row.maybe_text(6)?.map(str::to_owned),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(snapshot: u128, manifest: &str, previous: Option<&str>) -> DeliveryRecord {
        DeliveryRecord {
            snapshot_id: Uuid::from_u128(snapshot),
            manifest_sha256: manifest.into(),
            previous_manifest_sha256: previous.map(Into::into),
            slot: Some("b".into()),
            manifest_mark: None,
            kept_manifest_key: Some(format!("v1/_manifests/{manifest}.json")),
            previous_manifest_key: previous.map(|previous| format!("v1/_manifests/{previous}.json")),
        }
    }

    #[test]
    fn the_same_snapshot_again_names_the_link_it_named() {
        let mut store = Store::in_memory().unwrap();
        assert_eq!(store.last_delivery("out").unwrap(), None);
        let delivered = DeliveryRecord { manifest_mark: Some("e".into()), ..delivery(1, "aa", Some("99")) };
        store.record_delivery("out", &delivered, None).unwrap();
        let last = store.last_delivery("out").unwrap().unwrap();
        assert_eq!(last, delivered);
        assert_eq!(last.link_for(Uuid::from_u128(1)), Some("99"));
        assert_eq!(last.link_for(Uuid::from_u128(2)), Some("aa"));
        assert_eq!(last.key_for(Uuid::from_u128(1)), Some("v1/_manifests/99.json"));
        assert_eq!(last.key_for(Uuid::from_u128(2)), Some("v1/_manifests/aa.json"));
        assert_eq!(store.last_delivery("elsewhere").unwrap(), None);
    }

    #[test]
    fn what_was_announced_is_known_until_a_delivery_is_recorded() {
        let mut store = Store::in_memory().unwrap();
        let (first, second) = (delivery(1, "aa", None), delivery(2, "bb", Some("aa")));
        store.announce_delivery("out", &first, None).unwrap();
        store.record_delivery("out", &first, None).unwrap();
        assert_eq!(store.announced_delivery("out").unwrap(), None);
        store.announce_delivery("out", &second, None).unwrap();
        assert_eq!(store.announced_delivery("out").unwrap(), Some(second));
        assert_eq!(store.last_delivery("out").unwrap(), Some(first));
    }
}
