//! Readiness: whether a write can be committed, checked by committing one that changes nothing.
//!
//! Reads succeed with a full disk, on a read-only standby and while another process holds the lock. The check rewrites one
//! page on SQLite and one row on PostgreSQL in place, so that frequent checks take no space.

use std::time::Duration;

use crate::database::Database;
use crate::{Store, StoreError};

/// How long the check waits for the write lock.
const WAIT: Duration = Duration::from_millis(1500);

impl Store {
    /// Commits a write that changes nothing. Waits at most 1.5 seconds for other writers; the caller limits how long a
    /// server may take that does not answer.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::ReadOnly`], [`StoreError::Busy`] while another writer holds the lock,
    /// [`StoreError::Unreachable`], and other errors of the database.
    pub fn check_commit(&mut self) -> Result<(), StoreError> {
        match &mut self.database {
            Database::Sqlite(sqlite) => sqlite.check_commit(WAIT),
            Database::Postgres(postgres) => postgres.check_commit(WAIT),
        }
    }

    /// Checks that the connection has a session of its own: settings, prepared statements and locks must outlive a
    /// transaction and not be shared with other clients. On PostgreSQL, opens a second connection for a moment.
    ///
    /// # Errors
    /// [`StoreError::TransactionPooler`] when it has none; when the database does not answer.
    pub fn check_session(&mut self) -> Result<(), StoreError> {
        match &mut self.database {
            Database::Sqlite(_) => Ok(()),
            Database::Postgres(postgres) => postgres.check_session(),
        }
    }
}
