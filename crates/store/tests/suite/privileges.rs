//! The privileges of databases beside what their connections list.

use std::collections::BTreeMap;
use std::sync::Arc;

use domesday_model::privileges::ObservedDatabase;
use domesday_model::{DataSource, Instant, Kind, MaxGone};
use domesday_store::{
    ApplyOptions, DriftState, IfMatch, Listing, ListingOptions, ListingOutcome, LoadedSnapshot, Store,
    StoreError,
};
use serde_json::{Value, json};

use crate::databases::{Database, on_each_database};
use crate::layers::{ALL, by_sync};
use crate::world::{FIRST, LATER, by_ada, catalog, declared, options, snapshot};

on_each_database!(
    what_was_granted_is_in_the_snapshot,
    a_reading_that_says_the_same_changes_nothing,
    a_reading_that_says_something_else_is_loaded,
    a_password_that_expired_since_changes_what_the_same_facts_mean,
    a_dry_run_and_a_refused_listing_keep_what_was_read_before,
    they_end_with_their_connection,
    known_findings_last_as_long_as_their_database,
    roles_belong_to_people_as_the_connection_says_now,
    owners_are_the_people_of_owning_roles,
    a_table_in_place_of_a_renamed_one_is_another_data_source,
    one_name_on_two_hosts_is_two_data_sources,
    tags_of_the_files_are_on_the_columns_that_are_listed,
    damaged_privileges_are_an_error,
);

/// When the tests read, in microseconds.
const READ_AT: i64 = 1_800_000_000_000_000;

#[expect(clippy::needless_pass_by_value, reason = "called with literals")]
fn connect(store: &mut Store, name: &str, fields: Value) {
    let mut connection =
        json!({ "name": name, "kind": "postgres", "url": format!("postgres://r@{name}/fin") });
    for (key, value) in fields.as_object().unwrap() {
        connection[key] = value.clone();
    }
    store.put_object(Kind::Connection, &connection, IfMatch::Any, &by_ada(FIRST)).unwrap();
}

fn open(database: &Database) -> Store {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    connect(&mut store, "warehouse", json!({}));
    store
}

/// A database whose tables have owners, as `connection` reads it on the host of its own name.
fn observed(connection: &str, tables: &[(&str, &str)], at: i64) -> ObservedDatabase {
    let mut roles: Vec<&str> = tables.iter().map(|(_, owner)| *owner).chain(["postgres"]).collect();
    roles.sort_unstable();
    roles.dedup();
    let position = |owner: &str| roles.iter().position(|role| *role == owner).unwrap();
    let relations: Vec<Value> = tables
        .iter()
        .map(|(name, owner)| {
            json!({
                "schema": 0, "name": name, "kind": "table", "owner": position(owner), "access_list": null,
                "columns": [{ "name": "id", "access_list": null }],
                "has_row_security": false, "forces_row_security": false,
            })
        })
        .collect();
    let roles: Vec<Value> = roles
        .iter()
        .map(|name| {
            json!({
                "name": name, "can_login": true, "inherits": true, "is_superuser": false,
                "bypasses_row_security": false, "valid_until": Instant::from_micros(READ_AT + 1_000_000),
            })
        })
        .collect();
    serde_json::from_value(json!({
        "connection": connection, "host": connection, "identify": ["username", "email"],
        "privileges": {
            "server_version": 16, "observed_at": Instant::from_micros(at),
            "database": { "name": "fin", "owner": 0, "access_list": null },
            "roles": roles, "memberships": [],
            "schemas": [{ "name": "public", "owner": 0, "access_list": null }],
            "relations": relations,
        },
    }))
    .unwrap()
}

/// What a connection lists: tables by key, name and owner.
fn listing(connection: &str, tables: &[(&str, &str, &str)], at: i64) -> Listing {
    let source = |(key, name, _): &(&str, &str, &str)| {
        let source: DataSource = serde_json::from_value(json!({
            "name": format!("fin.public.{name}"), "platform": "postgres", "host": connection, "database": "fin",
            "schema": "public", "table": name, "columns": [{ "name": "id", "type": "bigint" }],
        }))
        .unwrap();
        (Some((*key).to_owned()), source)
    };
    let owners: Vec<_> = tables.iter().map(|(_, name, owner)| (*name, *owner)).collect();
    Listing {
        data_sources: tables.iter().map(source).collect(),
        privileges: Some(observed(connection, &owners, at)),
        ..Listing::default()
    }
}

