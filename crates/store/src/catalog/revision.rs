//! The revision of the catalog: a number by which a cache knows whether it is still valid.

use crate::database::{Database, values};
use crate::{Store, StoreError};

impl Store {
    /// Returns the revision of the catalog. It grows with every change of the catalog, and only then.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revision(&mut self) -> Result<u64, StoreError> {
        read(&mut self.database)
    }
}

/// Returns the revision in a transaction.
pub(crate) fn read(database: &mut Database) -> Result<u64, StoreError> {
    let value = database.first("SELECT value FROM revision", &[], |row| row.integer(0))?;
    Ok(u64::try_from(value.unwrap_or_default()).unwrap_or_default())
}

/// Increments the revision, with a change of the catalog.
pub(crate) fn advance(database: &mut Database) -> Result<(), StoreError> {
    database.execute("UPDATE revision SET value = value + 1", values![]).map(drop)
}
