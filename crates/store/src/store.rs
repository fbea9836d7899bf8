//! The store: opening it, and transactions over several operations.

use std::path::Path;
use std::sync::Arc;

use secrecy::SecretString;

use crate::database::{Database, Extent, Postgres, Sqlite};
use crate::observer::StoreObserver;
use crate::{StoreError, schema};

/// The governance metadata of one tenant, over one connection. Threads that work in parallel open one each.
#[derive(Debug)]
pub struct Store {
    pub(crate) database: Database,
    /// Whether it outlives the process. In memory, a tenant without an id gets one that is derived from its name, since
    /// the same catalog must give the same bytes, and changes are not audited.
    is_persistent: bool,
}

impl Store {
    /// Opens the store in a file. Creates it when there is none, and migrates an older one.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a Domesday store, or was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_file(Database::Sqlite(Sqlite::open(path, true)?))
    }

    /// Opens the store in a file, and migrates an older one. Never creates a store.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StoreError::NoStore`] when there is no such file or it is empty.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::open_file(Self::existing_file(path)?)
    }

    /// Opens the store in a file without migrating it: a store of an earlier version can be backed up, and its audit log
    /// read, while a service of that version uses it.
    ///
    /// # Errors
    /// As [`Store::open_existing`].
    pub fn open_unmigrated(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { database: Self::existing_file(path)?, is_persistent: true })
    }

    /// Connects to a file that contains a store.
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

    /// Opens the store on a PostgreSQL server without migrating it, if there is one.
    pub(crate) fn open_server_unmigrated(url: &SecretString) -> Result<Option<Self>, StoreError> {
        let mut database = Database::Postgres(Box::new(Postgres::connect(url)?));
        let found = schema::holds_store(&mut database)?;
        Ok(found.then_some(Self { database, is_persistent: true }))
    }

    /// Migrates a store of an earlier version to this one.
    pub(crate) fn migrate(&mut self) -> Result<(), StoreError> {
        schema::migrate(&mut self.database)
    }

    /// Whether the store outlives the process.
    #[must_use]
    pub fn is_persistent(&self) -> bool {
        self.is_persistent
    }

    /// Creates an empty store in memory.
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

    /// Runs work in one exclusive transaction: no other writer commits between its reads and its writes, and its changes
    /// are committed all or none. Operations of the store inside it, and further exclusive transactions, become parts of
    /// it.
    ///
    /// A decision that is made in the transaction is therefore still right when the change that it allows is committed.
    ///
    /// # Errors
    /// Those of `work` and of the store. Nothing is changed then.
    pub fn exclusive_transaction<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let extent = self.database.begin_write()?;
        let mut open = Open { store: self, extent };
        let done = work(open.store)?;
        // A commit that fails has rolled back.
        let extent = std::mem::replace(&mut open.extent, Extent::Nothing);
        open.store.database.commit_write(extent)?;
        Ok(done)
    }

    /// Runs work that reads, and sees one state of the store throughout. Within another transaction it is part of that one.
    ///
    /// # Errors
    /// Those of `work` and of the store.
    pub fn consistent_read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let extent = self.database.begin_read()?;
        let open = Open { store: self, extent };
        work(open.store)
    }

    /// Reconnects, such as after a failover, when the current server is no longer the primary. Does nothing for a file.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn reconnect(&mut self) -> Result<(), StoreError> {
        self.database.reconnect()
    }

    /// Checks that the database answers and accepts writes.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] when it does not accept writes; when it does not answer.
    pub fn ping(&mut self) -> Result<(), StoreError> {
        self.database.first("SELECT value FROM revision", &[], |_| Ok(()))?;
        let is_read_only = match &mut self.database {
            Database::Sqlite(sqlite) => sqlite.is_read_only()?,
            Database::Postgres(postgres) => postgres.is_read_only()?,
        };
        if is_read_only { Err(StoreError::ReadOnly) } else { Ok(()) }
    }

    /// Lets an observer watch the transactions of this connection from now on. A store on a server is not observed.
    pub fn set_observer(&mut self, observer: Arc<dyn StoreObserver>) {
        if let Database::Sqlite(sqlite) = &mut self.database {
            sqlite.set_observer(observer);
        }
    }
}

/// A transaction that is rolled back unless it was committed.
struct Open<'s> {
    store: &'s mut Store,
    extent: Extent,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.store.database.end_write(self.extent);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::observer::StoreEvent;

    #[derive(Debug, Default)]
    struct Recorder {
        events: Mutex<Vec<StoreEvent>>,
        refused: Mutex<Option<StoreEvent>>,
    }

    impl StoreObserver for Recorder {
        fn observe(&self, event: StoreEvent) -> Result<(), StoreError> {
            self.events.lock().unwrap().push(event);
            if *self.refused.lock().unwrap() == Some(event) { Err(StoreError::Busy) } else { Ok(()) }
        }
    }

    #[test]
    fn transactions_are_observed_and_fail_where_the_observer_says() {
        let (mut store, recorder) = (Store::in_memory().unwrap(), Arc::new(Recorder::default()));
        store.set_observer(Arc::<Recorder>::clone(&recorder));
        let acquire = |store: &mut Store, holder: &str| {
            let at = domesday_model::Instant::from_micros(0);
            let until = domesday_model::Instant::from_micros(60);
            store.exclusive_transaction(|store| store.acquire_lease("x", holder, at, until))
        };
        for refused in [StoreEvent::Begin { is_write: true }, StoreEvent::Commit] {
            *recorder.refused.lock().unwrap() = Some(refused);
            assert!(matches!(acquire(&mut store, "a"), Err(StoreError::Busy)));
        }
        *recorder.refused.lock().unwrap() = None;
        recorder.events.lock().unwrap().clear();
        assert_eq!(acquire(&mut store, "a").unwrap().unwrap().token(), 1, "nothing was written before");
        let begin = StoreEvent::Begin { is_write: true };
        assert_eq!(*recorder.events.lock().unwrap(), [begin, StoreEvent::Commit, StoreEvent::Committed]);
        *recorder.refused.lock().unwrap() = Some(StoreEvent::Committed);
        assert!(acquire(&mut store, "a").is_err());
        *recorder.refused.lock().unwrap() = None;
        assert_eq!(acquire(&mut store, "a").unwrap().unwrap().token(), 3, "what failed last was written");
    }
}
