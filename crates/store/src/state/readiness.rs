//! Whether a change could be committed, found out by committing one that changes nothing.
//!
//! Only a commit tells: a full disk, a read-only standby or a lock that another process holds let every read pass. The
//! change writes one page on SQLite and one row on PostgreSQL, in place, so that checking every second for years takes
//! no space.

use std::time::Duration;

use crate::database::Database;
use crate::{Store, StoreError};

/// How long the check waits for other writers.
const WAIT: Duration = Duration::from_millis(1500);

impl Store {
    /// Commits a change of nothing. It waits at most 1.5 seconds for other writers; how long a server takes that does
    /// not answer at all, the caller limits.
    ///
    /// # Errors
    /// [`StoreError::DiskFull`], [`StoreError::ReadOnly`], [`StoreError::Busy`] while another writer does not end,
    /// [`StoreError::Unreachable`], and whatever else keeps a change from being committed.
    pub fn check_commit(&mut self) -> Result<(), StoreError> {
        match &mut self.database {
            Database::Sqlite(sqlite) => sqlite.check_commit(WAIT),
            Database::Postgres(postgres) => postgres.check_commit(WAIT),
        }
    }

    /// Checks that the connection is a session of its own: settings, prepared statements and locks must not end with a
    /// transaction or be those of another client. On PostgreSQL it opens a second connection for a moment.
    ///
    /// # Errors
    /// [`StoreError::TransactionPooler`] when it is none; when the database does not answer.
    pub fn check_session(&mut self) -> Result<(), StoreError> {
        match &mut self.database {
            Database::Sqlite(_) => Ok(()),
            Database::Postgres(postgres) => postgres.check_session(),
        }
    }
}
