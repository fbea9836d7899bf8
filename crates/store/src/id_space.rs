//! Numeric ids: each id space counts up, so that no id returns, whatever is deleted.

use crate::StoreError;
use crate::database::{Database, values};

/// Allocates `count` ids in a space and returns the first.
pub(crate) fn allocate_ids(database: &mut Database, space: &str, count: i64) -> Result<i64, StoreError> {
    let last = database.first(
        "INSERT INTO id_space (name, last) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET last = id_space.last + excluded.last RETURNING last",
        values![space, count],
        |row| row.integer(0),
    )?;
    Ok(last.expect("an upsert returns its row") - count + 1)
}
