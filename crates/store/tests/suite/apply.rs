//! Applying catalogs: idempotent, planned, all or nothing, and ids that never change or return.

use domesday_model::{Column, Instant, Kind, Snapshot};
use domesday_store::{Action, ApplyOptions, ObjectChange, Store, StoreError};
use serde_json::json;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, declared, options, snapshot};

on_each_database!(
    applying_twice_changes_nothing,
    ancestors_of_tags_exist_by_implication,
    a_dry_run_plans_and_changes_nothing,
    updates_name_the_fields_and_keep_ids_and_instants,
    pruning_deletes_and_ids_never_return,
    what_stays_must_still_fit,
    a_judge_sees_every_change_and_stops_all_of_it,
    a_tenant_is_minted_once_and_never_changes,
);

fn applying_twice_changes_nothing(database: &Database) {
    let mut store = database.open();
    let plan = store.apply(&catalog(), options(FIRST)).unwrap();
    assert_eq!(plan.counts(), (8, 0, 0), "tenant, three tags, group, two users, source");
    let first = snapshot(&mut store);
    let plan = store.apply(&catalog(), options(LATER)).unwrap();
    assert!(plan.is_empty());
    assert_eq!(plan.unchanged, 7);
    assert_eq!(snapshot(&mut store).digest, first.digest);
}

fn ancestors_of_tags_exist_by_implication(database: &Database) {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let names: Vec<_> = snapshot(&mut store).tags.into_iter().map(|tag| (tag.id.0, tag.spec.name)).collect();
    let expected = [(1, "PII"), (2, "PII.Contact"), (3, "PII.Contact.Email")];
    assert_eq!(names, expected.map(|(id, name)| (id, name.to_owned())));
}

fn a_dry_run_plans_and_changes_nothing(database: &Database) {
    let mut store = database.open();
    let plan = store.apply(&catalog(), ApplyOptions { dry_run: true, ..options(FIRST) }).unwrap();
    assert_eq!(plan.counts(), (8, 0, 0));
    assert!(matches!(store.snapshot(Instant::from_micros(LATER)), Err(StoreError::Empty)));
}

