//! One object at a time: guarded by entity tags, judged by what it touches.

use std::sync::Arc;

use domesday_model::{Instant, Kind, Snapshot};
use domesday_store::{IfMatch, Store, StoreError, StoredObject};
use serde_json::{Value, json};

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, declared, options, snapshot};

on_each_database!(
    an_object_is_created_read_changed_and_deleted,
    entity_tags_guard_concurrent_editors,
    what_is_wrong_is_refused_and_says_where,
    what_others_rely_on_stays,
    every_kind_is_kept_from_dangling,
    lists_are_in_name_order_with_their_total,
    a_new_tag_brings_its_ancestors_which_then_stay,
    nothing_changes_when_a_document_is_put_as_it_is,
    ids_of_users_are_unique,
    names_have_one_limit,
    what_was_stored_before_a_bound_may_stay,
    a_snapshot_loaded_from_an_earlier_one_is_the_whole_one,
);

fn put(store: &mut Store, kind: Kind, document: &Value) -> Result<StoredObject, StoreError> {
    store.put_object(kind, document, IfMatch::Any, &by_ada(LATER))
}

fn store_with_catalog(database: &Database) -> Store {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    store
}

fn an_object_is_created_read_changed_and_deleted(database: &Database) {
    let mut store = store_with_catalog(database);
    let before = store.revision().unwrap();
    let eve = json!({ "username": "eve", "groups": ["Analysts"] });
    let created = store.put_object(Kind::User, &eve, IfMatch::MustNotExist, &by_ada(LATER)).unwrap();
    assert_eq!((created.id, created.name.as_str(), created.origin.as_str()), (3, "eve", "api"));
    assert_eq!((created.created_at.as_micros(), created.updated_at.as_micros()), (LATER, LATER));
    assert_eq!(store.object(Kind::User, "eve").unwrap().unwrap(), created);
    assert_eq!(store.revision().unwrap(), before + 1);

    let disabled = json!({ "username": "eve", "status": "disabled" });
    let expected = IfMatch::Etag(&created.etag);
    let changed = store.put_object(Kind::User, &disabled, expected, &by_ada(LATER + 1)).unwrap();
    assert_eq!(
        (changed.id, changed.created_at.as_micros(), changed.updated_at.as_micros()),
        (3, LATER, LATER + 1)
    );
    assert_ne!(changed.etag, created.etag);
    assert!(snapshot(&mut store).users[2].groups.is_empty());

    store.delete_object(Kind::User, "eve", IfMatch::Etag(&changed.etag), &by_ada(LATER + 2)).unwrap();
    assert_eq!(store.object(Kind::User, "eve").unwrap(), None);
    assert_eq!(store.revision().unwrap(), before + 3);
    assert_eq!(put(&mut store, Kind::User, &eve).unwrap().id, 4, "an id never returns");
}

fn entity_tags_guard_concurrent_editors(database: &Database) {
    let (mut first, mut second) = (store_with_catalog(database), database.open());
    let read = second.object(Kind::User, "bob").unwrap().unwrap();
    let renamed = |name: &str| json!({ "username": "bob", "name": name });
    first.put_object(Kind::User, &renamed("Bob"), IfMatch::Etag(&read.etag), &by_ada(LATER)).unwrap();
    let late = second.put_object(Kind::User, &renamed("Robert"), IfMatch::Etag(&read.etag), &by_ada(LATER));
    assert!(matches!(late, Err(StoreError::Precondition { .. })), "{late:?}");
    let error =
        second.delete_object(Kind::User, "bob", IfMatch::Etag(&read.etag), &by_ada(LATER)).unwrap_err();
    assert!(error.to_string().starts_with("users/bob was changed by somebody else"), "{error}");
    let error =
        second.put_object(Kind::User, &renamed("x"), IfMatch::MustNotExist, &by_ada(LATER)).unwrap_err();
    assert!(matches!(error, StoreError::Precondition { .. }), "{error}");
    let nobody = json!({ "username": "nobody" });
    for expected in [IfMatch::MustExist, IfMatch::Etag("0")] {
        let error = second.put_object(Kind::User, &nobody, expected, &by_ada(LATER)).unwrap_err();
        assert_eq!(error.to_string(), "there is no users/nobody");
    }
    let error = second.delete_object(Kind::User, "nobody", IfMatch::Any, &by_ada(LATER)).unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    assert_eq!(
        first.object(Kind::User, "bob").unwrap().unwrap().document,
        json!({ "username": "bob", "name": "Bob", "status": "active" })
    );
}

