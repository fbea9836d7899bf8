//! The audit log: written with each change, and broken by whoever touches it.

use domesday_model::{Instant, Kind};
use domesday_store::{
    AuditAnchor, AuditFault, AuditFilter, AuditPageStart, ChangeBy, IfMatch, NewAuditEntry, StoreError,
};
use serde_json::json;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, options};

on_each_database!(
    every_change_leaves_an_entry,
    a_log_that_nobody_touched_verifies,
    what_is_changed_or_missing_is_found,
    a_log_that_was_rewritten_does_not_match_an_anchor,
    an_entry_dated_back_is_reported_and_no_fault,
    nothing_is_created_or_migrated_by_a_reader,
    entries_are_searched_and_paged_from_the_newest,
);

fn every_change_leaves_an_entry(database: &Database) {
    let mut store = database.open();
    let mut small = catalog();
    small.users.truncate(1);
    store.apply_by(&small, options(FIRST), &by_ada(FIRST)).unwrap();
    let with_title = json!({ "username": "ada", "title": "Analyst" });
    store.put_object(Kind::User, &with_title, IfMatch::Any, &by_ada(LATER)).unwrap();
    store.delete_object(Kind::User, "ada", IfMatch::Any, &by_ada(LATER)).unwrap();
    let entries = store.audit_entries(0, 100).unwrap();
    let said: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.target.as_str())).collect();
    assert_eq!(
        said,
        [
            ("create", "tenant"),
            ("create", "tags/PII"),
            ("create", "tags/PII.Contact"),
            ("create", "tags/PII.Contact.Email"),
            ("create", "groups/Analysts"),
            ("create", "users/ada"),
            ("create", "dataSources/Ledger"),
            ("update", "users/ada"),
            ("delete", "users/ada"),
        ]
    );
    let update = &entries[7];
    assert_eq!((update.seq, update.actor.as_str(), update.from.as_deref()), (8, "ada", Some("192.0.2.7")));
    assert_eq!(
        (update.at.as_micros(), &update.before, &update.after),
        (LATER, &Some(json!({})), &Some(json!({ "title": "Analyst" })))
    );
    // What the edit leaves out and the files give stays.
    let deleted =
        json!({ "username": "ada", "status": "active", "groups": ["Analysts"], "title": "Analyst" });
    assert_eq!(entries[8].before, Some(deleted));
    assert_eq!(entries[0].previous, [0; 32]);
    assert!(entries.windows(2).all(|pair| pair[1].previous == pair[0].hash));
    assert_eq!(store.audit_entries(3, 2).unwrap(), entries[3..5]);
    // A dry run is no change.
    let dry = domesday_store::ApplyOptions { dry_run: true, ..options(LATER) };
    store.apply_by(&catalog(), dry, &by_ada(LATER)).unwrap();
    assert_eq!(store.audit_entries(9, 10).unwrap(), []);
}

fn a_log_that_nobody_touched_verifies(database: &Database) {
    let mut store = database.open();
    let report = store.verify_audit().unwrap();
    assert_eq!((report.entries, report.head, report.fault), (0, [0; 32], None));
    store.apply(&catalog(), options(FIRST)).unwrap();
    let change = ChangeBy { actor: "scheduler", origin: "", from: None, at: Instant::from_micros(LATER) };
    let (before, after) = (json!({ "z": 1, "a": [null, "é\u{0}"] }), json!("text"));
    let entry = NewAuditEntry {
        action: "verify",
        target: "exports/default",
        before: Some(&before),
        after: Some(&after),
    };
    assert_eq!(store.append_audit(entry, &change).unwrap(), 9);
    let entries = store.audit_entries(8, 1).unwrap();
    assert_eq!((&entries[0].before, &entries[0].after), (&Some(before), &Some(after)));
    let report = store.verify_audit().unwrap();
    assert_eq!((report.entries, report.head, report.fault), (9, entries[0].hash, None));
}

