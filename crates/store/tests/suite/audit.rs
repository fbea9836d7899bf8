//! The audit log: written with each change, and broken by whoever touches it.

use domesday_model::{Instant, Kind};
use domesday_store::{AuditFault, ChangeBy, IfMatch, NewAuditEntry};
use serde_json::json;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, options};

on_each_database!(
    every_change_leaves_an_entry,
    a_log_that_nobody_touched_verifies,
    what_is_changed_or_missing_is_found,
);

fn every_change_leaves_an_entry(database: &Database) {
    let mut store = database.open();
    let mut small = catalog();
    small.users.truncate(1);
    store.apply_by(&small, options(FIRST), &by_ada(FIRST)).unwrap();
    store.put_object(Kind::User, &json!({ "username": "ada" }), IfMatch::Any, &by_ada(LATER)).unwrap();
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
        (LATER, &Some(json!({ "groups": ["Analysts"] })), &Some(json!({})))
    );
    assert_eq!(entries[8].before, Some(json!({ "username": "ada", "status": "active" })));
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
