//! Persistence of the governance metadata: SQLite, embedded.
//!
//! The store keeps each object as the document its owner declared (the catalog format in JSON), beside it the
//! id it was given, its history and where it came from. Documents rather than a table per attribute, since
//! objects are always read whole: a plan compares documents, a snapshot reads them once in order, and a new
//! field of the format needs no migration. Relations live where they are evaluated, in the snapshot.
//!
//! - [`Store::apply`] brings a catalog in: all of it or, on any error, nothing.
//! - [`Store::snapshot`] is the one consistent read from which everything else is computed.
//!
//! What is not here: no evaluation, no HTTP, no clock; every operation is told the instant it happens at.

mod apply;
mod delivery;
mod documents;
mod error;
mod migrations;
mod plan;
mod read;

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

pub use apply::ApplyOptions;
pub use delivery::Delivery;
pub use error::StoreError;
pub use plan::{Action, Change, FieldChange, Plan};

/// How long a writer waits for another before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The governance metadata of one tenant.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    /// Whether a tenant that declares no id gets a random one. Off in memory, where nothing could keep it and
    /// the same catalog must give the same ids each time.
    mints_tenant_id: bool,
}

impl Store {
    /// Opens the store in a file, creating it when there is none and migrating it when it is older.
    ///
    /// # Errors
    /// When the file cannot be opened, is no Domesday store, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection =
            Connection::open(path).map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        Self::prepare(connection, true)
    }

    /// Opens the store in a file that must exist.
    ///
    /// # Errors
    /// As [`Store::open`], and when there is no such file.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags(path, flags)
            .map_err(|source| StoreError::Open { path: path.to_owned(), source })?;
        Self::prepare(connection, true)
    }

    /// An empty store in memory, gone when dropped.
    ///
    /// # Errors
    /// When SQLite cannot allocate it.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?, false)
    }

    fn prepare(mut connection: Connection, mints_tenant_id: bool) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        migrations::migrate(&mut connection)?;
        // Readers go on while somebody applies; a commit is on disk before it is reported.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self { connection, mints_tenant_id })
    }
}
