//! Leases: who may do something that only one at a time may do, such as a run to one destination.
//!
//! A lease ends by itself, so that one whose holder died is free again. Instants come from the replicas'
//! clocks: a lease must last longer than those may differ and be renewed well before its end.

use domesday_model::Instant;

use crate::database::values;
use crate::{Store, StoreError};

impl Store {
    /// Takes a lease until an instant, when nobody else holds it at `at`; true when it is taken. Who holds it
    /// already has it longer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn acquire_lease(
        &mut self,
        name: &str,
        holder: &str,
        at: Instant,
        until: Instant,
    ) -> Result<bool, StoreError> {
        // One statement: of two that come at once, the second sees what the first wrote.
        let touched = self.database.execute(
            "INSERT INTO lease (name, holder, ends_at) VALUES (?1, ?2, ?4)
             ON CONFLICT (name) DO UPDATE SET holder = ?2, ends_at = ?4
             WHERE lease.holder = ?2 OR lease.ends_at <= ?3",
            values![name, holder, at.as_micros(), until.as_micros()],
        )?;
        Ok(touched == 1)
    }

    /// Makes a lease last longer; false when somebody else has it meanwhile or it is free: then its holder lost
    /// it and must stop.
    ///
    /// # Errors
    /// When the store fails.
    pub fn renew_lease(
        &mut self,
        name: &str,
        holder: &str,
        at: Instant,
        until: Instant,
    ) -> Result<bool, StoreError> {
        let touched = self.database.execute(
            "UPDATE lease SET ends_at = ?4 WHERE name = ?1 AND holder = ?2 AND ends_at > ?3",
            values![name, holder, at.as_micros(), until.as_micros()],
        )?;
        Ok(touched == 1)
    }

    /// Gives a lease back. Somebody else's stays.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_lease(&mut self, name: &str, holder: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM lease WHERE name = ?1 AND holder = ?2";
        self.database.execute(sql, values![name, holder]).map(drop)
    }
}
