//! What several origins say of the same objects.

use domesday_model::layers::Giver;
use domesday_model::{Catalog, DataSource, Group, Instant, Kind, User, UserStatus};
use domesday_store::{
    ApplyOptions, ChangeBy, IfMatch, LayerChange, Listing, ListingOptions, ListingOutcome, Store, StoreError,
    SyncAction,
};
use serde_json::{Value, json};

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, declared, options, snapshot};

on_each_database!(
    a_connection_changes_its_own_layer_only,
    the_files_report_what_others_override,
    somebody_who_is_gone_is_disabled_and_comes_back,
    too_many_who_would_be_gone_change_nothing,
    an_object_that_a_connection_lists_cannot_be_deleted,
    the_columns_of_a_source_are_those_that_a_connection_lists,
    columns_that_may_be_some_of_them_only_add,
    a_data_source_is_recognized_by_where_it_is,
    a_data_source_without_a_host_is_recognized_where_there_is_one_alone,
    a_renamed_user_and_group_keep_their_ids_and_are_named_by_others,
    a_manager_counts_once_they_are_there,
    files_name_a_group_before_a_connection_lists_it,
    a_dry_run_changes_nothing,
    single_changes_are_those_of_a_listing,
    people_are_the_same_in_other_letters,
);

pub(crate) fn connections(store: &mut Store) {
    for name in ["okta", "hr"] {
        let connection = json!({ "name": name, "kind": "scim" });
        store.put_object(Kind::Connection, &connection, IfMatch::Any, &by_ada(FIRST)).unwrap();
    }
}

fn store_with_connections(database: &Database) -> Store {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    connections(&mut store);
    store
}

pub(crate) fn by_sync(at: i64) -> ChangeBy<'static> {
    ChangeBy { actor: "scheduler", origin: "sync", from: None, at: Instant::from_micros(at) }
}

pub(crate) const ALL: ListingOptions = ListingOptions { dry_run: false, max_gone: None };

/// Makes a connection list users, each with the username in its own letters as key.
fn list_users(store: &mut Store, connection: &str, users: &[Value], at: i64) -> ListingOutcome {
    let user = |value: &Value| {
        let user: User = serde_json::from_value(value.clone()).unwrap();
        (Some(format!("key of {}", user.username)), user)
    };
    let named = users.iter().flat_map(|user| user["groups"].as_array().cloned().unwrap_or_default());
    let groups = named.map(|name| {
        let group: Group = serde_json::from_value(json!({ "name": name })).unwrap();
        (None, group)
    });
    let mut groups: Vec<_> = groups.collect();
    groups.sort_by(|(_, left), (_, right)| left.name.cmp(&right.name));
    groups.dedup();
    let listing = Listing { users: users.iter().map(user).collect(), groups, ..Listing::default() };
    store.apply_listing(connection, listing, ALL, &by_sync(at)).unwrap()
}

fn document(store: &mut Store, kind: Kind, name: &str) -> Value {
    store.object(kind, name).unwrap().unwrap_or_else(|| panic!("{name}")).document
}

fn a_connection_changes_its_own_layer_only(database: &Database) {
    let mut store = store_with_connections(database);
    let id = store.object(Kind::User, "ada").unwrap().unwrap().id;
    let outcome = list_users(
        &mut store,
        "okta",
        &[
            json!({ "username": "ada", "email": "ada@acme.example", "groups": ["Admins"] }),
            json!({ "username": "new" }),
        ],
        LATER,
    );
    assert_eq!((outcome.counts[&Kind::User].created, outcome.counts[&Kind::User].gone), (2, 0));
    let ada = document(&mut store, Kind::User, "ada");
    assert_eq!((&ada["email"], &ada["groups"]), (&json!("ada@acme.example"), &json!(["Admins", "Analysts"])));
    assert_eq!(store.object(Kind::User, "ada").unwrap().unwrap().id, id);
    // Who gave what, and when, is in the snapshot.
    let snapshot = snapshot(&mut store);
    let user = &snapshot.users[snapshot.user("ada").unwrap().get()];
    let giver = |part: &str| user.givers.part(|| part.to_owned()).clone();
    assert_eq!(giver("group:Admins"), Giver::Connection("okta".into()));
    assert_eq!(giver("group:Analysts"), Giver::Files);
    assert_eq!(user.since.part_since("group:Admins", user.created_at).as_micros(), LATER);
    assert_eq!(user.since.part_since("group:Analysts", user.created_at).as_micros(), FIRST);
    assert_eq!(snapshot.symbols.text(user.identity_provider), "okta");
    // The same catalog again changes nothing, and pruning leaves what the connection lists.
    let plan = store.apply(&catalog(), options(LATER + 1)).unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    let none = Catalog { tenant: catalog().tenant, ..Catalog::default() };
    store.apply(&none, ApplyOptions { prune: true, ..options(LATER + 2) }).unwrap();
    let ada = document(&mut store, Kind::User, "ada");
    assert_eq!(ada["groups"], json!(["Admins"]));
    assert!(store.object(Kind::User, "bob").unwrap().is_none());
    assert!(store.object(Kind::Connection, "okta").unwrap().is_some());
}

