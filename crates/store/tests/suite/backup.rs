//! Backup while the store is in use, and going on from the copy.

use domesday_model::Kind;
use domesday_store::{IfMatch, Store, StoreError};
use serde_json::json;

use crate::databases::Database;
use crate::world::{FIRST, LATER, by_ada, catalog, options, snapshot};

#[test]
fn a_copy_is_a_store_of_one_instant_that_goes_on() {
    let database = Database::sqlite();
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let before = snapshot(&mut store);
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy.db");
    store.backup_to(&copy).unwrap();
    store.put_object(Kind::User, &json!({ "username": "eve" }), IfMatch::Any, &by_ada(LATER)).unwrap();

    let mut restored = Store::open_existing(&copy).unwrap();
    let found = snapshot(&mut restored);
    assert_eq!((found.digest, found.tenant_id), (before.digest, before.tenant_id));
    assert_eq!(restored.verify_audit().unwrap().fault, None);
    let late = json!({ "username": "late" });
    assert_eq!(restored.put_object(Kind::User, &late, IfMatch::Any, &by_ada(LATER)).unwrap().id, 3);

    let error = store.backup_to(&copy).unwrap_err();
    assert!(matches!(error, StoreError::Backup { .. }), "{error}");
    let error = store.backup_to(&dir.path().join("no/such/place.db")).unwrap_err();
    assert!(matches!(error, StoreError::Backup { .. }), "{error}");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(
        std::fs::read_dir(dir.path())
            .unwrap()
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "partial"))
            .count(),
        0
    );
}

#[test]
fn a_copy_taken_while_others_write_is_whole() {
    let database = Database::sqlite();
    let dir = tempfile::tempdir().unwrap();
    database.open().apply(&catalog(), options(FIRST)).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut store = database.open();
            for n in 0..60 {
                let user = json!({ "username": format!("user-{n}"), "groups": ["Analysts"] });
                store.put_object(Kind::User, &user, IfMatch::Any, &by_ada(LATER)).unwrap();
            }
        });
        let mut store = database.open();
        for n in 0..6 {
            let copy = dir.path().join(format!("copy-{n}.db"));
            store.backup_to(&copy).unwrap();
            let mut copy = Store::open_existing(&copy).unwrap();
            let entries = copy.verify_audit().unwrap();
            assert_eq!(entries.fault, None);
            // Each user beyond the first two has its entry: the copy is of one instant.
            assert_eq!(snapshot(&mut copy).users.len() as u64 + 6, entries.entries);
        }
        writer.join().unwrap();
    });
}

#[test]
fn a_copy_takes_the_place_of_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let (place, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let mut store = Store::open(&place).unwrap();
    store.apply(&catalog(), options(FIRST)).unwrap();
    store.backup_to(&copy).unwrap();
    let before = snapshot(&mut store).digest;
    store.put_object(Kind::User, &json!({ "username": "eve" }), IfMatch::Any, &by_ada(LATER)).unwrap();
    let after = snapshot(&mut store).digest;

    let refused = |replace| Store::restore(&copy, &place, replace).unwrap_err().to_string();
    assert!(refused(false).contains("a store already exists"), "{}", refused(false));
    assert!(refused(true).contains("another process has the store open"), "{}", refused(true));
    drop(store);

    let restored = Store::restore(&copy, &place, true).unwrap();
    assert_eq!((restored.audit.entries, restored.audit.fault), (8, None));
    assert_eq!(snapshot(&mut Store::open_existing(&place).unwrap()).digest, before);
    let replaced = restored.replaced.unwrap();
    assert_eq!(snapshot(&mut Store::open_existing(&replaced).unwrap()).digest, after);
    // The copy is as it was, and can be used again; what was replaced is never written over.
    assert!(refused(true).contains("already exists; move it away"), "{}", refused(true));
    let elsewhere = dir.path().join("elsewhere.db");
    assert_eq!(Store::restore(&copy, &elsewhere, false).unwrap().replaced, None);
    assert_eq!(snapshot(&mut Store::open_existing(&elsewhere).unwrap()).digest, before);
}

#[test]
fn a_damaged_store_is_replaced_and_a_damaged_copy_is_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (place, copy) = (dir.path().join("store.db"), dir.path().join("copy.db"));
    let mut store = Store::open(&place).unwrap();
    store.apply(&catalog(), options(FIRST)).unwrap();
    store.backup_to(&copy).unwrap();
    drop(store);

    let whole = std::fs::read(&copy).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 4096].fill(0xa5);
    for wrong in [
        damaged,
        b"no database at all, but as long as a header of one is: a hundred bytes and a few more, to be sure"
            .to_vec(),
        Vec::new(),
    ] {
        std::fs::write(&copy, wrong).unwrap();
        Store::restore(&copy, &dir.path().join("new.db"), false).unwrap_err();
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");

    std::fs::write(&copy, whole).unwrap();
    std::fs::write(&place, b"what a failing disk left").unwrap();
    Store::restore(&copy, &place, true).unwrap();
    snapshot(&mut Store::open_existing(&place).unwrap());
}

#[test]
fn postgresql_is_backed_up_with_its_own_tools() {
    let mut store = Database::postgres().open();
    let error = store.backup_to(std::path::Path::new("copy.db")).unwrap_err();
    assert!(matches!(error, StoreError::BackupElsewhere), "{error}");
}
