//! Requests by who has a part in them, and pages that are bounded by what they hold.

use std::collections::BTreeSet;

use domesday_model::{Kind, Request, RequestStatus, Target};
use domesday_store::{IfMatch, Store};
use serde_json::{Value, json};

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, declared, options};

on_each_database!(
    requests_are_found_by_who_has_a_part_in_them,
    what_requests_are_found_by_follows_every_change,
    a_store_of_an_earlier_version_finds_its_requests,
    the_same_thing_is_asked_for_once,
    numbers_are_kept_as_they_are_written,
    a_page_ends_where_its_documents_grow_large,
    decisions_that_come_in_are_an_import,
);

fn request(id: &str, user: &str, requester: Option<&str>, decided_by: &[&str]) -> Value {
    let given =
        decided_by.iter().map(|by| json!({ "by": by, "status": "approved", "at": "2026-01-02T00:00:00Z" }));
    let mut request = json!({
        "id": id, "type": "dataAccess", "user": user, "dataSource": "Ledger", "status": "pending",
        "createdAt": "2026-01-01T00:00:00Z", "determinations": given.collect::<Vec<_>>()
    });
    if let Some(requester) = requester {
        request["requester"] = requester.into();
    }
    request
}

fn put(store: &mut Store, request: &Value) {
    store.put_object(Kind::Request, request, IfMatch::Any, &by_ada(LATER)).unwrap();
}

fn store_with_catalog(database: &Database) -> Store {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    store
}

fn names(store: &mut Store, username: &str, only_party: bool, status: Option<RequestStatus>) -> Vec<String> {
    store.request_names(username, only_party, status).unwrap().into_iter().collect()
}

fn requests_are_found_by_who_has_a_part_in_them(database: &Database) {
    let mut store = store_with_catalog(database);
    for document in [
        request("1", "ada", None, &[]),
        request("2", "ada", Some("bob"), &[]),
        request("3", "bob", None, &["ada"]),
        request("4", "bob", None, &[]),
    ] {
        put(&mut store, &document);
    }
    assert_eq!(names(&mut store, "ada", true, None), ["1", "2"]);
    assert_eq!(names(&mut store, "ada", false, None), ["1", "2", "3"]);
    assert_eq!(names(&mut store, "bob", true, None), ["2", "3", "4"]);
    assert_eq!(names(&mut store, "bob", true, Some(RequestStatus::Approved)), Vec::<String>::new());
    assert_eq!(names(&mut store, "bob\0", true, None), Vec::<String>::new());
    assert!(store.has_part_in_request("3", "ada", false).unwrap());
    assert!(!store.has_part_in_request("3", "ada", true).unwrap());
    assert!(!store.has_part_in_request("4", "ada", false).unwrap());
    assert_eq!(store.count_pending_requests("bob").unwrap(), 3);
    assert_eq!(store.pending_targets().unwrap(), [Target::DataSource("Ledger".into())]);
    let mut pending = Vec::new();
    let target = Target::DataSource("Ledger".into());
    store
        .each_pending_request(&target, &mut |request| {
            pending.push(request.id);
            Ok(())
        })
        .unwrap();
    assert_eq!(pending, ["1", "2", "3", "4"]);

    let page = store.request_page(Some(RequestStatus::Pending), Some("1"), 2).unwrap();
    let found: Vec<_> = page.objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!((found, page.total, page.is_last), (vec!["2", "3"], 4, false));
    assert_eq!(store.request_page(Some(RequestStatus::Denied), None, 2).unwrap().total, 0);
    let wanted: BTreeSet<String> = ["1", "3", "4"].map(str::to_owned).into();
    let page = store.requests_named(&wanted, None, 2).unwrap();
    let found: Vec<_> = page.objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!((found, page.total, page.is_last), (vec!["1", "3"], 3, false));
    let page = store.requests_named(&wanted, Some("3"), 2).unwrap();
    assert_eq!((page.objects.len(), page.total, page.is_last), (1, 3, true));
}

fn what_requests_are_found_by_follows_every_change(database: &Database) {
    let mut store = store_with_catalog(database);
    let mut with_request = catalog();
    with_request.requests.push(declared(request("1", "ada", None, &[])));
    store.apply(&with_request, options(LATER)).unwrap();
    assert_eq!(names(&mut store, "ada", true, None), ["1"]);
    let mut approved = request("1", "ada", None, &["bob"]);
    approved["status"] = "approved".into();
    with_request.requests = vec![declared(approved.clone())];
    store.apply(&with_request, options(LATER)).unwrap();
    assert_eq!(names(&mut store, "bob", false, Some(RequestStatus::Approved)), ["1"]);
    assert_eq!(store.count_pending_requests("ada").unwrap(), 0);
    put(&mut store, &request("1", "bob", None, &[]));
    assert_eq!(names(&mut store, "ada", false, None), Vec::<String>::new());
    store.delete_object(Kind::Request, "1", IfMatch::Any, &by_ada(LATER)).unwrap();
    assert_eq!(names(&mut store, "bob", false, None), Vec::<String>::new());
    store.apply(&with_request, options(LATER)).unwrap();
    let mut prune = options(LATER);
    prune.prune = true;
    store.apply(&catalog(), prune).unwrap();
    assert_eq!(names(&mut store, "ada", false, None), Vec::<String>::new());
    assert!(store.pending_targets().unwrap().is_empty());
}

