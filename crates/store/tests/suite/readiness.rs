//! Whether a change could be committed, and why not.

use domesday_store::StoreError;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, catalog, options};

on_each_database!(a_check_changes_nothing, a_check_may_be_made_for_years);

fn a_check_changes_nothing(database: &Database) {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let seen = |store: &mut domesday_store::Store| {
        (store.revision().unwrap(), store.audit_entries(0, 100).unwrap().len())
    };
    let before = seen(&mut store);
    store.check_commit().unwrap();
    store.check_session().unwrap();
    assert_eq!(seen(&mut store), before);
    // It is a store of this version still.
    assert_eq!(seen(&mut database.open()), before);
    store.ping().unwrap();
}

fn a_check_may_be_made_for_years(database: &Database) {
    let mut store = database.open();
    let size = || match database {
        Database::Sqlite(dir) => std::fs::metadata(dir.path().join("store.db-wal")).unwrap().len(),
        Database::Postgres { server, name } => {
            let row =
                server.client(name).query_one("SELECT pg_relation_size('domesday_schema')", &[]).unwrap();
            row.get::<_, i64>(0).unsigned_abs()
        }
    };
    for _ in 0..1_500 {
        store.check_commit().unwrap();
    }
    // The log is begun anew every thousand pages; what is left of a row is taken away with its page.
    assert!(size() < 6 << 20, "{} bytes", size());
}

#[test]
fn another_writer_that_does_not_end_is_busy() {
    let database = Database::sqlite();
    let mut store = database.open();
    let Database::Sqlite(dir) = &database else { unreachable!() };
    let other = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(store.check_commit(), Err(StoreError::Busy)));
    // Reading needs no lock, on a connection that is opened now neither.
    store.revision().unwrap();
    database.open().revision().unwrap();
    other.execute_batch("ROLLBACK").unwrap();
    store.check_commit().unwrap();

    let database = Database::postgres();
    let mut store = database.open();
    let Database::Postgres { server, name } = &database else { unreachable!() };
    let mut other = server.client(name);
    other.batch_execute("BEGIN; LOCK TABLE domesday_schema IN SHARE MODE").unwrap();
    assert!(matches!(store.check_commit(), Err(StoreError::Busy)));
    store.revision().unwrap();
    other.batch_execute("ROLLBACK").unwrap();
    store.check_commit().unwrap();
}

#[test]
fn a_session_that_takes_no_changes_is_read_only() {
    let database = Database::postgres();
    let mut writable = database.open();
    let Database::Postgres { server, name } = &database else { unreachable!() };
    server.run("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let mut store = database.open();
    assert!(matches!(store.check_commit(), Err(StoreError::ReadOnly)));
    assert!(matches!(store.ping(), Err(StoreError::ReadOnly)));
    assert!(matches!(store.apply(&catalog(), options(FIRST)), Err(StoreError::ReadOnly)));
    // The session of before goes on, and one that is made afterwards is like it.
    writable.check_commit().unwrap();
    writable.ping().unwrap();
    server.run("postgres", &format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
    database.open().check_commit().unwrap();
}

#[test]
fn a_connection_that_is_lost_is_made_again_for_a_check() {
    let database = Database::postgres();
    let mut store = database.open();
    let Database::Postgres { server, name } = &database else { unreachable!() };
    for _ in 0..2 {
        server.run(
            name,
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'domesday'",
        );
        store.check_commit().unwrap();
    }
}
