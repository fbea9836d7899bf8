//! Persistence: the governance metadata, and what a service keeps beside it. SQLite, embedded,
//! or PostgreSQL, shared.
//!
//! The store keeps each object as the document its owner declared (the catalog format in JSON), beside it the
//! id it was given, its history and where it came from. Documents rather than a table per attribute, since
//! objects are always read whole: a plan compares documents, a snapshot reads them once in order, and a new
//! field of the format needs no migration. Relations live where they are evaluated, in the snapshot.
//!
//! - [`Store::apply`] brings a catalog in: all of it or, on any error, nothing.
//! - [`Store::put_object`] and its neighbours change one object at a time, guarded by entity tags.
//! - [`Store::snapshot`] is the one consistent read from which everything else is computed.
//! - API keys, exports, runs, leases, messages to a receiver and remembered answers are what the service needs, a
//!   module each.
//! - Every change writes its entry of the audit log ([`AuditEntry`]) in the same transaction.
//!
//! What is not here: no evaluation, no HTTP, no encryption, no clock; every operation is told the instant it
//! happens at. Secrets come in hashed or sealed.

mod apply;
mod audit;
mod backup;
mod change;
mod consistency;
mod database;
mod delivery;
mod documents;
mod error;
mod exports;
mod future;
mod idempotency;
mod keys;
mod leases;
mod location;
mod objects;
mod outbox;
mod plan;
mod readiness;
mod records;
mod references;
mod requests;
mod revision;
mod run_progress;
mod runs;
mod schema;
mod snapshot;
mod tenant;

use std::path::Path;

use database::{Database, Extent, Postgres, Sqlite};
use secrecy::{ExposeSecret, SecretString};

pub use apply::{ApplyOptions, ObjectChange};
pub use audit::{
    AuditAnchor, AuditEntry, AuditFault, AuditMismatch, AuditReport, InvalidAnchor, NewAuditEntry,
};
pub use backup::Restored;
pub use change::{ChangeBy, IfMatch};
pub use delivery::Delivery;
pub use error::StoreError;
pub use exports::StoredExport;
pub use future::CLOCKS_DIFFER_MICROS;
pub use future::ReleasedSlot;
pub use idempotency::Call;
pub use keys::{ApiKey, NewApiKey};
pub use leases::Fence;
pub use location::{Location, ServerUrl};
pub use objects::{ObjectPage, StoredObject};
pub use outbox::{Message, MessageState, NewMessage, Settled};
pub use plan::{Action, Change, FieldChange, Plan};
pub use run_progress::cancelled_error;
pub use runs::{NewRun, RunRecord, RunState};

/// The governance metadata of one tenant. One connection: whoever works in parallel opens several.
#[derive(Debug)]
pub struct Store {
    database: Database,
    /// Whether it outlives the process. In memory a tenant that declares no id gets no random one, since the
    /// same catalog must give the same ids each time, and nobody's changes are audited.
    lasts: bool,
}

impl Store {
    /// Opens the store in a file, creating it when there is none and migrating it when it is older.
    ///
    /// # Errors
    /// When the file cannot be opened, is no Domesday store, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_file(Database::Sqlite(Sqlite::open(path, true)?))
    }

    /// Opens the store in a file, migrating it when it is older. Never creates one.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StoreError::NoStore`] when there is no such file or it is empty.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::open_file(Self::existing_file(path)?)
    }

    /// Opens the store in a file as it is: neither created nor migrated, so that a store of an earlier version can be
    /// backed up, and its audit log read, while a service of that version goes on with it.
    ///
    /// # Errors
    /// As [`Store::open_existing`].
    pub fn open_unmigrated(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { database: Self::existing_file(path)?, lasts: true })
    }

    /// A connection to a file that holds a store.
    fn existing_file(path: &Path) -> Result<Database, StoreError> {
        let missing = || StoreError::NoStore { place: path.display().to_string() };
        if !path.exists() {
            return Err(missing());
        }
        let mut database = Database::Sqlite(Sqlite::open(path, false)?);
        if schema::holds_store(&mut database)? { Ok(database) } else { Err(missing()) }
    }

    /// Opens the store that a URL names, creating or migrating it as [`Store::open`] does.
    ///
    /// # Errors
    /// As [`Location::parse`] and [`Location::open`].
    pub fn connect(url: &SecretString) -> Result<Self, StoreError> {
        Location::parse(url.expose_secret())?.open()
    }

    /// Opens the store on a PostgreSQL server.
    fn open_server(url: &SecretString) -> Result<Self, StoreError> {
        let mut database = Database::Postgres(Box::new(Postgres::connect(url)?));
        schema::migrate(&mut database)?;
        Ok(Self { database, lasts: true })
    }

    /// Opens the store on a PostgreSQL server as it is, when there is one.
    fn open_server_unmigrated(url: &SecretString) -> Result<Option<Self>, StoreError> {
        let mut database = Database::Postgres(Box::new(Postgres::connect(url)?));
        let found = schema::holds_store(&mut database)?;
        Ok(found.then_some(Self { database, lasts: true }))
    }

    /// Brings a store of an earlier version up to this one.
    fn migrate(&mut self) -> Result<(), StoreError> {
        schema::migrate(&mut self.database)
    }

    /// Whether the store outlives the process.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.lasts
    }

    /// An empty store in memory, gone when dropped.
    ///
    /// # Errors
    /// When SQLite cannot allocate it.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut database = Database::Sqlite(Sqlite::in_memory()?);
        schema::migrate(&mut database)?;
        Ok(Self { database, lasts: false })
    }

    fn open_file(mut database: Database) -> Result<Self, StoreError> {
        schema::migrate(&mut database)?;
        if let Database::Sqlite(sqlite) = &database {
            sqlite.make_durable()?;
        }
        Ok(Self { database, lasts: true })
    }

    /// Runs work in one exclusive transaction: no other writer commits between its reads and its writes, and all of
    /// its changes are committed, or none. Operations of the store inside it become parts of the transaction; so does
    /// another exclusive transaction.
    ///
    /// What a decision was based on is still true when the change that it allows is committed, as long as both are
    /// made in here.
    ///
    /// # Errors
    /// What `work` fails with, or the store. In each case nothing changes.
    pub fn exclusive_transaction<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        /// Rolls the transaction back on every way out but the good one.
        struct Open<'s> {
            store: &'s mut Store,
            extent: Extent,
        }

        impl Drop for Open<'_> {
            fn drop(&mut self) {
                self.store.database.end_write(self.extent);
            }
        }

        let extent = self.database.begin_write()?;
        let mut open = Open { store: self, extent };
        let done = work(open.store)?;
        // Where the commit fails there is nothing left to roll back.
        let extent = std::mem::replace(&mut open.extent, Extent::Nothing);
        open.store.database.commit_write(extent)?;
        Ok(done)
    }

    /// Connects anew, as after a failover: the server that this connection is to may take no changes any more. A file
    /// needs nothing of the kind.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn reconnect(&mut self) -> Result<(), StoreError> {
        self.database.reconnect()
    }

    /// Checks that the database answers, and that the connection takes changes.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] when it takes none; when the database does not answer.
    pub fn ping(&mut self) -> Result<(), StoreError> {
        self.database.first("SELECT value FROM revision", &[], |_| Ok(()))?;
        let is_read_only = match &mut self.database {
            Database::Sqlite(sqlite) => sqlite.is_read_only()?,
            Database::Postgres(postgres) => postgres.is_read_only()?,
        };
        if is_read_only { Err(StoreError::ReadOnly) } else { Ok(()) }
    }
}
