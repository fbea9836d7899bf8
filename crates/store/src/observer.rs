//! A place to watch transactions from, and to make them fail: what a simulation of failures needs.

use std::fmt;
use std::sync::Arc;

use crate::database::Database;
use crate::{Store, StoreError};

/// A moment of a transaction. A statement outside of any is a transaction of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreEvent {
    /// A transaction is about to begin. An error takes the place of its beginning.
    Begin {
        /// Whether it may change the store.
        is_write: bool,
    },
    /// A transaction is about to be committed. An error rolls it back.
    Commit,
    /// A transaction that may have changed the store is committed. An error reaches the caller although the change is in
    /// the store, as when the connection breaks before the database has answered.
    Committed,
}

/// Watches the transactions of a connection.
pub trait StoreObserver: fmt::Debug + Send + Sync {
    /// Called at each moment of each transaction, on the thread that runs it.
    ///
    /// # Errors
    /// The error that the transaction is to fail with.
    fn observe(&self, event: StoreEvent) -> Result<(), StoreError>;
}

impl Store {
    /// Lets an observer watch the transactions of this connection from now on. A store on a server is not observed.
    pub fn set_observer(&mut self, observer: Arc<dyn StoreObserver>) {
        if let Database::Sqlite(sqlite) = &mut self.database {
            sqlite.set_observer(observer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

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
