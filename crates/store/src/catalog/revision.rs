//! The catalog's revision: a number that tells whether what was computed from the catalog is up to date.

use domesday_model::Kind;

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

/// Returns the revision as a transaction sees it.
pub(crate) fn read(database: &mut Database) -> Result<u64, StoreError> {
    let value = database.first("SELECT value FROM revision", &[], |row| row.integer(0))?;
    Ok(u64::try_from(value.unwrap_or_default()).unwrap_or_default())
}

/// Returns the revision at which the inventory last changed ([`is_inventory`]), as a transaction sees it. None when that
/// is not known, since a process of an earlier version has written.
pub(crate) fn read_inventory(database: &mut Database) -> Result<Option<u64>, StoreError> {
    let row = database.first("SELECT value, inventory, rules FROM revision", &[], |row| {
        Ok((row.integer(0)?, row.integer(1)?, row.integer(2)?))
    })?;
    let known = row.filter(|(value, inventory, rules)| value == inventory || value == rules);
    Ok(known.and_then(|(_, inventory, _)| u64::try_from(inventory).ok()))
}

/// Whether a kind is part of the inventory: the identities and the data, whose objects are many and change rarely
/// compared to how often policies and requests do.
pub(crate) fn is_inventory(kind: Kind) -> bool {
    match kind {
        Kind::Tenant | Kind::Tag | Kind::Group | Kind::User | Kind::Domain | Kind::DataSource => true,
        Kind::Policy
        | Kind::DataPolicy
        | Kind::Agreement
        | Kind::RequestForm
        | Kind::DataProduct
        | Kind::Request
        | Kind::Connection => false,
    }
}

/// Advances the revision: objects of these kinds have changed.
pub(crate) fn advance(
    database: &mut Database,
    kinds: impl IntoIterator<Item = Kind>,
) -> Result<(), StoreError> {
    let (mut inventory, mut rules) = (false, false);
    for kind in kinds {
        *(if is_inventory(kind) { &mut inventory } else { &mut rules }) = true;
    }
    let (inventory, rules) = (u8::from(inventory), u8::from(rules));
    // Neither number is the revision after a process of an earlier version has written, which may have changed both.
    let sql = format!(
        "UPDATE revision SET
             inventory = CASE WHEN {inventory} = 1 OR (value <> inventory AND value <> rules) THEN value + 1
                 ELSE inventory END,
             rules = CASE WHEN {rules} = 1 THEN value + 1 ELSE rules END,
             value = value + 1"
    );
    database.execute(&sql, values![]).map(drop)
}
