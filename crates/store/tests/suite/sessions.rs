//! Sessions of the console and the links of the first start.

use domesday_model::{Instant, UserId};
use domesday_store::{NewSession, SignInMethod, Store};
use uuid::Uuid;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada};

on_each_database!(
    sessions_are_found_by_their_hash_and_ended,
    the_last_use_of_a_session_is_kept_to_the_minute,
    sessions_that_expired_are_deleted,
    a_link_works_once_in_time_and_until_somebody_signs_in,
    a_session_of_single_sign_on_has_no_key,
    a_state_of_single_sign_on_is_used_once,
);

fn instant(micros: i64) -> Instant {
    Instant::from_micros(micros)
}

fn new_session(number: u128, user: Option<i64>) -> NewSession {
    NewSession {
        id: Uuid::from_u128(number),
        api_key: Some(Uuid::from_u128(7)),
        user: user.map(UserId),
        method: SignInMethod::Key,
        address: "192.0.2.7".to_owned(),
        browser: "Firefox".to_owned(),
    }
}

fn hash(number: u8) -> [u8; 32] {
    [number; 32]
}

fn sessions_are_found_by_their_hash_and_ended(database: &Database) {
    let mut store = database.open();
    let session = store.create_session(new_session(1, Some(3)), &hash(1), &by_ada(FIRST)).unwrap();
    store.create_session(new_session(2, None), &hash(2), &by_ada(FIRST)).unwrap();
    store.create_session(new_session(3, Some(3)), &hash(3), &by_ada(LATER)).unwrap();
    assert_eq!(store.session_by_hash(&hash(1)).unwrap(), Some(session.clone()));
    assert_eq!(store.session(session.id).unwrap(), Some(session.clone()));
    assert_eq!(store.session_by_hash(&hash(9)).unwrap(), None);
    assert!(
        store.create_session(new_session(4, None), &hash(1), &by_ada(FIRST)).is_err(),
        "one token, one session"
    );
    let ids = |store: &mut Store, user: Option<i64>| {
        let sessions = store.sessions_of(user.map(UserId)).unwrap();
        sessions.iter().map(|session| session.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&mut store, Some(3)), [3, 1], "newest first");
    assert_eq!(ids(&mut store, None), [2]);
    store.end_session(session.id, &by_ada(LATER)).unwrap();
    store.end_session(session.id, &by_ada(LATER)).unwrap();
    assert_eq!(store.session_by_hash(&hash(1)).unwrap(), None);
    let entries = store.audit_entries(0, 10).unwrap();
    let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["create", "create", "create", "delete"]);
    assert!(store.verify_audit().is_ok());
}

fn the_last_use_of_a_session_is_kept_to_the_minute(database: &Database) {
    let mut store = database.open();
    let id = store.create_session(new_session(1, None), &hash(1), &by_ada(FIRST)).unwrap().id;
    let mut used = |at: i64| {
        store.touch_session(id, instant(at)).unwrap();
        store.session(id).unwrap().unwrap().last_used_at.as_micros()
    };
    assert_eq!(used(FIRST + 59_999_999), FIRST);
    assert_eq!(used(FIRST + 60_000_000), FIRST + 60_000_000);
    assert_eq!(used(FIRST), FIRST + 60_000_000, "never back");
}

fn sessions_that_expired_are_deleted(database: &Database) {
    let mut store = database.open();
    for (number, at) in [(1, FIRST), (2, LATER), (3, FIRST)] {
        let number_u8 = u8::try_from(number).unwrap();
        store.create_session(new_session(number, None), &hash(number_u8), &by_ada(at)).unwrap();
    }
    store.touch_session(Uuid::from_u128(3), instant(FIRST + 90_000_000)).unwrap();
    assert_eq!(store.delete_expired_sessions(instant(FIRST), instant(LATER)).unwrap(), 1, "the one unused");
    assert_eq!(store.delete_expired_sessions(instant(LATER), instant(0)).unwrap(), 1, "the old one");
    assert!(store.session(Uuid::from_u128(2)).unwrap().is_some());
}

fn a_link_works_once_in_time_and_until_somebody_signs_in(database: &Database) {
    let mut store = database.open();
    let now = instant(FIRST);
    for number in 1..=3 {
        store.create_sign_in_link(&hash(number), instant(LATER), now).unwrap();
    }
    assert!(!store.take_sign_in_link(&hash(9), now).unwrap());
    assert!(!store.take_sign_in_link(&hash(1), instant(LATER)).unwrap(), "expired");
    assert!(store.take_sign_in_link(&hash(1), now).unwrap());
    assert!(!store.take_sign_in_link(&hash(1), now).unwrap(), "used");
    assert!(!store.has_signed_in().unwrap());
    store.create_session(new_session(1, None), &hash(1), &by_ada(FIRST)).unwrap();
    assert!(store.has_signed_in().unwrap());
    assert!(!store.take_sign_in_link(&hash(2), now).unwrap(), "somebody has signed in");
    store.create_sign_in_link(&hash(4), instant(LATER), now).unwrap();
    assert!(!store.take_sign_in_link(&hash(4), now).unwrap());
    store.end_session(Uuid::from_u128(1), &by_ada(FIRST)).unwrap();
    assert!(store.has_signed_in().unwrap(), "for good");
}

fn a_session_of_single_sign_on_has_no_key(database: &Database) {
    let mut store = database.open();
    let new = NewSession { api_key: None, method: SignInMethod::Oidc, ..new_session(1, Some(3)) };
    let session = store.create_session(new, &hash(1), &by_ada(FIRST)).unwrap();
    let found = store.session_by_hash(&hash(1)).unwrap().unwrap();
    assert_eq!((found.api_key, found.method), (None, SignInMethod::Oidc));
    assert_eq!(found, session);
}

fn a_state_of_single_sign_on_is_used_once(database: &Database) {
    let mut store = database.open();
    assert!(store.use_sign_in_state(&hash(1), instant(100), instant(0)).unwrap());
    assert!(!store.use_sign_in_state(&hash(1), instant(100), instant(99)).unwrap());
    assert!(store.use_sign_in_state(&hash(2), instant(100), instant(99)).unwrap());
    // One that expired is refused by its age, so it need not be remembered.
    assert!(store.use_sign_in_state(&hash(1), instant(300), instant(200)).unwrap());
}
