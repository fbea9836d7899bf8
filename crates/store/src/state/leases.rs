//! Leases: who may do something that only one at a time may do, such as a run to one destination.
//!
//! A lease ends by itself, so that one whose holder died is free again. Instants come from the replicas'
//! clocks: a lease must last longer than those may differ and be renewed well before its end.
//!
//! A clock that was ahead and was set back leaves leases that end far in the future. They would lock everybody out until
//! then, so a lease that ends later than any lease taken now can is free as well.
//!
//! A holder that was paused may not know that its lease ended and somebody else has it. So each acquisition gets a
//! [`Fence`], and what is written under a lease is written with it: in the transaction of the write the fence is
//! looked at, and one of a former holder stops it.

use domesday_model::Instant;

use crate::database::{Database, Transaction, values};
use crate::{Store, StoreError};

/// One acquisition of a lease: what tells its holder from those before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    name: String,
    token: i64,
}

impl Fence {
    /// Its number; a later acquisition of the same lease has a greater one.
    #[must_use]
    pub fn token(&self) -> i64 {
        self.token
    }

    /// Lets a transaction go on only when nobody acquired the lease since, and nobody acquire it before the
    /// transaction ends.
    fn hold(&self, database: &mut Database) -> Result<(), StoreError> {
        // Written rather than read: an acquisition then waits for this transaction.
        let sql = "UPDATE lease SET token = token WHERE name = ?1 AND token = ?2";
        match database.execute(sql, values![&self.name, self.token])? {
            0 => Err(StoreError::Superseded { lease: self.name.clone() }),
            _ => Ok(()),
        }
    }
}

impl Store {
    /// Takes a lease until an instant, when nobody else holds it at `at`. Who holds it already has it longer, under
    /// a new fence.
    ///
    /// All holders of a lease take it for the same duration. One that ends further ahead than twice this duration was
    /// taken by a clock that was ahead, and is free.
    ///
    /// # Errors
    /// When the store fails.
    pub fn acquire_lease(
        &mut self,
        name: &str,
        holder: &str,
        at: Instant,
        until: Instant,
    ) -> Result<Option<Fence>, StoreError> {
        let duration = until.as_micros().saturating_sub(at.as_micros());
        let latest_end =
            if duration > 0 { at.as_micros().saturating_add(duration.saturating_mul(2)) } else { i64::MAX };
        // One statement: of two that come at once, the second sees what the first wrote.
        let token = self.database.first(
            "INSERT INTO lease (name, holder, ends_at, token) VALUES (?1, ?2, ?4, 1)
             ON CONFLICT (name) DO UPDATE SET holder = ?2, ends_at = ?4, token = lease.token + 1
             WHERE lease.holder = ?2 OR lease.ends_at <= ?3 OR lease.ends_at > ?5
             RETURNING token",
            values![name, holder, at.as_micros(), until.as_micros(), latest_end],
            |row| row.integer(0),
        )?;
        Ok(token.map(|token| Fence { name: name.to_owned(), token }))
    }

    /// Makes a lease last longer; false when somebody else has it meanwhile or it is free: then its holder lost
    /// it and must stop.
    ///
    /// # Errors
    /// When the store fails.
    pub fn renew_lease(&mut self, fence: &Fence, at: Instant, until: Instant) -> Result<bool, StoreError> {
        let touched = self.database.execute(
            "UPDATE lease SET ends_at = ?4 WHERE name = ?1 AND token = ?2 AND ends_at > ?3",
            values![&fence.name, fence.token, at.as_micros(), until.as_micros()],
        )?;
        Ok(touched == 1)
    }

    /// Begins a transaction of somebody who does what they do under a lease, if they do.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when somebody else has the lease.
    pub(crate) fn write_under(&mut self, fence: Option<&Fence>) -> Result<Transaction<'_>, StoreError> {
        let mut transaction = self.database.write()?;
        if let Some(fence) = fence {
            fence.hold(&mut transaction)?;
        }
        Ok(transaction)
    }

    /// Gives a lease back. Somebody else's stays.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_lease(&mut self, fence: &Fence) -> Result<(), StoreError> {
        // The row stays, since its number must go on growing.
        let sql = "UPDATE lease SET holder = '', ends_at = ?3 WHERE name = ?1 AND token = ?2";
        self.database.execute(sql, values![&fence.name, fence.token, i64::MIN]).map(drop)
    }
}
