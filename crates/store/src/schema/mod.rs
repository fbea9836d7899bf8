//! The schema and its migrations.
//!
//! A migration is one script for both databases, in the dialect of SQLite. Migrations are never edited after a release: a
//! store of any earlier version is migrated by those that it lacks, in one transaction. Of two processes that open an old
//! store at the same time, one migrates it.

mod authority;
mod column_ids;

use crate::StoreError;
use crate::catalog::{layers, request_index};
use crate::database::{Database, Sqlite};

/// `DOME`: the `application_id` that identifies a Domesday store in SQLite.
const APPLICATION_ID: i64 = 0x444f_4d45;

/// The migrations in order. The version of a store is the number of those that ran.
const MIGRATIONS: [&str; 21] = [
    include_str!("0001_first.sql"),
    include_str!("0002_service.sql"),
    include_str!("0003_slots.sql"),
    include_str!("0004_outbox.sql"),
    include_str!("0005_fencing.sql"),
    include_str!("0006_authority.sql"),
    include_str!("0007_progress.sql"),
    include_str!("0008_kept_manifests.sql"),
    include_str!("0009_requests.sql"),
    include_str!("0010_secret_fingerprints.sql"),
    include_str!("0011_inventory.sql"),
    include_str!("0012_sessions.sql"),
    include_str!("0013_single_sign_on.sql"),
    include_str!("0014_audit_search.sql"),
    include_str!("0015_layers.sql"),
    include_str!("0016_scim.sql"),
    include_str!("0017_lookups.sql"),
    include_str!("0018_privileges.sql"),
    include_str!("0019_attempts.sql"),
    include_str!("0020_drift.sql"),
    include_str!("0021_missing_references.sql"),
];

/// Returns the newest version.
fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Migrates a store to the newest version, or creates one in an empty database.
pub(crate) fn migrate(database: &mut Database) -> Result<(), StoreError> {
    // In one read transaction, since another process may create the store at the same time.
    if checked_version(&mut *database.read()?)? == newest() {
        return Ok(());
    }
    let mut transaction = database.write()?;
    // Another process may have migrated it while this one waited for the lock.
    let version = checked_version(&mut transaction)?;
    for migration in &MIGRATIONS[usize::try_from(version).unwrap_or(0)..] {
        transaction.script(migration)?;
    }
    if version < column_ids::VERSION {
        column_ids::fill(&mut transaction)?;
    }
    if version < authority::VERSION {
        authority::fill(&mut transaction)?;
    }
    if version < request_index::VERSION {
        request_index::fill(&mut transaction)?;
    }
    if version < layers::VERSION {
        layers::fill(&mut transaction)?;
    }
    set_version(&mut transaction)?;
    transaction.commit()
}

/// Whether a database contains a store of this version or an earlier one. Changes nothing.
///
/// # Errors
/// When it contains something else, or a store of a newer version.
pub(crate) fn holds_store(database: &mut Database) -> Result<bool, StoreError> {
    Ok(checked_version(&mut *database.read()?)? > 0)
}

/// Returns the version of a store; 0 for an empty database.
fn checked_version(database: &mut Database) -> Result<i64, StoreError> {
    let version = match database {
        Database::Sqlite(sqlite) => version_in_header(sqlite)?,
        Database::Postgres(_) => version_in_table(database)?,
    };
    if version > newest() {
        return Err(StoreError::TooNew { found: version, known: newest() });
    }
    Ok(version)
}

fn version_in_header(sqlite: &Sqlite) -> Result<i64, StoreError> {
    let (application, version) = (sqlite.pragma("application_id")?, sqlite.pragma("user_version")?);
    match application {
        APPLICATION_ID => Ok(version),
        0 if version == 0 && sqlite.is_empty()? => Ok(0),
        _ => Err(StoreError::Foreign),
    }
}

