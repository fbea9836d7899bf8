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
fn postgresql_is_backed_up_with_its_own_tools() {
    let mut store = Database::postgres().open();
    let error = store.backup_to(std::path::Path::new("copy.db")).unwrap_err();
    assert!(matches!(error, StoreError::BackupElsewhere), "{error}");
}