fn list(store: &mut Store, connection: &str, tables: &[(&str, &str, &str)], at: i64) -> ListingOutcome {
    store.apply_listing(connection, listing(connection, tables, at), ALL, &by_sync(LATER)).unwrap()
}

fn load(store: &mut Store, earlier: Option<&LoadedSnapshot>) -> LoadedSnapshot {
    let loaded = store.load_snapshot(Instant::from_micros(LATER), earlier).unwrap();
    // The same as read whole.
    let whole = snapshot(store);
    assert_eq!((loaded.snapshot.digest, &loaded.snapshot.databases), (whole.digest, &whole.databases));
    loaded
}

const ONE: &[(&str, &str, &str)] = &[("1", "orders", "ada")];

fn what_was_granted_is_in_the_snapshot(database: &Database) {
    let mut store = open(database);
    connect(&mut store, "archive", json!({}));
    let without = snapshot(&mut store);
    assert!(without.databases.is_empty());
    list(&mut store, "archive", &[], READ_AT);
    list(&mut store, "warehouse", ONE, READ_AT);
    let with = snapshot(&mut store);
    // In the order of the connections.
    let names: Vec<_> = with.databases.iter().map(|it| it.connection.as_str()).collect();
    assert_eq!(names, ["warehouse", "archive"]);
    assert_eq!(*with.databases[0], observed("warehouse", &[("orders", "ada")], READ_AT));
    let source = with.databases[0].data_sources(&with)[0].unwrap();
    assert_eq!(&*with.data_sources[source.get()].name, "fin.public.orders");
    assert_ne!(with.digest, without.digest);
    drop(store);
    // Without them, the digest is what it was.
    database.tampered("DELETE FROM observed_database", |store| {
        let bare = snapshot(store);
        assert!(bare.databases.is_empty());
        assert_ne!(bare.digest, with.digest);
    });
}

fn a_reading_that_says_the_same_changes_nothing(database: &Database) {
    let mut store = open(database);
    list(&mut store, "warehouse", ONE, READ_AT);
    let (revision, entries) = (store.revision().unwrap(), database.integer("SELECT count(*) FROM audit"));
    let first = load(&mut store, None);
    let again = load(&mut store, Some(&first));
    assert!(Arc::ptr_eq(&first.snapshot.databases[0], &again.snapshot.databases[0]));
    let outcome = list(&mut store, "warehouse", ONE, READ_AT + 5);
    assert_eq!(outcome.counts[&Kind::DataSource].unchanged, 1);
    assert_eq!(store.revision().unwrap(), revision);
    assert_eq!(database.integer("SELECT count(*) FROM audit"), entries);
    // It is dated anew.
    let later = load(&mut store, Some(&first));
    assert_eq!(later.snapshot.databases[0].privileges.observed_at, Instant::from_micros(READ_AT + 5));
}

fn a_reading_that_says_something_else_is_loaded(database: &Database) {
    let mut store = open(database);
    list(&mut store, "warehouse", ONE, READ_AT);
    let first = load(&mut store, None);
    let mut changed = listing("warehouse", ONE, READ_AT + 5);
    changed.privileges.as_mut().unwrap().privileges.roles[0].is_superuser = true;
    store.apply_listing("warehouse", changed, ALL, &by_sync(LATER)).unwrap();
    assert_eq!(store.revision().unwrap(), first.revision + 1);
    let next = load(&mut store, Some(&first));
    assert!(next.snapshot.databases[0].privileges.roles[0].is_superuser);
    assert_ne!(next.snapshot.digest, first.snapshot.digest);
    // Nothing else has changed.
    assert!(Arc::ptr_eq(&next.snapshot.users, &first.snapshot.users));
}

fn a_password_that_expired_since_changes_what_the_same_facts_mean(database: &Database) {
    let mut store = open(database);
    list(&mut store, "warehouse", ONE, READ_AT);
    let revision = store.revision().unwrap();
    list(&mut store, "warehouse", ONE, READ_AT + 999_999);
    assert_eq!(store.revision().unwrap(), revision);
    list(&mut store, "warehouse", ONE, READ_AT + 1_000_001);
    assert_eq!(store.revision().unwrap(), revision + 1);
    list(&mut store, "warehouse", ONE, READ_AT + 2_000_000);
    assert_eq!(store.revision().unwrap(), revision + 1);
}

