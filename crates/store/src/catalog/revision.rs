//! The catalog's revision: a number that tells whether what was computed from the catalog still holds.

use crate::database::{Database, values};
use crate::{Store, StoreError};

impl Store {
    /// The catalog's revision: it grows with every change of the catalog and with nothing else.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revision(&mut self) -> Result<u64, StoreError> {
        read(&mut self.database)
    }
}

/// The revision as a transaction sees it.
pub(crate) fn read(database: &mut Database) -> Result<u64, StoreError> {
    let value = database.first("SELECT value FROM revision", &[], |row| row.integer(0))?;
    Ok(u64::try_from(value.unwrap_or_default()).unwrap_or_default())
}

/// Says that the catalog changes.
pub(crate) fn advance(database: &mut Database) -> Result<(), StoreError> {
    database.execute("UPDATE revision SET value = value + 1", values![]).map(drop)
}
