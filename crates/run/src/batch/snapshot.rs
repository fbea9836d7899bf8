//! The snapshot of a batch, as its steps read it.

use std::sync::Arc;

use domesday_model::{Instant, Snapshot, SnapshotFileError};
use domesday_store::{Store, StoreError};

use crate::population::Population;

/// A snapshot with what the manifest states of its connections.
#[derive(Debug, Clone)]
pub struct BatchSnapshot {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    pub(super) population: Population,
}

impl BatchSnapshot {
    /// Takes a snapshot of the store as of `at`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn take(store: &mut Store, at: Instant) -> Result<Self, StoreError> {
        let snapshot = Arc::new(store.snapshot(at)?);
        Ok(Self { snapshot, population: Population::read(store, at)? })
    }

    /// Returns the bytes of a file with it.
    #[must_use]
    pub fn to_file(&self) -> Vec<u8> {
        let population =
            serde_json::to_string(&self.population).expect("a population has nothing that JSON cannot say");
        self.snapshot.to_file(&population)
    }

    /// Reads it from the bytes of a file. A file without connections need not state that.
    ///
    /// # Errors
    /// When the file is something else, of another version, or damaged.
    pub fn from_file(file: &[u8]) -> Result<Self, SnapshotFileError> {
        let (snapshot, population) = Snapshot::from_file(file)?;
        let damaged = |_| SnapshotFileError::Damaged { what: "its connections are not as they are declared" };
        let population = match &*population {
            "" => Population::default(),
            text => serde_json::from_str(text).map_err(damaged)?,
        };
        Ok(Self { snapshot: Arc::new(snapshot), population })
    }
}