fn updates_name_the_fields_and_keep_ids_and_instants(database: &Database) {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let mut changed = catalog();
    changed.users[1].spec.groups.insert("Analysts".into());
    changed.data_sources[0].spec.columns.push(Column {
        name: "phone".into(),
        data_type: "STRING".into(),
        nullable: true,
        tags: ["PII".to_owned()].into(),
        description: None,
    });
    let plan = store.apply(&changed, options(LATER)).unwrap();
    let fields: Vec<_> = plan
        .changes
        .iter()
        .map(|change| match &change.action {
            Action::Update { fields } => (change.name.as_str(), fields[0].field.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(fields, [("bob", "groups"), ("Ledger", "columns")]);

    let after = snapshot(&mut store);
    let bob = &after.users[after.user("bob").unwrap().get()];
    assert_eq!((bob.id.0, bob.created_at.as_micros()), (2, FIRST));
    assert_eq!(bob.since.part_since("group:Analysts", bob.created_at).as_micros(), LATER);
    let ledger = &after.data_sources[0];
    assert_eq!(ledger.since.part_since("column:email/tag:PII.Contact", ledger.created_at).as_micros(), FIRST);
    assert_eq!(ledger.since.part_since("column:phone/tag:PII", ledger.created_at).as_micros(), LATER);
    assert_eq!(after.columns.iter().map(|column| column.id.0).collect::<Vec<_>>(), [1, 2, 3]);
}

fn pruning_deletes_and_ids_never_return(database: &Database) {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let mut without_bob = catalog();
    without_bob.users.pop();
    without_bob.data_sources[0].spec.columns.pop();
    let plan = store.apply(&without_bob, options(LATER)).unwrap();
    assert_eq!((plan.counts(), plan.kept), ((0, 1, 0), 1), "bob stays");
    let plan = store.apply(&without_bob, ApplyOptions { prune: true, ..options(LATER) }).unwrap();
    assert_eq!(plan.counts(), (0, 0, 1));

    store.apply(&catalog(), options(LATER)).unwrap();
    let after = snapshot(&mut store);
    assert_eq!(after.users.iter().map(|user| user.id.0).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(after.columns.iter().map(|column| column.id.0).collect::<Vec<_>>(), [1, 3]);
}

fn what_stays_must_still_fit(database: &Database) {
    let mut store = database.open();
    let mut with_request = catalog();
    with_request.requests.push(declared(json!({
        "id": "R1", "type": "maskingException", "user": "ada", "dataSource": "Ledger", "columns": ["email"],
        "status": "approved", "createdAt": "2026-01-01T00:00:00Z"
    })));
    store.apply(&with_request, options(FIRST)).unwrap();
    let before = snapshot(&mut store).digest;
    let mut without_column = catalog();
    without_column.data_sources[0].spec.columns.pop();
    let error = store.apply(&without_column, options(LATER)).unwrap_err();
    let StoreError::Inconsistent { problems } = &error else { panic!("{error}") };
    assert_eq!((problems[0].0.as_str(), problems[0].1.kind), ("R1", Kind::Request));
    assert!(error.to_string().contains("has no column `email`"), "{error}");
    assert_eq!(snapshot(&mut store).digest, before, "nothing changed");
}

fn a_tenant_is_minted_once_and_never_changes(database: &Database) {
    database.open().apply(&catalog(), options(FIRST)).unwrap();
    let minted = snapshot(&mut database.open()).tenant_id;
    assert_eq!(minted.get_version_num(), 4);

    let mut renamed = catalog();
    renamed.tenant = Some(declared(json!({ "name": "Acme AG", "timeZone": "Europe/Berlin" })));
    database.open().apply(&renamed, options(LATER)).unwrap();
    let after = snapshot(&mut database.open());
    assert_eq!((after.tenant_id, after.tenant.name.as_str()), (minted, "Acme AG"));

    let other = "11111111-2222-4333-8444-555555555555";
    renamed.tenant = Some(declared(json!({ "name": "Acme AG", "timeZone": "Europe/Berlin", "id": other })));
    let error = database.open().apply(&renamed, options(LATER)).unwrap_err();
    assert!(matches!(error, StoreError::OtherTenant { .. }), "{error}");
}

#[test]
fn the_store_and_the_catalog_alone_give_the_same_snapshot() {
    let at = Instant::from_micros(FIRST);
    let mut store = Store::in_memory().unwrap();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let mut stored = store.snapshot(at).unwrap();
    let alone = Snapshot::of_catalog(&catalog(), at).unwrap();
    stored.digest = alone.digest;
    assert_eq!(stored.tenant_id, alone.tenant_id);
    assert_eq!(format!("{:?}", stored.users), format!("{:?}", alone.users));
    assert_eq!(format!("{:?}", stored.data_sources), format!("{:?}", alone.data_sources));
    assert_eq!(format!("{:?}", stored.columns), format!("{:?}", alone.columns));
    assert_eq!(format!("{:?}", stored.tags), format!("{:?}", alone.tags));
}

#[test]
fn other_files_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    std::fs::write(&path, "not a database, but long enough to be read as one ".repeat(40)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path).unwrap_err();
    assert!(matches!(error, StoreError::Foreign), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

fn a_judge_sees_every_change_and_stops_all_of_it(database: &Database) {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let mut changed = catalog();
    changed.users[1].spec.groups.insert("Analysts".into());
    changed.groups.push(declared(json!({ "name": "New" })));
    changed.data_sources.clear();
    let seen = |changes: &[ObjectChange]| -> Vec<_> {
        let each = changes.iter().map(|change| {
            let ObjectChange { kind, name, before, after } = change;
            (*kind, name.clone(), before.is_some(), after.is_some())
        });
        each.collect()
    };
    let expected = [
        (Kind::Group, "New".to_owned(), false, true),
        (Kind::User, "bob".to_owned(), true, true),
        (Kind::DataSource, "Ledger".to_owned(), true, false),
    ];
    for dry_run in [true, false] {
        let options = ApplyOptions { dry_run, prune: true, ..options(LATER) };
        let refused = store.apply_authorized(&changed, options, &by_ada(LATER), |store, changes| {
            assert_eq!(seen(changes), expected);
            // What it looks up beside is as it becomes.
            assert!(store.object(Kind::Group, "New")?.is_some());
            Err(StoreError::NotFound { target: "refused".to_owned() })
        });
        assert!(matches!(refused, Err(StoreError::NotFound { .. })));
        assert!(store.object(Kind::Group, "New").unwrap().is_none());
        let plan = store.apply_authorized(&changed, options, &by_ada(LATER), |_, changes| {
            assert_eq!(seen(changes), expected);
            Ok::<_, StoreError>(())
        });
        assert_eq!(plan.unwrap().counts(), (1, 1, 1));
        assert_eq!(store.object(Kind::Group, "New").unwrap().is_none(), dry_run);
    }
}
