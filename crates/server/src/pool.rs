//! A few connections to the store, each used by one blocking task at a time.
//!
//! The store blocks, so its work runs on the blocking threads of the runtime. A connection that failed in a way
//! that is not the caller's doing is dropped, and the next task opens a new one: a database that was away for a
//! while needs no restart of the service.

use std::sync::{Arc, Mutex, PoisonError};

use domesday_store::{Location, Store, StoreError};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// How many connections there are at most.
const CONNECTIONS: usize = 8;

/// Connections to one database; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    database: Location,
    idle: Mutex<Vec<Store>>,
    turns: Semaphore,
}

impl Pool {
    pub(crate) fn new(database: Location) -> Self {
        let shared = Shared { database, idle: Mutex::new(Vec::new()), turns: Semaphore::new(CONNECTIONS) };
        Self { shared: Arc::new(shared) }
    }

    /// Runs work on a connection, on a blocking thread.
    ///
    /// # Errors
    /// What the work fails with, or a problem when there is no connection to be had.
    pub(crate) async fn with<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + From<Problem> + Send + 'static,
        F: FnOnce(&mut Store) -> Result<T, E> + Send + 'static,
    {
        let _turn = self.shared.turns.acquire().await.expect("the semaphore is never closed");
        let shared = Arc::clone(&self.shared);
        let task = tokio::task::spawn_blocking(move || shared.with(work));
        task.await.unwrap_or_else(|error| Err(Problem::internal(&error).into()))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let idle = std::mem::take(self.idle.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !idle.is_empty() {
            // Closing a connection may block, and who drops the pool may be a task that must not.
            let _ = std::thread::spawn(move || drop(idle)).join();
        }
    }
}

impl Shared {
    fn with<T, E: From<StoreError>>(&self, work: impl FnOnce(&mut Store) -> Result<T, E>) -> Result<T, E> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut store = match idle {
            Some(store) => store,
            None => self.database.open()?,
        };
        let result = work(&mut store);
        // After an error the connection proves itself before it is used again.
        if result.is_ok() || store.ping().is_ok() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(store);
        }
        result
    }
}