fn the_files_report_what_others_override(database: &Database) {
    let mut store = store_with_connections(database);
    list_users(&mut store, "okta", &[json!({ "username": "ada", "email": "new@acme.example" })], LATER);
    let mut changed = catalog();
    changed.users[0].spec.email = Some("old@acme.example".to_owned());
    let plan = store.apply(&changed, options(LATER)).unwrap();
    let [overridden] = &plan.overridden[..] else { panic!("{plan:?}") };
    assert_eq!((overridden.field.as_str(), overridden.origin.as_str()), ("email", "okta"));
    assert_eq!(overridden.declared, json!("old@acme.example"));
    assert_eq!(document(&mut store, Kind::User, "ada")["email"], json!("new@acme.example"));
}

fn somebody_who_is_gone_is_disabled_and_comes_back(database: &Database) {
    let mut store = store_with_connections(database);
    let ada = json!({ "username": "ada", "email": "ada@acme.example", "groups": ["Admins"] });
    list_users(&mut store, "okta", std::slice::from_ref(&ada), FIRST + 1);
    let before = store.object(Kind::User, "ada").unwrap().unwrap();
    let outcome = list_users(&mut store, "okta", &[], LATER);
    assert_eq!(outcome.counts[&Kind::User].gone, 1);
    let gone = store.object(Kind::User, "ada").unwrap().unwrap();
    assert_eq!((gone.id, gone.absent_since), (before.id, Some(Instant::from_micros(LATER))));
    assert_eq!(gone.document["status"], json!("disabled"));
    assert_eq!(gone.document["email"], json!("ada@acme.example"), "the last known facts stay");
    assert_eq!(gone.document.get("groups"), None, "memberships end, whoever gave them");
    // Neither files nor people bring them back.
    store.apply(&catalog(), options(LATER)).unwrap();
    store.put_object(Kind::User, &json!({ "username": "ada" }), IfMatch::Any, &by_ada(LATER)).unwrap();
    assert_eq!(document(&mut store, Kind::User, "ada")["status"], json!("disabled"));
    let snapshot = snapshot(&mut store);
    let user = &snapshot.users[snapshot.user("ada").unwrap().get()];
    assert_eq!((user.status, user.absent_since), (UserStatus::Disabled, Some(Instant::from_micros(LATER))));
    list_users(&mut store, "okta", &[ada], LATER + 1);
    let back = store.object(Kind::User, "ada").unwrap().unwrap();
    assert_eq!((back.id, back.absent_since), (before.id, None));
    assert_eq!(back.document["groups"], json!(["Admins", "Analysts"]));
    assert_eq!(back.document["status"], json!("active"));
}

fn too_many_who_would_be_gone_change_nothing(database: &Database) {
    let mut store = store_with_connections(database);
    let users: Vec<_> = (0..30).map(|number| json!({ "username": format!("u{number}") })).collect();
    list_users(&mut store, "okta", &users, FIRST + 1);
    let few = |options: ListingOptions, store: &mut Store| {
        let listing = Listing {
            users: (0..15)
                .map(|number| (Some(format!("key of u{number}")), User::named(&format!("u{number}"))))
                .collect(),
            ..Listing::default()
        };
        store.apply_listing("okta", listing, options, &by_sync(LATER)).unwrap()
    };
    let guarded = ListingOptions { dry_run: false, max_gone: Some("10%".parse().unwrap()) };
    let outcome = few(guarded, &mut store);
    let refusal = outcome.refusal.unwrap();
    assert_eq!((refusal.kind, refusal.gone, refusal.present), (Kind::User, 15, 30));
    assert_eq!(document(&mut store, Kind::User, "u29")["status"], json!("active"));
    let outcome = few(ListingOptions { max_gone: None, ..guarded }, &mut store);
    assert_eq!((outcome.refusal, outcome.counts[&Kind::User].gone), (None, 15));
    assert_eq!(document(&mut store, Kind::User, "u29")["status"], json!("disabled"));
}