fn what_is_wrong_is_refused_and_says_where(database: &Database) {
    let mut store = store_with_catalog(database);
    let before = snapshot(&mut store).digest;
    let wrong = [
        (
            Kind::User,
            json!({ "username": "eve", "groups": ["Nobody"] }),
            "groups: there is no group `Nobody`",
        ),
        (Kind::User, json!({ "username": "eve", "status": "gone" }), "unknown variant `gone`"),
        (Kind::User, json!({ "username": " " }), "expected the name of a user"),
        (Kind::Group, json!({ "name": "All Users" }), "is built in"),
        (Kind::Tag, json!({ "name": "A..B" }), "dotted name without empty parts"),
        (
            Kind::Policy,
            json!({ "name": "P", "type": "grant", "level": "entitlements", "condition": "@isInGroups('X')", "appliesTo": "all" }),
            "condition: there is no group `X`",
        ),
        (
            Kind::DataSource,
            json!({ "name": "S", "platform": "p", "columns": [{ "name": "a", "type": "T" }, { "name": "a", "type": "T" }] }),
            "columns[1].name: the column `a` is declared twice",
        ),
        (
            Kind::DataProduct,
            json!({ "name": "D", "createdBy": "ada", "dataSources": [{ "name": "Ledger", "columns": ["no"] }] }),
            "has no column `no`",
        ),
        (
            Kind::Tenant,
            json!({ "name": "x", "timeZone": "UTC" }),
            "the tenant cannot be changed as an object",
        ),
        (Kind::User, json!({ "username": "a\0b" }), "U+0000"),
    ];
    for (kind, document, message) in wrong {
        let error = put(&mut store, kind, &document).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
    assert_eq!(store.object(Kind::User, "a\0b").unwrap(), None);
    assert_eq!(store.objects(Kind::User, Some("ad\0"), 1).unwrap().0[0].name, "ada");
    assert!(matches!(store.export::<serde_json::Value>("a\0"), Err(StoreError::NulInText)));
    assert_eq!(snapshot(&mut store).digest, before, "nothing changed");
    assert_eq!(store.audit_entries(0, 100).unwrap().len(), 8, "nothing but the apply was audited");
}

fn what_others_rely_on_stays(database: &Database) {
    let mut store = store_with_catalog(database);
    let objects = [
        (Kind::Agreement, json!({ "name": "Terms", "version": 2, "text": "…" })),
        (Kind::Policy, json!({ "name": "Trial", "type": "grant", "level": "anyone", "appliesTo": "optIn" })),
        (
            Kind::DataSource,
            json!({ "name": "Orders", "platform": "p", "optInPolicies": ["Trial"],
            "columns": [{ "name": "id", "type": "T" }, { "name": "email", "type": "T" }, { "name": "free", "type": "T" }] }),
        ),
        (
            Kind::DataProduct,
            json!({ "name": "All orders", "createdBy": "bob", "agreements": ["Terms"],
            "dataSources": [{ "name": "Orders", "columns": ["id"] }] }),
        ),
        (
            Kind::Request,
            json!({ "id": "R1", "type": "maskingException", "user": "ada", "dataSource": "Orders",
            "columns": ["email"], "status": "approved", "createdAt": "2026-01-01T00:00:00Z",
            "agreements": [{ "name": "Terms", "version": 2, "acceptedBy": "ada", "acceptedAt": "2026-01-01T00:00:00Z" }] }),
        ),
    ];
    for (kind, document) in &objects {
        put(&mut store, *kind, document).unwrap();
    }
    let columns = |names: &[&str]| {
        let columns: Vec<_> = names.iter().map(|name| json!({ "name": name, "type": "T" })).collect();
        json!({ "name": "Orders", "platform": "p", "optInPolicies": ["Trial"], "columns": columns })
    };
    put(&mut store, Kind::DataSource, &columns(&["email", "id"])).unwrap();
    let hurting = [
        (
            Kind::DataSource,
            columns(&["id"]),
            "request `R1`: columns: the data source `Orders` has no column `email`",
        ),
        (Kind::DataSource, columns(&["email"]), "data product `All orders`: dataSources[0].columns"),
        (
            Kind::Policy,
            json!({ "name": "Trial", "type": "grant", "level": "anyone", "appliesTo": "all" }),
            "data source `Orders`: optInPolicies: `Trial` is not a policy with `appliesTo: optIn`",
        ),
        (
            Kind::Agreement,
            json!({ "name": "Terms", "version": 1, "text": "…" }),
            "request `R1`: agreements[0].version",
        ),
    ];
    for (kind, document, message) in hurting {
        let error = put(&mut store, kind, &document).unwrap_err();
        let StoreError::Inconsistent { problems } = &error else { panic!("{error}") };
        assert_eq!(problems.len(), 1, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }
    // A data policy of the same name keeps the name good for opting in.
    put(&mut store, Kind::DataPolicy, &json!({ "name": "Trial", "mask": { "kind": "null" }, "columns": { "names": ["*"] }, "appliesTo": "optIn" })).unwrap();
    put(
        &mut store,
        Kind::Policy,
        &json!({ "name": "Trial", "type": "grant", "level": "anyone", "appliesTo": "all" }),
    )
    .unwrap();
    store.delete_object(Kind::Policy, "Trial", IfMatch::Any, &by_ada(LATER)).unwrap();
    let error = store.delete_object(Kind::DataPolicy, "Trial", IfMatch::Any, &by_ada(LATER)).unwrap_err();
    assert!(
        error.to_string().contains("data source `Orders`: optInPolicies: there is no policy `Trial`"),
        "{error}"
    );
}

/// A world in which each kind is named wherever it can be.
fn entangled() -> Vec<(Kind, Value)> {
    let at = "2026-01-01T00:00:00Z";
    vec![
        (Kind::Tag, json!({ "name": "T'ag\"1" })),
        (Kind::Tag, json!({ "name": "ColumnTag" })),
        (Kind::Tag, json!({ "name": "MaskTag" })),
        (Kind::Tag, json!({ "name": "SelectTag" })),
        (Kind::Tag, json!({ "name": "Free" })),
        (Kind::Group, json!({ "name": "it's @@table's" })),
        (Kind::Group, json!({ "name": "Members" })),
        (Kind::Group, json!({ "name": "Exempt" })),
        (Kind::Group, json!({ "name": "Reviewers" })),
        (Kind::Group, json!({ "name": "Named" })),
        (Kind::Group, json!({ "name": "Free" })),
        (Kind::User, json!({ "username": "boss" })),
        (Kind::User, json!({ "username": "ann", "manager": "boss", "groups": ["Members"] })),
        (Kind::User, json!({ "username": "scoped" })),
        (Kind::User, json!({ "username": "owner" })),
        (Kind::User, json!({ "username": "selected" })),
        (Kind::User, json!({ "username": "named" })),
        (Kind::User, json!({ "username": "approver" })),
        (Kind::User, json!({ "username": "sme" })),
        (Kind::User, json!({ "username": "asker" })),
        (Kind::User, json!({ "username": "decider" })),
        (Kind::User, json!({ "username": "accepter" })),
        (Kind::User, json!({ "username": "narcissus", "manager": "narcissus" })),
        (
            Kind::Domain,
            json!({ "name": "Sales", "permissions": [{ "user": "scoped", "permission": "MANAGE_POLICIES" }] }),
        ),
        (Kind::Domain, json!({ "name": "Selected" })),
        (Kind::Domain, json!({ "name": "Offered" })),
        (Kind::Policy, json!({ "name": "Opt", "type": "grant", "level": "anyone", "appliesTo": "optIn" })),
        (Kind::Policy, json!({ "name": "Choice", "type": "grant", "level": "approval", "appliesTo": "all" })),
        (
            Kind::Policy,
            json!({ "name": "Cond", "type": "grant", "level": "entitlements", "owner": "owner",
            "condition": "@isInGroups('it''s @@@@table''s') OR @isInGroups('@table-x')", "appliesTo": { "domains": ["Selected"], "owners": ["selected", "x*"], "tagged": ["SelectTag"] } }),
        ),
        (
            Kind::Policy,
            json!({ "name": "Names", "type": "grant", "level": "individuals",
            "individuals": { "users": ["named"], "groups": ["Named", "All Users"] }, "appliesTo": "all" }),
        ),
        (
            Kind::DataPolicy,
            json!({ "name": "Mask", "mask": { "kind": "hash" }, "columns": { "tagged": ["MaskTag"] },
            "appliesTo": [{ "names": ["*"], "except": [{ "columnsTagged": ["SelectTag"] }] }], "except": "@isInGroups('Exempt')" }),
        ),
        (
            Kind::DataPolicy,
            json!({ "name": "MaskOpt", "mask": { "kind": "null" }, "columns": { "names": ["*"] }, "appliesTo": "optIn" }),
        ),
        (
            Kind::DataSource,
            json!({ "name": "Orders", "platform": "p", "domain": "Sales", "owners": ["owner"], "tags": ["T'ag\"1"],
            "columns": [{ "name": "id", "type": "T", "tags": ["ColumnTag"] }], "optInPolicies": ["Opt", "MaskOpt"], "levelChoice": "Choice" }),
        ),
        (Kind::DataSource, json!({ "name": "Lone", "platform": "p" })),
        (
            Kind::Policy,
            json!({ "name": "Local", "type": "grant", "level": "anyone", "appliesTo": { "dataSources": ["Lone"] } }),
        ),
        (Kind::Agreement, json!({ "name": "Terms", "version": 1, "text": "t" })),
        (Kind::Agreement, json!({ "name": "Accepted", "version": 1, "text": "t" })),
        (
            Kind::RequestForm,
            json!({ "name": "Form", "version": 1, "review": [{ "approvers": { "users": ["approver"], "groups": ["Reviewers"] } }] }),
        ),
        (
            Kind::DataProduct,
            json!({ "name": "Product", "createdBy": "boss", "sme": "sme", "domains": ["Offered"], "form": "Form",
            "agreements": ["Terms"], "dataSources": [{ "name": "Orders" }] }),
        ),
        (
            Kind::Request,
            json!({ "id": "R", "type": "dataAccess", "user": "ann", "requester": "asker", "dataProduct": "Product", "status": "approved", "createdAt": at,
            "determinations": [{ "by": "decider", "status": "approved", "at": at }],
            "agreements": [{ "name": "Accepted", "version": 1, "acceptedBy": "accepter", "acceptedAt": at }] }),
        ),
    ]
}

/// What may be deleted of `entangled`: nothing refers to it.
const FREE: [(Kind, &str); 10] = [
    (Kind::Tag, "Free"),
    (Kind::Group, "Free"),
    (Kind::User, "narcissus"),
    (Kind::Policy, "Cond"),
    (Kind::Policy, "Names"),
    (Kind::Policy, "Local"),
    (Kind::DataPolicy, "Mask"),
    (Kind::Request, "R"),
    (Kind::User, "ann"),
    (Kind::User, "x"),
];

fn every_kind_is_kept_from_dangling(database: &Database) {
    let mut store = store_with_catalog(database);
    let world = entangled();
    for (kind, document) in &world {
        put(&mut store, *kind, document).unwrap_or_else(|error| panic!("{document}: {error}"));
    }
    let name = |document: &Value| {
        let name = ["name", "username", "id"].into_iter().find_map(|key| document[key].as_str());
        name.unwrap().to_owned()
    };
    // `ann` has a request, until it is gone.
    let free = |kind: Kind, name: &str| name != "ann" && FREE.contains(&(kind, name));
    for (kind, document) in &world {
        let name = name(document);
        if free(*kind, &name) {
            continue;
        }
        let error = store.delete_object(*kind, &name, IfMatch::Any, &by_ada(LATER)).unwrap_err();
        let StoreError::Inconsistent { problems } = &error else { panic!("{kind} {name}: {error}") };
        assert!(!problems.is_empty());
    }
    for (kind, document) in &world {
        let name = name(document);
        if free(*kind, &name) {
            store.delete_object(*kind, &name, IfMatch::Any, &by_ada(LATER)).unwrap();
        }
    }
    store.delete_object(Kind::User, "ann", IfMatch::Any, &by_ada(LATER)).unwrap();
    snapshot(&mut store);
}

fn lists_are_in_name_order_with_their_total(database: &Database) {
    let mut store = database.open();
    let names = ["b", "B", "a", "é", "Z", "a b", "a-b"];
    for name in names {
        put(&mut store, Kind::User, &json!({ "username": name })).unwrap();
    }
    let mut sorted = names;
    sorted.sort_unstable();
    let mut listed = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let (page, total) = store.objects(Kind::User, after.as_deref(), 2).unwrap();
        assert_eq!(total, names.len() as u64);
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        listed.extend(page.into_iter().map(|object| object.name));
    }
    assert_eq!(listed, sorted);
    assert_eq!(store.objects(Kind::Group, None, 10).unwrap(), (vec![], 0));
}

fn a_new_tag_brings_its_ancestors_which_then_stay(database: &Database) {
    let mut store = store_with_catalog(database);
    put(&mut store, Kind::Tag, &json!({ "name": "PII.Health.Blood" })).unwrap();
    let (tags, total) = store.objects(Kind::Tag, None, 10).unwrap();
    let names: Vec<_> = tags.iter().map(|tag| (tag.name.as_str(), tag.id)).collect();
    assert_eq!(
        names,
        [
            ("PII", 1),
            ("PII.Contact", 2),
            ("PII.Contact.Email", 3),
            ("PII.Health", 4),
            ("PII.Health.Blood", 5)
        ]
    );
    assert_eq!(total, 5);
    let error = store.delete_object(Kind::Tag, "PII.Health", IfMatch::Any, &by_ada(LATER)).unwrap_err();
    assert!(
        error.to_string().contains("tag `PII.Health.Blood`: name: is a descendant of the tag `PII.Health`"),
        "{error}"
    );
    for name in ["PII.Health.Blood", "PII.Health"] {
        store.delete_object(Kind::Tag, name, IfMatch::Any, &by_ada(LATER)).unwrap();
    }
}

fn nothing_changes_when_a_document_is_put_as_it_is(database: &Database) {
    let mut store = store_with_catalog(database);
    let before =
        (store.revision().unwrap(), snapshot(&mut store).digest, store.audit_entries(0, 100).unwrap());
    let read = store.object(Kind::User, "ada").unwrap().unwrap();
    assert_eq!(put(&mut store, Kind::User, &read.document).unwrap(), read);
    let after =
        (store.revision().unwrap(), snapshot(&mut store).digest, store.audit_entries(0, 100).unwrap());
    assert_eq!(after, before);
    store.apply(&catalog(), options(LATER)).unwrap();
    assert_eq!(store.revision().unwrap(), before.0);
}

fn ids_of_users_are_unique(database: &Database) {
    let mut store = database.open();
    let id = "8f6c0b8e-2a3b-4c5d-8e9f-000000000001";
    put(&mut store, Kind::User, &json!({ "username": "one", "id": id })).unwrap();
    put(&mut store, Kind::User, &json!({ "username": "one", "id": id, "name": "One" })).unwrap();
    let error = put(&mut store, Kind::User, &json!({ "username": "two", "id": id })).unwrap_err();
    assert!(error.to_string().contains("already belongs to the user `one`"), "{error}");
}

fn names_have_one_limit(database: &Database) {
    let mut store = store_with_catalog(database);
    // The longest name in bytes, in an index of two columns.
    let longest = "\u{1f3f0}".repeat(255);
    for kind in [Kind::User, Kind::Group, Kind::Tag, Kind::Domain, Kind::DataSource] {
        let document = |name: &str| match kind {
            Kind::User => json!({ "username": name }),
            Kind::DataSource => {
                json!({ "name": name, "platform": "x", "columns": [{ "name": name, "type": "INT" }] })
            }
            _ => json!({ "name": name }),
        };
        put(&mut store, kind, &document(&longest)).unwrap();
        assert!(store.object(kind, &longest).unwrap().is_some());
        for count in [256, 4_000, 100_000] {
            let name = "x".repeat(count);
            let error = put(&mut store, kind, &document(&name)).unwrap_err();
            let StoreError::Invalid { problems } = &error else { panic!("{kind}: {error}") };
            assert!(problems[0].message.contains(&format!("{count} characters")), "{kind}: {error}");
            assert_eq!(store.object(kind, &name).unwrap(), None);
        }
    }
    snapshot(&mut store);
}

fn what_was_stored_before_a_bound_may_stay(database: &Database) {
    let mut store = store_with_catalog(database);
    let long = "x".repeat(300);
    let mut old = catalog();
    old.users = vec![declared(json!({ "username": long, "title": "a\nb" }))];
    // The store takes a catalog as valid: this is what an earlier version let in.
    store.apply(&old, options(FIRST)).unwrap();
    let changed = json!({ "username": long, "title": "a\nb", "department": "Finance" });
    put(&mut store, Kind::User, &changed).unwrap();
    let worse = json!({ "username": long, "title": "a\nb", "department": "a\nb" });
    let error = put(&mut store, Kind::User, &worse).unwrap_err();
    let StoreError::Invalid { problems } = &error else { panic!("{error}") };
    assert_eq!(problems.iter().map(|problem| problem.path.to_string()).collect::<Vec<_>>(), ["department"]);
    // What an apply does not declare stays, and does not stand in its way.
    let plan = store.apply(&catalog(), options(LATER)).unwrap();
    assert!(plan.changes.is_empty() && plan.kept == 1, "{plan:?}");
    assert!(store.object(Kind::User, &long).unwrap().is_some());
}

/// Everything in a snapshot, as text: what is listed in it, and that names lead to the same places.
fn content(snapshot: &Snapshot) -> [String; 3] {
    let Snapshot {
        at, tenant, tenant_id, digest, tags, groups, users, domains, data_sources, columns, ..
    } = snapshot;
    let Snapshot {
        policies, data_policies, agreements, agreement_texts, request_forms, data_products, ..
    } = snapshot;
    let names = [
        tags.iter().map(|tag| snapshot.tag(&tag.spec.name).map(|ix| ix.get())).collect::<Vec<_>>(),
        groups.iter().map(|group| snapshot.group(&group.name).map(|ix| ix.get())).collect(),
        users.iter().map(|user| snapshot.user(&user.username).map(|ix| ix.get())).collect(),
        domains.iter().map(|domain| snapshot.domain(&domain.spec.name).map(|ix| ix.get())).collect(),
        data_sources.iter().map(|source| snapshot.data_source(&source.name).map(|ix| ix.get())).collect(),
        policies.iter().map(|policy| snapshot.policy(&policy.spec.name).map(|ix| ix.get())).collect(),
        data_policies
            .iter()
            .map(|policy| snapshot.data_policy(&policy.spec.name).map(|ix| ix.get()))
            .collect(),
    ];
    [
        format!("{at:?} {tenant:?} {tenant_id:?} {digest:?} {tags:?} {groups:?} {users:?} {domains:?}"),
        format!(
            "{data_sources:?} {columns:?} {policies:?} {data_policies:?} {agreements:?} {agreement_texts:?}"
        ),
        format!("{request_forms:?} {data_products:?} {:?} {names:?}", snapshot.requests),
    ]
}

/// Loads a snapshot after each of many changes, from the one before and from nothing: both must be the same.
fn a_snapshot_loaded_from_an_earlier_one_is_the_whole_one(database: &Database) {
    const ANALYSTS: &str = "@isInGroups('Analysts')";
    let mut store = store_with_catalog(database);
    let policy = |name: &str, applies_to: &str, condition: &str| {
        json!({
            "name": name, "type": "grant", "level": "entitlements", "appliesTo": applies_to,
            "condition": condition
        })
    };
    let mask = json!({
        "name": "Fresh", "mask": { "kind": "hash" }, "columns": { "names": ["*"] }, "appliesTo": "optIn"
    });
    let source =
        |name: &str, opted: &[&str]| json!({ "name": name, "platform": "P", "optInPolicies": opted });
    type Change = Box<dyn Fn(&mut Store)>;
    let put = |kind: Kind, document: Value| -> Change {
        Box::new(move |store| drop(put(store, kind, &document).unwrap()))
    };
    let delete = |kind: Kind, name: &'static str| -> Change {
        Box::new(move |store| store.delete_object(kind, name, IfMatch::Any, &by_ada(LATER)).unwrap())
    };
    let changes: Vec<(Change, bool)> = vec![
        (put(Kind::Policy, policy("Fresh", "optIn", ANALYSTS)), true),
        (put(Kind::Policy, policy("Second", "all", ANALYSTS)), true),
        (put(Kind::Policy, policy("Fresh", "optIn", "NOT @isInGroups('Analysts')")), true),
        // The inventory changes: everything is read again.
        (put(Kind::DataSource, source("Opted", &["Fresh"])), false),
        (put(Kind::Policy, policy("Third", "all", ANALYSTS)), true),
        // The data source opts into this one as well, by the name that it has had.
        (put(Kind::DataPolicy, mask), false),
        (put(Kind::User, json!({ "username": "eve" })), false),
        // Policies after it take other positions.
        (delete(Kind::Policy, "Second"), false),
        (delete(Kind::Policy, "Third"), true),
        (put(Kind::Agreement, json!({ "name": "Terms", "version": 1, "text": "Be good." })), true),
        (put(Kind::Tag, json!({ "name": "Brand.New" })), false),
        (delete(Kind::User, "eve"), false),
    ];
    let mut loaded = store.load_snapshot(Instant::from_micros(LATER), None).unwrap();
    for (step, (change, is_shared)) in changes.iter().enumerate() {
        change(&mut store);
        let at = Instant::from_micros(LATER + 1 + i64::try_from(step).unwrap());
        let next = store.load_snapshot(at, Some(&loaded)).unwrap();
        let whole = store.load_snapshot(at, None).unwrap();
        assert_eq!(next.revision, whole.revision);
        assert_eq!(content(&next.snapshot), content(&whole.snapshot), "step {step}");
        let shares = Arc::ptr_eq(&next.snapshot.users, &loaded.snapshot.users);
        assert_eq!(shares, *is_shared, "step {step}");
        loaded = next;
    }
    // A process of an earlier version advances the revision alone: what it changed is not known.
    database.run("UPDATE revision SET value = value + 1");
    let next = store.load_snapshot(Instant::from_micros(LATER), Some(&loaded)).unwrap();
    assert!(!Arc::ptr_eq(&next.snapshot.users, &loaded.snapshot.users));
    put(Kind::Policy, policy("Last", "all", ANALYSTS))(&mut store);
    let last = store.load_snapshot(Instant::from_micros(LATER), Some(&next)).unwrap();
    assert!(!Arc::ptr_eq(&last.snapshot.users, &next.snapshot.users));
}
