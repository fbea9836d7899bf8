//! What a run must know of the one before it: the credentials of a destination cannot read back.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use crate::{Store, StoreError};

/// The last summary delivered to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The snapshot delivered.
    pub snapshot_id: Uuid,
    /// SHA-256 of its manifest, in hex: the next manifest's link in the chain.
    pub manifest_sha256: String,
    /// The link of that manifest itself, which the same snapshot delivered again has to name.
    pub previous_manifest_sha256: Option<String>,
    /// The slot it was written into, in the swap layout.
    pub slot: Option<String>,
}

impl Delivery {
    /// The link that a manifest of this snapshot has to name.
    #[must_use]
    pub fn link_for(&self, snapshot_id: Uuid) -> Option<&str> {
        if snapshot_id == self.snapshot_id {
            self.previous_manifest_sha256.as_deref()
        } else {
            Some(&self.manifest_sha256)
        }
    }
}

impl Store {
    /// The last delivery to a destination, by the destination's name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_delivery(&self, destination: &str) -> Result<Option<Delivery>, StoreError> {
        let sql = "SELECT snapshot_id, manifest_sha256, previous_manifest_sha256, slot
                   FROM delivery WHERE destination = ?1";
        let found = self.connection.query_row(sql, [destination], |row| {
            Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        });
        Ok(found.optional()?.map(|(id, manifest_sha256, previous_manifest_sha256, slot)| Delivery {
            snapshot_id: Uuid::parse_str(&id).expect("snapshot ids are written from UUIDs only"),
            manifest_sha256,
            previous_manifest_sha256,
            slot,
        }))
    }

    /// Remembers a delivery that is complete.
    ///
    /// # Errors
    /// When the store fails.
    pub fn record_delivery(&mut self, destination: &str, delivery: &Delivery) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO delivery (destination, snapshot_id, manifest_sha256, previous_manifest_sha256, slot)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (destination) DO UPDATE
             SET snapshot_id = ?2, manifest_sha256 = ?3, previous_manifest_sha256 = ?4, slot = ?5",
            params![
                destination,
                delivery.snapshot_id.to_string(),
                delivery.manifest_sha256,
                delivery.previous_manifest_sha256,
                delivery.slot
            ],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_snapshot_again_names_the_link_it_named() {
        let mut store = Store::in_memory().unwrap();
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(store.last_delivery("out").unwrap(), None);
        let delivered = Delivery {
            snapshot_id: first,
            manifest_sha256: "aa".into(),
            previous_manifest_sha256: Some("99".into()),
            slot: Some("b".into()),
        };
        store.record_delivery("out", &delivered).unwrap();
        let last = store.last_delivery("out").unwrap().unwrap();
        assert_eq!(last, delivered);
        assert_eq!(last.link_for(first), Some("99"));
        assert_eq!(last.link_for(second), Some("aa"));
        assert_eq!(store.last_delivery("elsewhere").unwrap(), None);
    }
}