fn what_is_changed_or_missing_is_found(database: &Database) {
    database.open().apply(&catalog(), options(FIRST)).unwrap();
    let cases = [
        ("UPDATE audit SET actor = 'eve' WHERE seq = 3", AuditFault::Changed { seq: 3 }),
        ("UPDATE audit SET after_value = '{}' WHERE seq = 1", AuditFault::Changed { seq: 1 }),
        ("UPDATE audit SET from_address = '' WHERE seq = 8", AuditFault::Changed { seq: 8 }),
        ("UPDATE audit SET at = at + 1 WHERE seq = 8", AuditFault::Changed { seq: 8 }),
        ("UPDATE audit SET hash = previous WHERE seq = 4", AuditFault::Changed { seq: 4 }),
        ("DELETE FROM audit WHERE seq = 5", AuditFault::Missing { seq: 5 }),
        ("DELETE FROM audit WHERE seq = 1", AuditFault::Missing { seq: 1 }),
        ("DELETE FROM audit WHERE seq >= 7", AuditFault::Missing { seq: 7 }),
        ("DELETE FROM audit", AuditFault::Missing { seq: 1 }),
        (
            "DELETE FROM audit WHERE seq = 2; UPDATE audit SET seq = -seq WHERE seq > 2; UPDATE audit SET seq = -seq - 1 WHERE seq < 0",
            AuditFault::Changed { seq: 2 },
        ),
        ("UPDATE audit_head SET seq = 7", AuditFault::Added { seq: 8 }),
        (
            "UPDATE audit_head SET hash = (SELECT hash FROM audit WHERE seq = 7)",
            AuditFault::Changed { seq: 8 },
        ),
    ];
    for (touch, fault) in cases {
        database.tampered(touch, |store| {
            let report = store.verify_audit().unwrap();
            assert_eq!(report.fault, Some(fault), "{touch}");
        });
    }
    assert_eq!(database.open().verify_audit().unwrap().fault, None);
}

fn a_log_that_was_rewritten_does_not_match_an_anchor(database: &Database) {
    let mut store = database.open();
    let empty = store.verify_audit().unwrap().anchor();
    assert_eq!(empty, AuditAnchor { seq: 0, hash: [0; 32] });
    store.apply(&catalog(), options(FIRST)).unwrap();
    let kept = store.verify_audit().unwrap().anchor();
    assert_eq!(kept.seq, 8);
    let third = store.audit_entries(2, 1).unwrap()[0].hash;
    let third = AuditAnchor { seq: 3, hash: third };
    store.put_object(Kind::User, &json!({ "username": "eve" }), IfMatch::Any, &by_ada(LATER)).unwrap();
    let report = store.verify_audit_against(&[kept, third, empty, kept]).unwrap();
    assert_eq!((report.entries, report.fault, report.mismatches.len()), (9, None, 0));

    // Anchors of another log, of an entry that is not there, of another entry.
    let other = AuditAnchor { seq: 8, hash: [7; 32] };
    let later = AuditAnchor { seq: 10, hash: kept.hash };
    let swapped = AuditAnchor { seq: 3, hash: kept.hash };
    let last = AuditAnchor { seq: u64::MAX, hash: [0; 32] };
    let never = AuditAnchor { seq: 0, hash: kept.hash };
    let report = store.verify_audit_against(&[other, kept, later, swapped, last, never]).unwrap();
    assert_eq!(report.fault, None);
    let found: Vec<_> = report.mismatches.iter().map(|one| (one.anchor, one.found)).collect();
    assert_eq!(
        found,
        [
            (other, Some(kept.hash)),
            (later, None),
            (swapped, Some(third.hash)),
            (last, None),
            (never, Some([0; 32]))
        ]
    );
    drop(store);

    // Someone who can write to the database replaces the log by one that verifies by itself.
    let rewritten = Database::sqlite();
    let mut rewritten = rewritten.open();
    rewritten.apply(&catalog(), options(LATER)).unwrap();
    let report = rewritten.verify_audit_against(&[kept]).unwrap();
    assert_eq!((report.entries, report.fault, report.mismatches.len()), (8, None, 1));
    // Or cuts it off and corrects the head.
    let cut = "DELETE FROM audit WHERE seq > 3;
               UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)";
    database.tampered(cut, |store| {
        let report = store.verify_audit_against(&[kept, third]).unwrap();
        assert_eq!((report.entries, report.fault), (3, None));
        assert_eq!(report.mismatches.iter().map(|one| one.anchor).collect::<Vec<_>>(), [kept]);
    });
}

