//! The part of migration 2 in Rust: the ids of columns move into the row of their data source.
//!
//! Each snapshot read a table of up to a million ids, and looked up each by name. In the order of the document they need
//! no lookup.

use std::collections::HashMap;

use domesday_model::{DataSource, Kind};

use crate::StoreError;
use crate::catalog::parse;
use crate::database::{Database, values};

/// The version after the migration.
pub(super) const VERSION: i64 = 2;

/// Moves the ids of `data_column` into `object.column_ids`.
pub(super) fn fill(database: &mut Database) -> Result<(), StoreError> {
    let mut known: HashMap<(i64, String), i64> = HashMap::new();
    database.each("SELECT data_source_id, name, id FROM data_column", &[], &mut |row| {
        known.insert((row.integer(0)?, row.text(1)?.to_owned()), row.integer(2)?);
        Ok(())
    })?;
    let kind = Kind::DataSource;
    let sql = "SELECT id, name, document FROM object WHERE kind = ?1";
    let sources = database.all(sql, values![kind.key()], |row| {
        Ok((row.integer(0)?, parse::<DataSource>(kind, row.text(1)?, row.text(2)?)?))
    })?;
    for (id, source) in sources {
        let ids = source.columns.into_iter().map(|column| known.get(&(id, column.name)).copied());
        let ids: Option<Vec<i64>> = ids.collect();
        let ids = ids.expect("the first version wrote a data source and its columns in one transaction");
        database.execute(
            "UPDATE object SET column_ids = ?3 WHERE kind = ?1 AND id = ?2",
            values![kind.key(), id, &serde_json::to_string(&ids).expect("numbers are plain data")],
        )?;
    }
    database.script("DROP TABLE data_column")
}