/// PostgreSQL has no header: a table contains the version, and identifies a store.
fn version_in_table(database: &mut Database) -> Result<i64, StoreError> {
    let tables = "SELECT count(*), count(*) FILTER (WHERE tablename = 'domesday_schema') FROM pg_tables
         WHERE schemaname = current_schema()";
    let counts = database.first(tables, &[], |row| Ok((row.integer(0)?, row.integer(1)?)))?;
    match counts.unwrap_or_default() {
        (0, _) => Ok(0),
        (_, 0) => Err(StoreError::Foreign),
        _ => {
            let version = database.first("SELECT version FROM domesday_schema", &[], |row| row.integer(0))?;
            version.ok_or(StoreError::Foreign)
        }
    }
}

fn set_version(database: &mut Database) -> Result<(), StoreError> {
    match database {
        Database::Sqlite(sqlite) => {
            sqlite.set_pragma("user_version", newest())?;
            sqlite.set_pragma("application_id", APPLICATION_ID)
        }
        Database::Postgres(_) => {
            database.script(
                "CREATE TABLE IF NOT EXISTS domesday_schema (version INTEGER NOT NULL);
                 DELETE FROM domesday_schema",
            )?;
            let sql = "INSERT INTO domesday_schema (version) VALUES (?1)";
            database.execute(sql, &[newest().into()]).map(drop)
        }
    }
}

/// Returns how SQLite would run a query of a store, a line a step.
#[cfg(test)]
pub(crate) fn query_plan(sql: &str) -> String {
    let mut database = Database::Sqlite(Sqlite::in_memory().expect("memory is there"));
    migrate(&mut database).expect("an empty database becomes a store");
    let count = (1..9).take_while(|number| sql.contains(&format!("?{number}"))).count();
    let values: Vec<_> = (0..count).map(|_| crate::database::Value::from(0_i64)).collect();
    let explained = format!("EXPLAIN QUERY PLAN {sql}");
    let steps = database.all(&explained, &values, |row| Ok(row.text(3)?.to_owned()));
    steps.expect("the query is valid").join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Database {
        Database::Sqlite(Sqlite::in_memory().unwrap())
    }

    #[test]
    fn an_empty_database_becomes_a_store_once() {
        let mut database = empty();
        migrate(&mut database).unwrap();
        migrate(&mut database).unwrap();
        assert_eq!(checked_version(&mut database).unwrap(), newest());
    }

    #[test]
    fn sessions_of_the_twelfth_version_go_on() {
        let mut database = empty();
        MIGRATIONS[..12].iter().for_each(|script| database.script(script).unwrap());
        database
            .script(
                "INSERT INTO session VALUES ('a', x'01', 'k', 7, 'KEY', '192.0.2.7', 'Firefox', 1, 2);
                 PRAGMA user_version = 12; PRAGMA application_id = 1146047813",
            )
            .unwrap();
        migrate(&mut database).unwrap();
        let found = database.first("SELECT id, api_key, user_id, last_used_at FROM session", &[], |row| {
            Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.integer(2)?, row.integer(3)?))
        });
        assert_eq!(found.unwrap(), Some(("a".to_owned(), "k".to_owned(), 7, 2)));
    }

    #[test]
    fn what_an_object_refers_to_in_vain_is_found_by_an_index() {
        let plan = query_plan("DELETE FROM missing_reference WHERE kind = ?1 AND object_id = ?2");
        assert!(plan.contains("missing_reference_of (kind=? AND object_id=?)"), "{plan}");
    }

    #[test]
    fn a_database_of_another_program_is_rejected() {
        let mut database = empty();
        database.script("CREATE TABLE customers (id INTEGER)").unwrap();
        assert!(matches!(migrate(&mut database), Err(StoreError::Foreign)));
    }

    #[test]
    fn a_store_of_a_newer_version_is_rejected() {
        let mut database = empty();
        migrate(&mut database).unwrap();
        database.script("PRAGMA user_version = 99").unwrap();
        assert!(matches!(migrate(&mut database), Err(StoreError::TooNew { found: 99, .. })));
    }
}