fn a_dry_run_and_a_refused_listing_keep_what_was_read_before(database: &Database) {
    let mut store = open(database);
    let names: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str(), "ada")).collect();
    let dry = ListingOptions { dry_run: true, max_gone: None };
    store.apply_listing("warehouse", listing("warehouse", &many, READ_AT), dry, &by_sync(LATER)).unwrap();
    assert!(snapshot(&mut store).databases.is_empty());
    list(&mut store, "warehouse", &many, READ_AT);
    let before = snapshot(&mut store);
    let careful = ListingOptions { dry_run: false, max_gone: Some(MaxGone::default()) };
    let few = listing("warehouse", &many[..2], READ_AT + 5);
    let outcome = store.apply_listing("warehouse", few, careful, &by_sync(LATER)).unwrap();
    assert!(outcome.refusal.is_some());
    assert_eq!(snapshot(&mut store).databases, before.databases);
}

fn they_end_with_their_connection(database: &Database) {
    let mut store = open(database);
    list(&mut store, "warehouse", ONE, READ_AT);
    store.end_listing("warehouse", &by_ada(LATER)).unwrap();
    assert!(snapshot(&mut store).databases.is_empty());
    list(&mut store, "warehouse", ONE, READ_AT);
    // By the files, which declared it.
    let mut declaring = catalog();
    declaring.connections = vec![declared(json!({
        "name": "declared", "kind": "postgres", "url": "postgres://r@declared/fin",
    }))];
    store.apply(&declaring, options(LATER)).unwrap();
    list(&mut store, "declared", ONE, READ_AT);
    assert_eq!(snapshot(&mut store).databases.len(), 2);
    store.apply(&catalog(), ApplyOptions { prune: true, ..options(LATER) }).unwrap();
    assert_eq!(snapshot(&mut store).databases[0].connection, "warehouse");
    assert_eq!(database.integer("SELECT count(*) FROM observed_database"), 1);
}

fn known_findings_last_as_long_as_their_database(database: &Database) {
    let mut store = open(database);
    let state = DriftState::new(BTreeMap::from([("EXCESS".to_owned(), 2)]), vec![u64::MAX, 7]);
    // A connection that has read nothing has no findings.
    store.write_drift_state("warehouse", &state, None).unwrap();
    assert_eq!(store.drift_state("warehouse").unwrap(), None);
    list(&mut store, "warehouse", ONE, READ_AT);
    store.write_drift_state("warehouse", &state, None).unwrap();
    // Another reading keeps what is known.
    list(&mut store, "warehouse", &[("1", "orders", "bob")], READ_AT + 5);
    assert_eq!(store.drift_state("warehouse").unwrap(), Some(state.clone()));
    assert_eq!(store.drift_counts().unwrap()["warehouse"], state.counts);
    store.end_listing("warehouse", &by_ada(LATER)).unwrap();
    assert_eq!(store.drift_state("warehouse").unwrap(), None);
    assert!(store.drift_counts().unwrap().is_empty());
}

fn roles_belong_to_people_as_the_connection_says_now(database: &Database) {
    let mut store = open(database);
    list(&mut store, "warehouse", ONE, READ_AT);
    let first = load(&mut store, None);
    connect(&mut store, "warehouse", json!({ "identify": [{ "roles": { "ada": "bob" } }] }));
    let next = load(&mut store, Some(&first));
    assert_ne!(next.snapshot.digest, first.snapshot.digest);
    let identify = serde_json::to_value(&next.snapshot.databases[0].identify).unwrap();
    assert_eq!(identify, json!([{ "roles": { "ada": "bob" } }]));
    assert_eq!(next.snapshot.databases[0].privileges, first.snapshot.databases[0].privileges);
}

fn owners_are_the_people_of_owning_roles(database: &Database) {
    let mut store = open(database);
    let tables = [("1", "a", "ada"), ("2", "b", "nobody"), ("3", "c", "bob@acme.example")];
    list(&mut store, "warehouse", &tables, READ_AT);
    let owners = |store: &mut Store, name: &str| {
        let object = store.object(Kind::DataSource, &format!("fin.public.{name}")).unwrap().unwrap();
        object.document.get("owners").cloned().unwrap_or_default()
    };
    assert_eq!(owners(&mut store, "a"), json!(["ada"]));
    assert_eq!([owners(&mut store, "b"), owners(&mut store, "c")], [Value::Null, Value::Null]);
    // Somebody who has the address since is the owner from the next sync on.
    let bob = json!({ "username": "bob", "email": "bob@acme.example" });
    store.put_object(Kind::User, &bob, IfMatch::Any, &by_ada(LATER)).unwrap();
    let outcome = list(&mut store, "warehouse", &tables, READ_AT);
    assert_eq!(outcome.counts[&Kind::DataSource].changed, 1);
    assert_eq!(owners(&mut store, "c"), json!(["bob"]));
}

