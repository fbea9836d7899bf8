//! The store itself: how it is opened, and transactions that span several operations.

use std::path::Path;

use secrecy::SecretString;

use crate::database::{Database, Extent, Postgres, Sqlite};
use crate::{StoreError, schema};

/// The governance metadata of one tenant. One connection: whoever works in parallel opens several.
#[derive(Debug)]
pub struct Store {
    pub(crate) database: Database,
    /// Whether it outlives the process. In memory a tenant that declares no id gets no random one, since the
    /// same catalog must give the same ids each time, and nobody's changes are audited.
    is_persistent: bool,
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
        Ok(Self { database: Self::existing_file(path)?, is_persistent: true })
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

    /// Opens the store on a PostgreSQL server.
    pub(crate) fn open_server(url: &SecretString) -> Result<Self, StoreError> {
        let mut database = Database::Postgres(Box::new(Postgres::connect(url)?));
        schema::migrate(&mut database)?;
        Ok(Self { database, is_persistent: true })
    }

    /// Opens the store on a PostgreSQL server as it is, when there is one.
    pub(crate) fn open_server_unmigrated(url: &SecretString) -> Result<Option<Self>, StoreError> {
        let mut database = Database::Postgres(Box::new(Postgres::connect(url)?));
        let found = schema::holds_store(&mut database)?;
        Ok(found.then_some(Self { database, is_persistent: true }))
    }

    /// Brings a store of an earlier version up to this one.
    pub(crate) fn migrate(&mut self) -> Result<(), StoreError> {
        schema::migrate(&mut self.database)
    }

    /// Whether the store outlives the process.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.is_persistent
    }

    /// An empty store in memory, gone when dropped.
    ///
    /// # Errors
    /// When SQLite cannot allocate it.
    pub fn in_memory() -> Result<Self, StoreError> {
        let mut database = Database::Sqlite(Sqlite::in_memory()?);
        schema::migrate(&mut database)?;
        Ok(Self { database, is_persistent: false })
    }

    fn open_file(mut database: Database) -> Result<Self, StoreError> {
        schema::migrate(&mut database)?;
        if let Database::Sqlite(sqlite) = &database {
            sqlite.make_durable()?;
        }
        Ok(Self { database, is_persistent: true })
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
