//! Stores of earlier versions, from the first on, are brought up with everything in them.
//!
//! The first version's schema is kept as it was released, apart from the migrations that the store runs: a
//! migration that somebody edits later no longer fits it.

use domesday_model::{Instant, Kind, Snapshot, UserId};
use domesday_store::{IfMatch, Store, StoreError};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, options, sealed, snapshot};

on_each_database!(
    the_first_version_is_brought_up_with_its_data,
    a_newer_store_is_left_alone,
    somebody_elses_database_is_left_alone,
    keys_and_policies_of_the_fifth_version_get_whose_they_are,
    names_that_are_reserved_by_now_go_on_working,
    secrets_of_the_ninth_version_get_a_fingerprint,
    nobody_has_signed_in_to_a_store_of_the_tenth_version,
);

const FIRST_SCHEMA: &str = include_str!("fixtures/schema-1.sql");
const FIRST_DATA: &str = include_str!("fixtures/data-1.sql");

/// Makes the database what the first version would have left.
pub(crate) fn first_version(database: &Database) {
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

/// Runs a script in SQLite's words.
fn run(database: &Database, script: &str) {
    match database {
        Database::Sqlite(_) => database.run(script),
        Database::Postgres { .. } => {
            let script = script.replace(" STRICT, WITHOUT ROWID", "").replace(" STRICT", "");
            let script = script.replace(" INTEGER", " BIGINT").replace(" TEXT", " TEXT COLLATE \"C\"");
            database.run(&script.replace(" BLOB", " BYTEA").replace("X'", "'\\x"));
        }
    }
}

/// Makes the database what the fifth version would have left, without data.
fn fifth_version(database: &Database) {
    run(database, FIRST_SCHEMA);
    run(database, include_str!("../../src/schema/0002_service.sql"));
    run(database, include_str!("../../src/schema/0003_slots.sql"));
    run(database, include_str!("../../src/schema/0004_outbox.sql"));
    run(database, include_str!("../../src/schema/0005_fencing.sql"));
    run(database, "DROP TABLE data_column");
    database.run(match database {
        Database::Sqlite(_) => "PRAGMA user_version = 5; PRAGMA application_id = 1146047813",
        Database::Postgres { .. } => {
            "CREATE TABLE domesday_schema (version BIGINT NOT NULL); INSERT INTO domesday_schema VALUES (5)"
        }
    });
}

/// Makes the database what the ninth version would have left, without data.
fn ninth_version(database: &Database) {
    fifth_version(database);
    run(database, include_str!("../../src/schema/0006_authority.sql"));
    run(database, include_str!("../../src/schema/0007_progress.sql"));
    run(database, include_str!("../../src/schema/0008_kept_manifests.sql"));
    run(database, include_str!("../../src/schema/0009_requests.sql"));
    database.run(match database {
        Database::Sqlite(_) => "PRAGMA user_version = 9",
        Database::Postgres { .. } => "UPDATE domesday_schema SET version = 9",
    });
}

/// Makes the database what the tenth version would have left, without data.
fn tenth_version(database: &Database) {
    ninth_version(database);
    run(database, include_str!("../../src/schema/0010_secret_fingerprints.sql"));
    database.run(match database {
        Database::Sqlite(_) => "PRAGMA user_version = 10",
        Database::Postgres { .. } => "UPDATE domesday_schema SET version = 10",
    });
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

fn keys_and_policies_of_the_fifth_version_get_whose_they_are(database: &Database) {
    fifth_version(database);
    let object = |kind: &str, id: i64, name: &str, document: &str| {
        run(
            database,
            &format!(
                "INSERT INTO object (kind, id, name, document, origin, created_at, updated_at, since)
                 VALUES ('{kind}', {id}, '{name}', '{document}', 'api', 1, 1, '{{}}')"
            ),
        );
    };
    object("users", 7, "ada", r#"{"username":"ada","status":"active","permissions":["AUDIT"]}"#);
    object("users", 8, "mia", r#"{"username":"mia","status":"active"}"#);
    object("users", 9, "gus", r#"{"username":"gus","status":"active","permissions":["GOVERNANCE"]}"#);
    let given = |user: &str| format!(r#"{{"user":"{user}","permission":"MANAGE_POLICIES"}}"#);
    let permissions = [given("mia"), given("gus")].join(",");
    object("domains", 1, "D", &format!(r#"{{"name":"D","permissions":[{permissions}]}}"#));
    for (id, name) in [(1, "by mia"), (2, "by gus"), (3, "changed by gus"), (4, "from a file")] {
        let policy = format!(
            r#"{{"name":"{name}","type":"grant","level":"anyone","appliesTo":[{{"domains":["D"]}}]}}"#
        );
        object("policies", id, name, &policy);
    }
    for (seq, actor, name) in [
        (1, "mia", "by mia"),
        (2, "gus", "by gus"),
        (3, "mia", "changed by gus"),
        (4, "gus", "changed by gus"),
    ] {
        let sql = format!(
            "INSERT INTO audit (seq, at, actor, action, target, previous, hash)
             VALUES ({seq}, 1, '{actor}', 'update', 'policies/{name}', X'00', X'00')"
        );
        run(database, &sql);
    }
    let keys = [
        (1, "ada", r#"["AUDIT"]"#, Some(7), true),
        (2, "ada", "[]", Some(7), false),
        (3, "mia", "[]", Some(8), true),
        (4, "nobody", "[]", Some(0), false),
        (
            5,
            "administrator",
            r#"["GOVERNANCE","USER_ADMIN","AUDIT","CREATE_DATA_SOURCE","APPLICATION_ADMIN"]"#,
            None,
            true,
        ),
        (6, "administrator", r#"["AUDIT"]"#, None, false),
    ];
    for (number, owner, permissions, ..) in keys {
        let id = Uuid::from_u128(number);
        let sql = format!(
            "INSERT INTO api_key (id, name, owner, hash, permissions, created_at)
             VALUES ('{id}', 'k', '{owner}', X'{number:064x}', '{permissions}', 1)"
        );
        run(database, &sql);
    }
    run(
        database,
        "INSERT INTO idempotency (owner, key, request_hash, response, created_at)
         VALUES ('ada', 'k', X'00', X'00', 1)",
    );
    let mut store = database.open();
    for (number, owner, _, user, roles) in keys {
        let key = store.api_key(Uuid::from_u128(number)).unwrap().unwrap();
        assert_eq!(
            (key.owner.as_str(), key.user, key.roles),
            (owner, user.map(UserId), roles),
            "key {number}"
        );
    }
    assert_eq!(store.api_keys_of(Some(UserId(7))).unwrap().len(), 2);
    assert_eq!(store.api_keys_of(None).unwrap().len(), 2);
    for (name, delegated) in
        [("by mia", true), ("by gus", false), ("changed by gus", false), ("from a file", false)]
    {
        let policy = store.object(Kind::Policy, name).unwrap().unwrap();
        assert_eq!(policy.delegated, delegated, "{name}");
    }
    assert_eq!(store.delete_responses(Instant::from_micros(i64::MAX)).unwrap(), 0, "no secret is left");
}

fn secrets_of_the_ninth_version_get_a_fingerprint(database: &Database) {
    ninth_version(database);
    for (id, secret) in [("a", "X'01'"), ("b", "NULL"), ("c", "X'03'")] {
        let sql = format!(
            "INSERT INTO export (id, document, sealed, created_at, updated_at)
             VALUES ('{id}', '{{\"bucket\":\"b\"}}', {secret}, 1, 2)"
        );
        run(database, &sql);
    }
    let mut store = database.open();
    let before = store.export::<Value>("a").unwrap().unwrap();
    assert_eq!(before.configuration, json!({ "bucket": "b" }));
    let secrets = store.export_secrets().unwrap();
    let found: Vec<_> =
        secrets.iter().map(|(id, secret)| (id.as_str(), &secret.sealed[..], &secret.fingerprint)).collect();
    assert_eq!(found, [("a", &[1][..], &None), ("c", &[3][..], &None)]);

    store.set_secret_fingerprint("a", &[1], "print").unwrap();
    // Of another secret than the one that is stored by now.
    store.set_secret_fingerprint("c", &[1], "print").unwrap();
    let after = store.export::<Value>("a").unwrap().unwrap();
    assert_eq!(after.secret.as_ref().unwrap().fingerprint.as_deref(), Some("print"));
    assert_eq!((&after.etag, after.updated_at), (&before.etag, before.updated_at), "the export is the same");
    assert_eq!(store.export::<Value>("c").unwrap().unwrap().secret.unwrap().fingerprint, None);
    assert_eq!(store.audit_length().unwrap(), 0);
    // From now on each secret comes with its fingerprint.
    let put = store.put_export("c", &json!({}), Some(&sealed(b"sealed-3")), IfMatch::Any, &by_ada(LATER));
    assert_eq!(put.unwrap().secret.unwrap().fingerprint.as_deref(), Some("print-3"));
}

fn nobody_has_signed_in_to_a_store_of_the_tenth_version(database: &Database) {
    tenth_version(database);
    let mut store = database.open();
    assert!(!store.has_signed_in().unwrap());
    assert_eq!(store.sessions_of(None).unwrap(), []);
    store.create_sign_in_link(&[1; 32], Instant::from_micros(LATER), Instant::from_micros(FIRST)).unwrap();
    assert!(store.take_sign_in_link(&[1; 32], Instant::from_micros(FIRST)).unwrap());
}

fn names_that_are_reserved_by_now_go_on_working(database: &Database) {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    for (id, name) in [(100, "scheduler"), (101, "*")] {
        let sql = format!(
            "INSERT INTO object (kind, id, name, document, origin, created_at, updated_at, since)
             VALUES ('users', {id}, '{name}', '{{\"username\":\"{name}\",\"status\":\"active\"}}', 'api', 1, 1, '{{}}')"
        );
        run(database, &sql);
    }
    // They are read, kept by an apply, changed and deleted.
    assert_eq!(snapshot(&mut store).users.len(), 4);
    store.apply(&catalog(), options(LATER)).unwrap();
    let edited = json!({ "username": "scheduler", "status": "disabled" });
    store.put_object(Kind::User, &edited, IfMatch::Any, &by_ada(LATER)).unwrap();
    store.delete_object(Kind::User, "scheduler", IfMatch::Any, &by_ada(LATER)).unwrap();
    let found = store.names_where(Kind::User, |name| domesday_model::reserved_name(name).is_some()).unwrap();
    assert_eq!(found, ["*"]);
    // None comes back.
    let again = store.put_object(Kind::User, &edited, IfMatch::Any, &by_ada(LATER));
    assert!(matches!(again, Err(StoreError::Invalid { .. })));
}