fn an_object_that_a_connection_lists_cannot_be_deleted(database: &Database) {
    let mut store = store_with_connections(database);
    list_users(&mut store, "okta", &[json!({ "username": "bob" })], LATER);
    let error = store.delete_object(Kind::User, "bob", IfMatch::Any, &by_ada(LATER)).unwrap_err();
    assert!(matches!(&error, StoreError::Listed { connections, .. } if connections == &["okta"]), "{error}");
    list_users(&mut store, "okta", &[], LATER);
    store.delete_object(Kind::User, "bob", IfMatch::Any, &by_ada(LATER)).unwrap();
    // Listed again, it is somebody new.
    let outcome = list_users(&mut store, "okta", &[json!({ "username": "bob" })], LATER);
    assert_eq!(outcome.changes[0].action, SyncAction::Create);
}

fn list_source(store: &mut Store, connection: &str, source: Value, at: i64) -> ListingOutcome {
    let source: DataSource = serde_json::from_value(source).unwrap();
    let listing = Listing { data_sources: vec![(None, source)], ..Listing::default() };
    store.apply_listing(connection, listing, ALL, &by_sync(at)).unwrap()
}

fn the_columns_of_a_source_are_those_that_a_connection_lists(database: &Database) {
    let mut store = store_with_connections(database);
    let columns = json!([{ "name": "email", "type": "text" }, { "name": "iban", "type": "text", "tags": ["PII.Bank"] }]);
    let ledger = json!({ "name": "Ledger", "platform": "snowflake", "columns": columns });
    let outcome = list_source(&mut store, "okta", ledger, LATER);
    assert!(outcome.warnings[0].contains("has no column id"), "{:?}", outcome.warnings);
    let ledger = document(&mut store, Kind::DataSource, "Ledger");
    assert_eq!(
        ledger["columns"],
        json!([
            { "name": "email", "type": "text", "tags": ["PII.Contact"] },
            { "name": "iban", "type": "text", "tags": ["PII.Bank"] },
        ])
    );
    let snapshot = snapshot(&mut store);
    let source = &snapshot.data_sources[snapshot.data_source("Ledger").unwrap().get()];
    let giver = |part: &str| source.givers.part(|| part.to_owned()).tag_source().to_owned();
    assert_eq!(giver("column:email/tag:PII.Contact"), "MANUAL");
    assert_eq!(giver("column:iban/tag:PII.Bank"), "okta");
}

fn columns_that_may_be_some_of_them_only_add(database: &Database) {
    let mut store = store_with_connections(database);
    let listing = |columns: Value| {
        let source =
            json!({ "name": "Orders", "platform": "postgres", "table": "orders", "columns": columns });
        let source: DataSource = serde_json::from_value(source).unwrap();
        let key = Some("orders".to_owned());
        Listing {
            data_sources: vec![(key.clone(), source)],
            partial_columns: key.into_iter().collect(),
            ..Listing::default()
        }
    };
    let described = json!([
        { "name": "email", "type": "varchar", "nullable": false, "tags": ["PII"], "description": "Where to write." },
        { "name": "emial", "type": "" },
    ]);
    // Nobody else lists the columns: what is described counts. This connection has the higher rank.
    store.apply_listing("okta", listing(described.clone()), ALL, &by_sync(LATER)).unwrap();
    let columns = document(&mut store, Kind::DataSource, "Orders")["columns"].clone();
    assert_eq!((&columns[0]["type"], &columns[1]["type"]), (&json!("varchar"), &json!("unknown")));
    let again = store.apply_listing("okta", listing(described), ALL, &by_sync(LATER)).unwrap();
    assert!(again.changes.is_empty() && again.counts[&Kind::DataSource].unchanged == 1, "{again:?}");

    let listed =
        json!([{ "name": "id", "type": "bigint", "nullable": false }, { "name": "email", "type": "text" }]);
    let orders = json!({ "name": "Orders", "platform": "postgres", "table": "orders", "columns": listed });
    let outcome = list_source(&mut store, "hr", orders, LATER);
    assert!(outcome.warnings[0].contains("has no column emial"), "{:?}", outcome.warnings);
    assert_eq!(
        document(&mut store, Kind::DataSource, "Orders")["columns"],
        json!([
            { "name": "id", "type": "bigint", "nullable": false },
            { "name": "email", "type": "text", "tags": ["PII"], "description": "Where to write." },
        ])
    );
}