fn a_store_of_an_earlier_version_finds_its_requests(database: &Database) {
    crate::upgrade::first_version(database);
    let document = request("1", "ada", Some("bob"), &["bob"]);
    database.run(&format!(
        "INSERT INTO object (kind, id, name, document, origin, created_at, updated_at, since)
         VALUES ('requests', 1, '1', '{document}', 'api', 1000000, 1000000, '{{}}')"
    ));
    let mut store = database.open();
    assert_eq!(names(&mut store, "ada", true, None), ["1"]);
    assert_eq!(names(&mut store, "bob", true, Some(RequestStatus::Pending)), ["1"]);
    assert_eq!(store.count_pending_requests("bob").unwrap(), 1);
}

fn the_same_thing_is_asked_for_once(database: &Database) {
    let mut store = store_with_catalog(database);
    put(&mut store, &request("b", "ada", None, &[]));
    put(&mut store, &request("a", "ada", Some("bob"), &[]));
    let like = |change: &dyn Fn(&mut Value)| -> Request {
        let mut document = request("new", "ada", None, &[]);
        change(&mut document);
        serde_json::from_value(document).unwrap()
    };
    assert_eq!(store.pending_request_like(&like(&|_| {})).unwrap().as_deref(), Some("a"));
    for change in [
        |document: &mut Value| document["user"] = "bob".into(),
        |document: &mut Value| document["scope"] = "write".into(),
        |document: &mut Value| document["type"] = "maskingException".into(),
        |document: &mut Value| document["columns"] = json!(["id"]),
    ] {
        assert_eq!(store.pending_request_like(&like(&change)).unwrap(), None);
    }
}

fn numbers_are_kept_as_they_are_written(database: &Database) {
    let mut store = store_with_catalog(database);
    let text = request("1", "ada", None, &[]).to_string();
    let answers = r#""answers":{"n":12345678901234567890123,"m":1.10}"#;
    let text = text.replace(r#""status""#, &format!(r#"{answers},"status""#));
    let document: Request = serde_json::from_str(&text).unwrap();
    let stored = store.put_object(Kind::Request, &document, IfMatch::Any, &by_ada(LATER)).unwrap();
    assert!(stored.text.contains(r#"{"m":1.10,"n":12345678901234567890123}"#), "{}", stored.text);
    // Other digits are another document, even of the same value.
    let other: Request = serde_json::from_str(&text.replace("1.10", "1.1")).unwrap();
    let changed = store.put_object(Kind::Request, &other, IfMatch::Any, &by_ada(LATER)).unwrap();
    assert_ne!(changed.etag, stored.etag);
    let last = store.audit_entries(0, 100).unwrap().pop().unwrap();
    assert_eq!(last.action, "update");
}

fn a_page_ends_where_its_documents_grow_large(database: &Database) {
    let mut store = database.open();
    let text = "x".repeat(900_000);
    for name in ["a", "b", "c", "d", "e", "f"] {
        let agreement = json!({ "name": name, "version": 1, "text": text });
        store.put_object(Kind::Agreement, &agreement, IfMatch::Any, &by_ada(LATER)).unwrap();
    }
    let page = store.object_page(Kind::Agreement, None, 1000).unwrap();
    assert_eq!((page.objects.len(), page.total, page.is_last), (4, 6, false));
    let page = store.object_page(Kind::Agreement, Some("d"), 1000).unwrap();
    assert_eq!((page.objects.len(), page.total, page.is_last), (2, 6, true));
    let page = store.object_page(Kind::Agreement, Some("f"), 1000).unwrap();
    assert_eq!((page.objects.len(), page.total, page.is_last), (0, 6, true));
    assert_eq!(store.audit_entries(0, 1000).unwrap().len(), 4);
    assert_eq!(store.audit_entries(4, 1000).unwrap().len(), 2);

    let large = "x".repeat(100_000);
    let columns: Vec<_> = (0..50).map(|n| json!({ "name": format!("c{n}"), "type": large })).collect();
    for name in ["s", "t"] {
        let source = json!({ "name": name, "platform": "p", "columns": columns });
        store.put_object(Kind::DataSource, &source, IfMatch::Any, &by_ada(LATER)).unwrap();
    }
    let page = store.object_page(Kind::DataSource, None, 1000).unwrap();
    assert_eq!((page.objects.len(), page.is_last), (1, false), "a page is never empty where there is more");
    assert_eq!(store.audit_entries(6, 1000).unwrap().len(), 1);
}

fn decisions_that_come_in_are_an_import(database: &Database) {
    let mut store = store_with_catalog(database);
    put(&mut store, &request("1", "ada", None, &["bob"]));
    put(&mut store, &request("2", "bob", None, &[]));
    let mut with_request = catalog();
    with_request.requests.push(declared(request("3", "ada", None, &["bob"])));
    store.apply(&with_request, options(LATER)).unwrap();
    let entries = store.audit_entries(0, 1000).unwrap();
    let of_requests = entries.iter().filter(|entry| entry.target.starts_with("requests/"));
    let actions: Vec<_> = of_requests.map(|entry| (entry.target.as_str(), entry.action.as_str())).collect();
    assert_eq!(actions, [("requests/1", "import"), ("requests/2", "create"), ("requests/3", "import")]);
}
