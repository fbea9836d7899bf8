//! A few connections to the store, each used by one blocking task at a time.
//!
//! The store blocks, so its work runs on the blocking threads of the runtime. A connection that failed in a way
//! that is not the caller's doing is dropped, and the next task opens a new one: a database that was away for a
//! while needs no restart of the service.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domesday_store::{Store, StoreError, StoreLocation};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ServiceError;
use crate::machine::{BlockingWork, Machine};

/// How many connections there are at most.
const CONNECTIONS: usize = 8;

/// How many of them may wait for the write lock at a time.
const WRITERS: usize = CONNECTIONS / 2;

/// How long work waits for a connection.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Connections to one database; clones share them.
#[derive(Debug, Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: StoreLocation,
    machine: Machine,
    idle: Mutex<Vec<Store>>,
    turns: Arc<Semaphore>,
    /// Limits how many connections wait for the write lock.
    writers: Arc<Semaphore>,
    /// Limits work without a connection, so that it neither waits for nor holds up work with one.
    computations: Arc<Semaphore>,
}

impl Pool {
    /// Returns a pool without connections yet.
    #[must_use]
    pub fn new(database: StoreLocation) -> Self {
        Self::on(Machine::default(), database)
    }

    /// Returns a pool whose work is executed on a machine.
    pub(crate) fn on(machine: Machine, database: StoreLocation) -> Self {
        let permits = |count| Arc::new(Semaphore::new(count));
        let shared = Shared {
            database,
            machine,
            idle: Mutex::new(Vec::new()),
            turns: permits(CONNECTIONS),
            writers: permits(WRITERS),
            computations: permits(CONNECTIONS),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Runs work on a connection, on a blocking thread.
    ///
    /// # Errors
    /// What the work fails with; when no connection is available.
    pub async fn with<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<ServiceError> + Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, E> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let machine = &self.shared.machine;
        blocking(machine, BlockingWork::Store, &self.shared.turns, move || shared.with(work)).await
    }

    /// Runs work that waits for the database's write lock, as [`Pool::with`] does. Only some connections may wait for
    /// it at a time: while another process holds the lock, the others go on reading.
    ///
    /// # Errors
    /// As [`Pool::with`].
    pub async fn with_writer<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<ServiceError> + Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, E> + Send + 'static,
    {
        let permit = acquire(&self.shared.writers).await?;
        self.with(move |store| {
            let done = work(store);
            drop(permit);
            done
        })
        .await
    }

    /// Runs work that needs no connection, such as reading a large document, on a blocking thread.
    ///
    /// # Errors
    /// What the work fails with.
    pub async fn compute<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<ServiceError> + Send + 'static,
        F: FnOnce() -> Result<T, E> + Send + 'static,
    {
        blocking(&self.shared.machine, BlockingWork::Computation, &self.shared.computations, work).await
    }

    /// Opens a connection for work that takes long, beside those of the pool. It blocks.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub(crate) fn connect(&self) -> Result<Store, StoreError> {
        self.shared.connect()
    }
}

/// Runs work on a blocking thread under a permit. The thread owns the permit: a request that is given up while its
/// work goes on must not let another begin in its place.
async fn blocking<T, E, F>(
    machine: &Machine,
    kind: BlockingWork,
    permits: &Arc<Semaphore>,
    work: F,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<ServiceError> + Send + 'static,
    F: FnOnce() -> Result<T, E> + Send + 'static,
{
    let permit = acquire(permits).await?;
    let work = move || {
        let done = work();
        drop(permit);
        done
    };
    machine.run_blocking(kind, work).await.unwrap_or_else(|error| Err(error.into()))
}

/// Waits for a permit, though not for long: work may hang in a database that does not answer.
async fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ServiceError> {
    let permit = tokio::time::timeout(LONGEST_WAIT, Arc::clone(permits).acquire_owned()).await;
    let permit = permit.map_err(|_| {
        ServiceError::unavailable("the service has been busy with other requests for 10 s; try again later")
    })?;
    Ok(permit.expect("the semaphore is never closed"))
}

impl Pool {
    /// Closes the connections that are not in use: they may lead to a server that takes no changes any more.
    pub fn discard_idle(&self) {
        let idle = self.shared.take_idle();
        if !idle.is_empty() {
            // Closing a connection may block.
            std::thread::spawn(move || drop(idle));
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let idle = std::mem::take(self.idle.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !idle.is_empty() {
            // Closing a connection may block, and an async task, which may drop the pool, must not.
            let _ = std::thread::spawn(move || drop(idle)).join();
        }
    }
}

impl Shared {
    fn connect(&self) -> Result<Store, StoreError> {
        let mut store = self.database.open()?;
        self.machine.observe(&mut store);
        Ok(store)
    }

    fn take_idle(&self) -> Vec<Store> {
        std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with<T, E: From<StoreError>>(&self, work: impl FnOnce(&mut Store) -> Result<T, E>) -> Result<T, E> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut store = match idle {
            Some(store) => store,
            None => self.connect()?,
        };
        let result = work(&mut store);
        // After an error the connection proves itself before it is used again.
        match if result.is_ok() { Ok(()) } else { store.ping() } {
            Ok(()) => self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(store),
            // The others lead to the same server.
            Err(StoreError::ReadOnly) => drop(self.take_idle()),
            Err(_) => {}
        }
        result
    }
}