fn a_data_source_without_a_host_is_recognized_where_there_is_one_alone(database: &Database) {
    let mut store = store_with_connections(database);
    let orders = |name: &str, host: Option<&str>| json!({ "name": name, "platform": "postgres", "host": host, "database": "fin", "schema": "s", "table": "t" });
    let id =
        |store: &mut Store, name: &str| store.object(Kind::DataSource, name).unwrap().map(|found| found.id);
    store.put_object(Kind::DataSource, &orders("first", Some("db1")), IfMatch::Any, &by_ada(FIRST)).unwrap();
    list_source(&mut store, "okta", orders("dbt", None), LATER);
    assert_eq!(id(&mut store, "dbt"), None);
    assert_eq!(document(&mut store, Kind::DataSource, "first")["host"], "db1");
    // With a second host, nobody knows which is meant, until the host says it.
    store.put_object(Kind::DataSource, &orders("second", Some("db2")), IfMatch::Any, &by_ada(FIRST)).unwrap();
    list_source(&mut store, "hr", orders("unknown", None), LATER);
    assert!(id(&mut store, "unknown").is_some());
    store.end_listing("hr", &by_sync(LATER)).unwrap();
    let outcome = list_source(&mut store, "hr", orders("known", Some("DB2")), LATER);
    assert_eq!(id(&mut store, "known"), None, "{:?}", outcome.changes);
}

fn a_data_source_is_recognized_by_where_it_is(database: &Database) {
    let mut store = store_with_connections(database);
    let place = |name: &str| json!({ "name": name, "platform": "snowflake", "database": "FIN", "schema": "GL", "table": "T" });
    list_source(&mut store, "okta", place("fin.gl.t"), FIRST + 1);
    let id = store.object(Kind::DataSource, "fin.gl.t").unwrap().unwrap().id;
    let mut second = place("another name");
    second["table"] = json!("t");
    second["tags"] = json!(["PII"]);
    list_source(&mut store, "hr", second, LATER);
    let found = store.object(Kind::DataSource, "fin.gl.t").unwrap().unwrap();
    assert_eq!(
        (found.id, &found.document["tags"], &found.document["table"]),
        (id, &json!(["PII"]), &json!("T"))
    );
    assert!(store.object(Kind::DataSource, "another name").unwrap().is_none());
    // A table elsewhere is another one.
    let mut elsewhere = place("elsewhere");
    elsewhere["schema"] = json!("HR");
    list_source(&mut store, "hr", elsewhere, LATER);
    assert!(store.object(Kind::DataSource, "elsewhere").unwrap().is_some());
}

fn a_renamed_user_and_group_keep_their_ids_and_are_named_by_others(database: &Database) {
    let mut store = store_with_connections(database);
    let policy = json!({
        "name": "P", "type": "grant", "scope": "read", "level": "entitlements", "appliesTo": "all",
        "condition": "@isInGroups('Admins') AND NOT @isInGroups('Analysts')", "owner": "bob",
    });
    let listing = |username: &str, group: &str| Listing {
        users: vec![(
            Some("1".to_owned()),
            serde_json::from_value(json!({ "username": username, "groups": [group] })).unwrap(),
        )],
        groups: vec![(Some("2".to_owned()), serde_json::from_value(json!({ "name": group })).unwrap())],
        ..Listing::default()
    };
    store.apply_listing("okta", listing("bob", "Admins"), ALL, &by_sync(FIRST + 1)).unwrap();
    store.put_object(Kind::Policy, &policy, IfMatch::Any, &by_ada(FIRST + 1)).unwrap();
    let before = snapshot(&mut store);
    let global_id = before.users[before.user("bob").unwrap().get()].global_id;
    let group = store.object(Kind::Group, "Admins").unwrap().unwrap();
    store.apply_listing("okta", listing("robert", "Administrators"), ALL, &by_sync(LATER)).unwrap();
    let after = snapshot(&mut store);
    assert_eq!(after.users[after.user("robert").unwrap().get()].global_id, global_id);
    assert_eq!(store.object(Kind::Group, "Administrators").unwrap().unwrap().id, group.id);
    assert!(store.object(Kind::User, "bob").unwrap().is_none());
    let policy = document(&mut store, Kind::Policy, "P");
    assert_eq!(policy["owner"], json!("robert"));
    assert_eq!(policy["condition"], json!("@isInGroups('Administrators') AND NOT @isInGroups('Analysts')"));
    // The files still say `bob`: the same person, as is everybody whom they name so.
    let plan = store.apply(&catalog(), options(LATER)).unwrap();
    assert!(plan.is_empty(), "{plan:?}");
    let listed =
        store.apply_listing("okta", listing("robert", "Administrators"), ALL, &by_sync(LATER)).unwrap();
    assert_eq!(listed.counts[&Kind::User].unchanged, 1);
}

