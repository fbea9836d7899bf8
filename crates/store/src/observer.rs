//! A place to watch transactions from, and to make them fail: what a simulation of failures needs.

use std::fmt;

use crate::StoreError;

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
