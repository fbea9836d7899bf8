//! The schema and its history: each migration takes the store from one version to the next.

use rusqlite::{Connection, TransactionBehavior};

use crate::StoreError;

/// `DOME`, in SQLite's `application_id`: what tells a Domesday store from any other database.
const APPLICATION_ID: i64 = 0x444f_4d45;

/// The migrations in order; the store's `user_version` counts those that ran. Never edited once released.
const MIGRATIONS: [&str; 2] = [
    // 1: the first edition.
    "
    CREATE TABLE tenant (
        only_one    INTEGER PRIMARY KEY CHECK (only_one = 1),
        id          TEXT NOT NULL,
        name        TEXT NOT NULL,
        time_zone   TEXT NOT NULL,
        created_at  INTEGER NOT NULL
    ) STRICT;

    -- One row per object of the catalog; instants are microseconds since 1970 UTC.
    CREATE TABLE object (
        kind        TEXT NOT NULL,     -- the catalog's top-level key
        id          INTEGER NOT NULL,
        name        TEXT NOT NULL,
        document    TEXT NOT NULL,     -- as declared, in the catalog format
        origin      TEXT NOT NULL,     -- the file inside the catalog, or 'api'
        created_at  INTEGER NOT NULL,
        updated_at  INTEGER NOT NULL,
        since       TEXT NOT NULL,     -- instants of parts younger than the object
        PRIMARY KEY (kind, id),
        UNIQUE (kind, name)
    ) STRICT, WITHOUT ROWID;

    -- Columns stand in their data source's document; here are the ids they keep.
    CREATE TABLE data_column (
        data_source_id  INTEGER NOT NULL,
        name            TEXT NOT NULL,
        id              INTEGER NOT NULL UNIQUE,
        PRIMARY KEY (data_source_id, name)
    ) STRICT, WITHOUT ROWID;

    -- The last id given in each id space: an id never returns, whatever is deleted.
    CREATE TABLE id_space (
        name  TEXT PRIMARY KEY,
        last  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Every text an agreement ever had: what somebody accepted can be proven later.
    CREATE TABLE agreement_text (
        name     TEXT NOT NULL,
        version  INTEGER NOT NULL,
        text     TEXT NOT NULL,
        PRIMARY KEY (name, version)
    ) STRICT, WITHOUT ROWID;

    -- What a run must know of the one before, per destination.
    CREATE TABLE delivery (
        destination               TEXT PRIMARY KEY,
        snapshot_id               TEXT NOT NULL,
        manifest_sha256           TEXT NOT NULL,
        previous_manifest_sha256  TEXT
    ) STRICT, WITHOUT ROWID;
    ",
    // 2: the slot that a delivery was written into, in the swap layout.
    "
    ALTER TABLE delivery ADD COLUMN slot TEXT;
    ",
];

/// Brings a database to the newest version, or makes one of an empty file.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let version = checked_version(connection, known)?;
    if version == known {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Somebody else may have migrated while this one waited for the lock.
    let version = checked_version(&transaction, known)?;
    for migration in &MIGRATIONS[usize::try_from(version).unwrap_or(0)..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", known)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

fn checked_version(connection: &Connection, known: i64) -> Result<i64, StoreError> {
    let pragma = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id").map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => StoreError::Foreign,
        _ => error.into(),
    })?;
    let version = pragma("user_version")?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match application {
        APPLICATION_ID if version > known => Err(StoreError::TooNew { found: version, known }),
        APPLICATION_ID => Ok(version),
        0 if tables == 0 && version == 0 => Ok(0),
        _ => Err(StoreError::Foreign),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_database_is_made_a_store_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(checked_version(&connection, 2).unwrap(), 2);
    }

    #[test]
    fn a_database_of_something_else_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE customers (id INTEGER)").unwrap();
        assert!(matches!(migrate(&mut connection), Err(StoreError::Foreign)));
    }

    #[test]
    fn a_store_of_a_newer_version_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(migrate(&mut connection), Err(StoreError::TooNew { found: 99, .. })));
    }
}