fn an_entry_dated_back_is_reported_and_no_fault(database: &Database) {
    let mut store = database.open();
    let mut put = |name: &str, at: i64| {
        store.put_object(Kind::Group, &json!({ "name": name }), IfMatch::Any, &by_ada(at)).unwrap();
        store.verify_audit().unwrap()
    };
    put("a", LATER);
    // The clocks of two replicas may differ by a little.
    let near = put("b", LATER - 60_000_000);
    assert_eq!((near.fault, near.clock_back), (None, None));
    let back = put("c", LATER - 86_400_000_000);
    assert_eq!((back.fault, back.clock_back), (None, Some(3)));
}

fn nothing_is_created_or_migrated_by_a_reader(database: &Database) {
    let none = |result: Result<domesday_store::Store, StoreError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::NoStore { .. }), "{error}");
        assert!(error.to_string().starts_with("there is no store at "), "{error}");
    };
    let location = database.location();
    for _ in 0..2 {
        none(location.open_existing());
        none(location.open_unmigrated());
    }
    if let Some(file) = location.file() {
        assert!(!file.exists());
        // A file that somebody has made holds no store either.
        std::fs::write(file, "").unwrap();
        none(location.open_existing());
        none(location.open_unmigrated());
        assert_eq!(std::fs::metadata(file).unwrap().len(), 0);
        std::fs::remove_file(file).unwrap();
    }

    drop(database.open());
    location.open_existing().unwrap().verify_audit().unwrap();
    // A store of an earlier version is read as it is.
    let (earlier, version) = match database {
        Database::Sqlite(_) => ("PRAGMA user_version = 4", "PRAGMA user_version"),
        Database::Postgres { .. } => {
            ("UPDATE domesday_schema SET version = 4", "SELECT version FROM domesday_schema")
        }
    };
    database.run(earlier);
    assert_eq!(location.open_unmigrated().unwrap().verify_audit().unwrap().fault, None);
    assert_eq!(database.integer(version), 4);
}

fn entries_are_searched_and_paged_from_the_newest(database: &Database) {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let with_title = json!({ "username": "ada", "title": "Analyst" });
    store.put_object(Kind::User, &with_title, IfMatch::Any, &by_ada(LATER)).unwrap();
    let mut find = |filter: &AuditFilter, start: AuditPageStart, limit: usize| {
        let page = store.search_audit(filter, start, limit).unwrap();
        let numbers: Vec<_> = page.entries.iter().map(|entry| entry.seq).collect();
        (numbers, page.total, page.has_newer, page.has_older)
    };
    let all = AuditFilter::default();
    assert_eq!(find(&all, AuditPageStart::Newest, 2), (vec![9, 8], 9, false, true));
    assert_eq!(find(&all, AuditPageStart::Before(8), 3), (vec![7, 6, 5], 9, true, true));
    assert_eq!(find(&all, AuditPageStart::After(5), 2), (vec![7, 6], 9, true, true));
    assert_eq!(find(&all, AuditPageStart::Before(1), 2), (vec![], 9, true, false));
    assert_eq!(find(&all, AuditPageStart::After(9), 2), (vec![], 9, false, true));

    let mut found = |filter: AuditFilter| find(&filter, AuditPageStart::Newest, 10).0;
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found(AuditFilter { actor: text("ada"), ..AuditFilter::default() }), [9]);
    assert_eq!(found(AuditFilter { action: text("update"), ..AuditFilter::default() }), [9]);
    assert_eq!(found(AuditFilter { kind: text("users"), ..AuditFilter::default() }), [9, 7, 6]);
    assert_eq!(found(AuditFilter { kind: text("tenant"), ..AuditFilter::default() }), [1]);
    let targets = |names: &[&str]| AuditFilter {
        targets: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..AuditFilter::default()
    };
    assert_eq!(found(targets(&["users/ada", "groups/Analysts"])), [9, 6, 5]);
    assert!(found(targets(&[])).is_empty());
    let later = Some(Instant::from_micros(LATER));
    assert_eq!(found(AuditFilter { from: later, ..AuditFilter::default() }), [9]);
    assert_eq!(found(AuditFilter { until: later, kind: text("users"), ..AuditFilter::default() }), [7, 6]);
    assert_eq!(store.audit_entry(9).unwrap().unwrap().action, "update");
    assert_eq!(store.audit_entry(10).unwrap(), None);
}
