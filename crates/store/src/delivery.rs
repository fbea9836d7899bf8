//! What a run must know of the one before it: the credentials of a destination cannot read back.

use domesday_model::Instant;
use rusqlite::{OptionalExtension, params};

use crate::{Store, StoreError};

/// The last summary delivered to a destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// SHA-256 of its manifest, in hex: the next manifest's link in the chain.
    pub manifest_sha256: String,
    /// The instant of its snapshot.
    pub snapshot_at: Instant,
}

impl Store {
    /// The last delivery to a destination, by the destination's name.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_delivery(&self, destination: &str) -> Result<Option<Delivery>, StoreError> {
        let sql = "SELECT manifest_sha256, snapshot_at FROM delivery WHERE destination = ?1";
        let found = self.connection.query_row(sql, [destination], |row| {
            Ok(Delivery { manifest_sha256: row.get(0)?, snapshot_at: Instant::from_micros(row.get(1)?) })
        });
        Ok(found.optional()?)
    }

    /// Remembers a delivery that is complete.
    ///
    /// # Errors
    /// When the store fails.
    pub fn record_delivery(&mut self, destination: &str, delivery: &Delivery) -> Result<(), StoreError> {
        self.connection.execute(
            "INSERT INTO delivery (destination, manifest_sha256, snapshot_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (destination) DO UPDATE SET manifest_sha256 = ?2, snapshot_at = ?3",
            params![destination, delivery.manifest_sha256, delivery.snapshot_at.as_micros()],
        )?;
        Ok(())
    }
}
