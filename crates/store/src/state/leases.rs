//! Leases: exclusive rights for a limited time, such as to run an export.
//!
//! A lease expires, so that the lease of a process that crashed becomes free. Instants come from the clocks of the
//! replicas: a lease must be longer than the clock skew and be renewed well before it expires.
//!
//! A clock that was ahead and was set back leaves leases that expire far in the future. A lease that expires later than
//! any lease acquired now can is therefore free as well.
//!
//! A holder that was paused may not know that another process has its lease. So each acquisition has a [`Fence`] (a fencing
//! token), which is checked in the transaction of every write under the lease: a write of a former holder is rejected.

use domesday_model::Instant;

use crate::database::{Database, Transaction, values};
use crate::{Store, StoreError};

/// The fencing token of one acquisition of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    name: String,
    token: i64,
}

impl Fence {
    /// Returns its number. A later acquisition of the same lease has a greater one.
    #[must_use]
    pub fn token(&self) -> i64 {
        self.token
    }

    /// Checks in a transaction that the lease was not acquired again, and blocks acquisitions until the transaction ends.
    fn check_and_lock(&self, database: &mut Database) -> Result<(), StoreError> {
        // An update rather than a query: an acquisition then waits for this transaction.
        let sql = "UPDATE lease SET token = token WHERE name = ?1 AND token = ?2";
        match database.execute(sql, values![&self.name, self.token])? {
            0 => Err(StoreError::Superseded { lease: self.name.clone() }),
            _ => Ok(()),
        }
    }
}

impl Store {
    /// Acquires a lease until an instant, unless another holder has it at `at`. A holder that has it already extends it,
    /// with a new fence.
    ///
    /// All holders acquire a lease for the same duration. A lease that expires later than twice this duration from now was
    /// acquired while a clock was ahead, and is free.
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
        // One statement: of two concurrent ones, the second sees the row of the first.
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

    /// Renews a lease. Returns false when it has expired or another process has it: the holder must stop.
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

    /// Begins a write transaction under a lease, if a fence is given.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when another process has the lease.
    pub(crate) fn begin_fenced_write(
        &mut self,
        fence: Option<&Fence>,
    ) -> Result<Transaction<'_>, StoreError> {
        let mut transaction = self.database.write()?;
        if let Some(fence) = fence {
            fence.check_and_lock(&mut transaction)?;
        }
        Ok(transaction)
    }

    /// Releases a lease, unless another process has it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_lease(&mut self, fence: &Fence) -> Result<(), StoreError> {
        // The row stays, since its number must keep growing.
        let sql = "UPDATE lease SET holder = '', ends_at = ?3 WHERE name = ?1 AND token = ?2";
        self.database.execute(sql, values![&fence.name, fence.token, i64::MIN]).map(drop)
    }
}