fn a_table_in_place_of_a_renamed_one_is_another_data_source(database: &Database) {
    let mut store = open(database);
    list(&mut store, "warehouse", ONE, READ_AT);
    let id = |store: &mut Store, name: &str| store.object(Kind::DataSource, name).unwrap().unwrap().id;
    let old = id(&mut store, "fin.public.orders");
    let replaced = [("1", "orders_old", "ada"), ("2", "orders", "ada")];
    let outcome = list(&mut store, "warehouse", &replaced, READ_AT);
    assert!(outcome.warnings[0].contains("`fin.public.orders (warehouse)`"), "{:?}", outcome.warnings);
    // What was granted on the data source by name stays with its rows.
    let kept = store.object(Kind::DataSource, "fin.public.orders").unwrap().unwrap();
    assert_eq!((kept.id, &kept.document["table"]), (old, &json!("orders_old")));
    let new = store.object(Kind::DataSource, "fin.public.orders (warehouse)").unwrap().unwrap();
    assert_eq!(new.document["table"], json!("orders"));
    let outcome = list(&mut store, "warehouse", &replaced, READ_AT);
    assert_eq!((outcome.counts[&Kind::DataSource].unchanged, outcome.skipped.len()), (2, 0));
    // It is dropped, and one of its name created elsewhere is not it.
    list(&mut store, "warehouse", &replaced[..1], READ_AT);
    let outcome = list(&mut store, "warehouse", &[replaced[0], ("3", "orders", "ada")], READ_AT);
    assert_eq!(outcome.counts[&Kind::DataSource].created, 1);
    assert_eq!(id(&mut store, "fin.public.orders (warehouse)"), new.id);
}

fn one_name_on_two_hosts_is_two_data_sources(database: &Database) {
    let mut store = open(database);
    connect(&mut store, "staging", json!({}));
    list(&mut store, "warehouse", ONE, READ_AT);
    list(&mut store, "staging", ONE, READ_AT);
    let host = |store: &mut Store, name: &str| {
        store.object(Kind::DataSource, name).unwrap().unwrap().document["host"].clone()
    };
    assert_eq!(host(&mut store, "fin.public.orders"), json!("warehouse"));
    assert_eq!(host(&mut store, "fin.public.orders (staging)"), json!("staging"));
    assert_eq!(list(&mut store, "staging", ONE, READ_AT).counts[&Kind::DataSource].unchanged, 1);
}

fn tags_of_the_files_are_on_the_columns_that_are_listed(database: &Database) {
    let mut store = open(database);
    let mut files = catalog();
    files.data_sources.push(declared(json!({
        "name": "Orders", "platform": "postgres", "database": "fin", "schema": "public", "table": "orders",
        "columns": [{ "name": "id", "type": "?", "tags": ["PII.Contact"] }],
    })));
    store.apply(&files, options(FIRST)).unwrap();
    let id = store.object(Kind::DataSource, "Orders").unwrap().unwrap().id;
    let outcome = list(&mut store, "warehouse", ONE, READ_AT);
    assert_eq!(outcome.warnings, Vec::<String>::new());
    let orders = store.object(Kind::DataSource, "Orders").unwrap().unwrap();
    assert_eq!(orders.id, id);
    assert_eq!(
        orders.document["columns"],
        json!([{ "name": "id", "type": "bigint", "tags": ["PII.Contact"] }])
    );
}

fn damaged_privileges_are_an_error(database: &Database) {
    let mut store = open(database);
    list(&mut store, "warehouse", ONE, READ_AT);
    drop(store);
    for damage in ["replace(document, '\"owner\":0', '\"owner\":9')", "'{'"] {
        let sql = format!("UPDATE observed_database SET document = {damage}");
        database.tampered(&sql, |store| {
            let error = store.snapshot(Instant::from_micros(LATER)).unwrap_err();
            assert!(matches!(error, StoreError::Document { kind: Kind::Connection, .. }), "{error:?}");
        });
    }
}