fn a_manager_counts_once_they_are_there(database: &Database) {
    let mut store = store_with_connections(database);
    list_users(&mut store, "okta", &[json!({ "username": "kay", "manager": "BOSS" })], FIRST + 1);
    assert_eq!(document(&mut store, Kind::User, "kay").get("manager"), None);
    list_users(&mut store, "hr", &[json!({ "username": "BOSS" })], LATER);
    assert_eq!(document(&mut store, Kind::User, "kay")["manager"], json!("BOSS"));
    snapshot(&mut store);
}

fn files_name_a_group_before_a_connection_lists_it(database: &Database) {
    let mut store = store_with_connections(database);
    let early = || {
        let eve = declared::<User>(json!({ "username": "eve", "groups": ["Admins"], "manager": "kim" }));
        let source = json!({ "name": "S", "platform": "p", "owners": ["kim"] });
        let data_sources = vec![declared::<DataSource>(source)];
        Catalog { users: vec![eve], data_sources, ..Catalog::default() }
    };
    store.apply(&early(), options(FIRST)).unwrap();
    let eve = document(&mut store, Kind::User, "eve");
    assert_eq!((eve.get("groups"), eve.get("manager")), (None, None));
    snapshot(&mut store);
    // What the files say is kept, so applying it again changes nothing.
    assert!(store.apply(&early(), options(FIRST)).unwrap().is_empty());
    // Somebody else is listed with the group: it is there for everybody.
    list_users(&mut store, "okta", &[json!({ "username": "kim", "groups": ["Admins"] })], LATER);
    let eve = document(&mut store, Kind::User, "eve");
    assert_eq!((&eve["groups"], &eve["manager"]), (&json!(["Admins"]), &json!("kim")));
    assert_eq!(document(&mut store, Kind::DataSource, "S")["owners"], json!(["kim"]));
    snapshot(&mut store);
}

fn a_dry_run_changes_nothing(database: &Database) {
    let mut store = store_with_connections(database);
    let revision = store.revision().unwrap();
    let listing = Listing { users: vec![(None, User::named("new"))], ..Listing::default() };
    let options = ListingOptions { dry_run: true, max_gone: None };
    let outcome = store.apply_listing("okta", listing, options, &by_sync(LATER)).unwrap();
    assert_eq!(outcome.changes.len(), 1);
    assert!(store.object(Kind::User, "new").unwrap().is_none());
    assert_eq!(store.revision().unwrap(), revision);
}

fn single_changes_are_those_of_a_listing(database: &Database) {
    let mut store = store_with_connections(database);
    let put = |document: Value| LayerChange::Put { kind: Kind::User, key: "k1".to_owned(), document };
    let changed =
        store.change_layer("okta", vec![put(json!({ "username": "ada", "title": "CEO" }))], &by_sync(LATER));
    let changed = changed.unwrap();
    let ada = store.object(Kind::User, "ada").unwrap().unwrap();
    assert_eq!((changed[0].id, &ada.document["title"]), (ada.id, &json!("CEO")));
    let remove = LayerChange::Remove { kind: Kind::User, key: "k1".to_owned() };
    store.change_layer("okta", vec![remove], &by_sync(LATER)).unwrap();
    assert_eq!(document(&mut store, Kind::User, "ada")["status"], json!("disabled"));
    let again = store.change_layer("okta", vec![put(json!({ "username": "ada" }))], &by_sync(LATER)).unwrap();
    assert_eq!(again[0].global_id, changed[0].global_id);
    assert_eq!(document(&mut store, Kind::User, "ada")["status"], json!("active"));
    let unknown = LayerChange::Remove { kind: Kind::User, key: "none".to_owned() };
    let error = store.change_layer("okta", vec![put(json!({ "username": "eve" })), unknown], &by_sync(LATER));
    assert!(matches!(error, Err(StoreError::NotFound { .. })));
    assert!(store.object(Kind::User, "eve").unwrap().is_none(), "nothing of it was done");
}

fn people_are_the_same_in_other_letters(database: &Database) {
    let mut store = store_with_connections(database);
    list_users(&mut store, "okta", &[json!({ "username": "ADA" }), json!({ "username": "ada" })], LATER);
    let (users, _) = store.objects(Kind::User, None, 10).unwrap();
    let names: Vec<_> = users.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["ada", "bob"]);
    // Two who differ in letters alone are two, and a third way to write it is nobody's.
    let two =
        [declared::<User>(json!({ "username": "Kim" })), declared::<User>(json!({ "username": "KIM" }))];
    store.apply(&Catalog { users: two.into(), ..Catalog::default() }, options(LATER)).unwrap();
    list_users(&mut store, "hr", &[json!({ "username": "kim" })], LATER);
    assert!(store.object(Kind::User, "kim").unwrap().is_some());
}
