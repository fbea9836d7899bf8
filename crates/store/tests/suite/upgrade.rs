//! Stores of earlier versions, from the first on, are brought up with everything in them.
//!
//! The first version's schema is kept as it was released, apart from the migrations that the store runs: a
//! migration that somebody edits later no longer fits it.

use domesday_model::{Kind, Snapshot};
use domesday_store::{IfMatch, Store, StoreError};
use serde_json::json;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, options, snapshot};

on_each_database!(
    the_first_version_is_brought_up_with_its_data,
    a_newer_store_is_left_alone,
    somebody_elses_database_is_left_alone,
);

const FIRST_SCHEMA: &str = include_str!("fixtures/schema-1.sql");
const FIRST_DATA: &str = include_str!("fixtures/data-1.sql");

/// Makes the database what the first version would have left.
fn first_version(database: &Database) {
    match database {
        Database::Sqlite(_) => {
            database.run(FIRST_SCHEMA);
            database.run(FIRST_DATA);
            database.run("PRAGMA user_version = 1; PRAGMA application_id = 1146047813");
        }
        Database::Postgres { .. } => {
            // The first version knew no PostgreSQL; what comes after it starts from the same tables.
            let schema = FIRST_SCHEMA.replace(" STRICT, WITHOUT ROWID", "").replace(" STRICT", "");
            let schema = schema.replace(" INTEGER", " BIGINT").replace(" TEXT", " TEXT COLLATE \"C\"");
            database.run(&schema);
            database.run(FIRST_DATA);
            database.run("CREATE TABLE domesday_schema (version BIGINT NOT NULL)");
            database.run("INSERT INTO domesday_schema VALUES (1)");
        }
    }
}

/// What the catalog of the fixture gives when it is applied today.
fn as_of_today() -> Snapshot {
    let mut store = Store::in_memory().unwrap();
    let mut later = catalog();
    later.tenant.as_mut().unwrap().spec.id = Some("5f3c8f4a-0000-4000-8000-000000000001".parse().unwrap());
    store.apply(&later, options(FIRST)).unwrap();
    later.users[1].spec.groups.insert("Analysts".to_owned());
    store.apply(&later, options(LATER)).unwrap();
    snapshot(&mut store)
}

fn the_first_version_is_brought_up_with_its_data(database: &Database) {
    first_version(database);
    let mut store = database.open();
    let (found, today) = (snapshot(&mut store), as_of_today());
    assert_eq!(hex(&found.digest), hex(&today.digest), "every document, id, instant and origin");
    assert_eq!(format!("{:?}", found.users), format!("{:?}", today.users));
    assert_eq!(format!("{:?}", found.columns), format!("{:?}", today.columns));
    let delivered = store.last_delivery("/srv/out").unwrap().unwrap();
    assert_eq!(delivered.manifest_sha256, "aa");

    // And it works on: what came later is there, ids go on where they were.
    let bob = json!({ "username": "eve" });
    assert_eq!(store.put_object(Kind::User, &bob, IfMatch::Any, &by_ada(LATER)).unwrap().id, 3);
    assert_eq!(store.verify_audit().unwrap().entries, 1);
    drop(store);
    assert_eq!(database.open().object(Kind::User, "eve").unwrap().unwrap().id, 3);
}

fn a_newer_store_is_left_alone(database: &Database) {
    drop(database.open());
    database.run(match database {
        Database::Sqlite(_) => "PRAGMA user_version = 99",
        Database::Postgres { .. } => "UPDATE domesday_schema SET version = 99",
    });
    let error = database.try_open().unwrap_err();
    assert!(matches!(error, StoreError::TooNew { found: 99, .. }), "{error}");
}

fn somebody_elses_database_is_left_alone(database: &Database) {
    database.run("CREATE TABLE customers (id INTEGER)");
    let error = database.try_open().unwrap_err();
    assert!(matches!(error, StoreError::Foreign), "{error}");
    database.run("INSERT INTO customers VALUES (1)");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
