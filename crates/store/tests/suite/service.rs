//! What the service keeps: keys, exports, runs, leases and answers.

use domesday_model::{Instant, Kind, Permission, UserId};
use domesday_store::{
    DeliveryRecord, IdempotentCall, IfMatch, NewApiKey, NewMessage, NewRun, RunFilter, RunRecord, RunState,
    Store, StoreError,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, put_export, sealed};

on_each_database!(
    a_tenant_is_ensured_once,
    keys_are_found_by_their_hash_and_revoked,
    the_last_use_of_a_key_is_kept_to_the_minute,
    exports_are_guarded_and_audited_without_their_secrets,
    a_damaged_configuration_is_an_error_that_names_the_export,
    resealing_is_all_or_nothing,
    runs_are_listed_newest_first,
    one_run_for_each_time_of_a_schedule,
    a_run_shows_what_it_does_and_can_be_cancelled,
    a_run_that_waits_ends_when_it_is_cancelled,
    a_run_by_hand_waits_for_no_other,
    times_of_the_schedule_in_the_future_are_released,
    a_lease_of_a_clock_that_was_ahead_is_free,
    records_of_a_clock_that_was_ahead_expire,
    a_lease_has_one_holder_and_ends,
    what_a_former_holder_records_is_refused,
    an_answer_is_given_again_to_the_same_request_only,
    what_a_failed_call_did_never_was,
);

fn instant(micros: i64) -> Instant {
    Instant::from_micros(micros)
}

fn a_tenant_is_ensured_once(database: &Database) {
    let mut store = database.open();
    assert_eq!(store.tenant().unwrap(), None);
    store.ping().unwrap();
    let tenant = store.ensure_tenant("Acme", "Europe/Berlin", instant(FIRST)).unwrap();
    assert!(tenant.id.is_some());
    assert_eq!(store.ensure_tenant("Other", "UTC", instant(LATER)).unwrap(), tenant);
    assert_eq!(database.open().tenant().unwrap(), Some((tenant, instant(FIRST))));
}

fn new_key(number: u128, owner: &str) -> NewApiKey {
    NewApiKey {
        id: Uuid::from_u128(number),
        name: format!("key {number}"),
        owner: owner.to_owned(),
        user: Some(UserId(i64::try_from(number).unwrap())),
        roles: true,
        made_by: Some(UserId(7)),
        permissions: vec![Permission::Governance, Permission::Audit],
        expires_at: Some(instant(LATER)),
    }
}

fn keys_are_found_by_their_hash_and_revoked(database: &Database) {
    let mut store = database.open();
    let key = store.create_api_key(new_key(1, "ada"), &[1; 32], &by_ada(FIRST)).unwrap();
    store.create_api_key(new_key(2, "bob"), &[2; 32], &by_ada(FIRST)).unwrap();
    assert_eq!(store.api_key_by_hash(&[1; 32]).unwrap(), Some(key.clone()));
    assert_eq!(store.api_key_by_hash(&[3; 32]).unwrap(), None);
    assert!(key.is_valid(instant(LATER - 1)) && !key.is_valid(instant(LATER)));
    assert_eq!(store.api_keys(None).unwrap().len(), 2);
    assert_eq!(store.api_keys(Some("ada")).unwrap(), vec![key.clone()]);
    assert!(store.create_api_key(new_key(3, "eve"), &[1; 32], &by_ada(FIRST)).is_err(), "one key, one hash");

    store.revoke_api_key(key.id, &by_ada(FIRST + 5)).unwrap();
    store.revoke_api_key(key.id, &by_ada(FIRST + 9)).unwrap();
    let revoked = store.api_key_by_hash(&[1; 32]).unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(instant(FIRST + 5)));
    assert!(!revoked.is_valid(instant(FIRST)));
    let error = store.revoke_api_key(Uuid::from_u128(9), &by_ada(FIRST)).unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    let actions: Vec<_> = store.audit_entries(0, 10).unwrap().into_iter().map(|entry| entry.action).collect();
    assert_eq!(actions, ["create", "create", "revoke"]);
}

fn the_last_use_of_a_key_is_kept_to_the_minute(database: &Database) {
    let mut store = database.open();
    store.create_api_key(new_key(1, "ada"), &[1; 32], &by_ada(FIRST)).unwrap();
    let mut used = |at: i64| {
        store.touch_api_key(Uuid::from_u128(1), instant(at)).unwrap();
        store.api_key_by_hash(&[1; 32]).unwrap().unwrap().last_used_at.unwrap().as_micros()
    };
    assert_eq!(used(FIRST), FIRST);
    assert_eq!(used(FIRST + 59_999_999), FIRST);
    assert_eq!(used(FIRST + 60_000_000), FIRST + 60_000_000);
    assert_eq!(used(FIRST), FIRST + 60_000_000, "never back");
}

fn exports_are_guarded_and_audited_without_their_secrets(database: &Database) {
    let mut store = database.open();
    let document = json!({ "bucket": "b", "accessKeyId": "AKIA" });
    let saved = store
        .put_export("default", &document, Some(&sealed(b"sealed-1")), IfMatch::MustNotExist, &by_ada(FIRST))
        .unwrap();
    assert_eq!(
        (saved.configuration.clone(), saved.secret.clone()),
        (document.clone(), Some(sealed(b"sealed-1")))
    );
    let other = store
        .put_export(
            "default",
            &document,
            Some(&sealed(b"sealed-2")),
            IfMatch::Etag(&saved.etag),
            &by_ada(FIRST),
        )
        .unwrap();
    assert_ne!(other.etag, saved.etag, "another secret is another version");
    let late = store.put_export("default", &document, None, IfMatch::Etag(&saved.etag), &by_ada(LATER));
    assert!(matches!(late, Err(StoreError::Precondition { .. })));
    let moved = store
        .put_export("default", &json!({ "bucket": "c" }), None, IfMatch::MustExist, &by_ada(LATER))
        .unwrap();
    assert_eq!(
        (moved.created_at, moved.updated_at, moved.secret.clone()),
        (instant(FIRST), instant(LATER), None)
    );
    assert_eq!(store.export("default").unwrap(), Some(moved.clone()));
    assert_eq!(store.export_ids().unwrap(), ["default"]);
    assert_eq!(store.export::<Value>("other").unwrap(), None);
    store.delete_export("default", IfMatch::Etag(&moved.etag), &by_ada(LATER)).unwrap();
    let error = store.delete_export("default", IfMatch::Any, &by_ada(LATER)).unwrap_err();
    assert_eq!(error.to_string(), "there is no exports/default");
    let entries = store.audit_entries(0, 10).unwrap();
    assert_eq!(entries.len(), 4);
    assert!(!format!("{entries:?}").contains("sealed"), "{entries:?}");
    assert_eq!(entries[2].before, Some(document));
}

fn a_damaged_configuration_is_an_error_that_names_the_export(database: &Database) {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Configuration {
        bucket: String,
    }
    let mut store = database.open();
    let configuration = Configuration { bucket: "b".to_owned() };
    store.put_export("good", &configuration, None, IfMatch::Any, &by_ada(FIRST)).unwrap();
    store
        .put_export("damaged", &json!({ "bucket": 1 }), Some(&sealed(b"s")), IfMatch::Any, &by_ada(FIRST))
        .unwrap();
    assert_eq!(store.export::<Configuration>("good").unwrap().unwrap().configuration, configuration);
    let error = store.export::<Configuration>("damaged").unwrap_err();
    assert!(matches!(&error, StoreError::ExportConfiguration { id, .. } if id == "damaged"), "{error}");
    assert!(error.to_string().contains("export `damaged`"), "{error}");
    // It is listed, its secret can be sealed anew, and it can be replaced or deleted.
    assert_eq!(store.export_ids().unwrap(), ["damaged", "good"]);
    assert_eq!(store.export_secrets().unwrap().len(), 1);
    store.put_export("damaged", &configuration, None, IfMatch::Any, &by_ada(LATER)).unwrap();
    store.delete_export("damaged", IfMatch::Any, &by_ada(LATER)).unwrap();
}

#[derive(Debug)]
enum Resealing {
    Store,
    WrongKey,
}

impl From<StoreError> for Resealing {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

fn resealing_is_all_or_nothing(database: &Database) {
    let mut store = database.open();
    for (id, secret) in [("a", Some(&b"1"[..])), ("b", None), ("c", Some(&b"2"[..]))] {
        store.put_export(id, &json!({}), secret.map(sealed).as_ref(), IfMatch::Any, &by_ada(FIRST)).unwrap();
    }
    let secrets = |store: &mut Store| store.export_secrets().unwrap();
    let before = secrets(&mut store);
    let failed = store.reseal_exports(&by_ada(LATER), |id, secret| match id {
        "a" => Ok(Some(sealed(&[secret, b"!"].concat()))),
        _ => Err(Resealing::WrongKey),
    });
    assert!(matches!(failed, Err(Resealing::WrongKey)));
    assert_eq!(secrets(&mut store), before);
    let done: Result<_, Resealing> = store
        .reseal_exports(&by_ada(LATER), |id, secret| Ok(Some(sealed(&[id.as_bytes(), secret].concat()))));
    assert_eq!(done.unwrap(), 2);
    assert_eq!(secrets(&mut store), [("a".to_owned(), sealed(b"a1")), ("c".to_owned(), sealed(b"c2"))]);
}

fn new_run(number: u128, scheduled_for: Option<i64>) -> NewRun {
    NewRun {
        id: Uuid::from_u128(number),
        export_id: "default".to_owned(),
        trigger: "schedule".to_owned(),
        scheduled_for: scheduled_for.map(instant),
    }
}

fn runs_are_listed_newest_first(database: &Database) {
    let mut store = database.open();
    put_export(&mut store, "default");
    for number in 1..=5 {
        let slot = i64::try_from(number).unwrap();
        let run = store.create_run(&new_run(number, Some(slot)), &by_ada(FIRST)).unwrap().unwrap();
        assert_eq!((run.state, run.attempts, run.actor.as_str()), (RunState::Queued, 0, "ada"));
    }
    let mut run = store.run(Uuid::from_u128(3)).unwrap().unwrap();
    run.state = RunState::Failed;
    (run.started_at, run.finished_at, run.attempts) = (Some(instant(1)), Some(instant(2)), 3);
    (run.snapshot_at, run.error) = (Some(instant(3)), Some(json!({ "kind": "denied" })));
    let fence = store.acquire_lease("export:default", "test", instant(0), instant(10)).unwrap().unwrap();
    store.update_run(&run, &fence).unwrap();
    assert_eq!(store.run(run.id).unwrap(), Some(run.clone()));
    let number = |run: &domesday_store::RunRecord| run.id.as_u128();
    let (page, total) = store.runs("default", None, 2).unwrap();
    assert_eq!((page.iter().map(number).collect::<Vec<_>>(), total), (vec![5, 4], 5));
    let (page, _) = store.runs("default", Some(page[1].id), 10).unwrap();
    assert_eq!(page.iter().map(number).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(store.runs("other", None, 10).unwrap(), (vec![], 0));
    let unfinished = store.unfinished_runs("default").unwrap();
    assert_eq!(unfinished.iter().map(number).collect::<Vec<_>>(), [1, 2, 4, 5]);
    let mut listed = |filter: RunFilter, is_oldest_first, offset, limit| {
        let (page, total) = store.filtered_runs("default", &filter, is_oldest_first, offset, limit).unwrap();
        (page.iter().map(number).collect::<Vec<_>>(), total)
    };
    let in_states = |states: &[RunState]| RunFilter { states: states.to_vec(), is_manual: None };
    assert_eq!(listed(RunFilter::default(), false, 1, 2), (vec![4, 3], 5));
    assert_eq!(listed(in_states(&[RunState::Queued]), true, 0, 3), (vec![1, 2, 4], 4));
    assert_eq!(listed(in_states(&[RunState::Failed, RunState::Succeeded]), false, 0, 9), (vec![3], 1));
    assert_eq!(listed(RunFilter { is_manual: Some(true), ..RunFilter::default() }, false, 0, 9), (vec![], 0));
    assert_eq!(
        listed(RunFilter { is_manual: Some(false), ..RunFilter::default() }, false, 4, 9),
        (vec![1], 5)
    );
    run.id = Uuid::from_u128(99);
    assert!(matches!(store.update_run(&run, &fence), Err(StoreError::NotFound { .. })));
    assert!(matches!(store.runs("default", Some(run.id), 1), Err(StoreError::NotFound { .. })));
}

fn a_run_shows_what_it_does_and_can_be_cancelled(database: &Database) {
    let (mut one, mut other) = (database.open(), database.open());
    put_export(&mut one, "default");
    let run = one.create_run(&new_run(1, None), &by_ada(FIRST)).unwrap().unwrap();
    let fence = one.acquire_lease("export:default", "one", instant(0), instant(10)).unwrap().unwrap();
    let doing = json!({ "phase": "opening" });
    // A run that is not under way does nothing.
    assert!(!one.report_progress(run.id, Some(&doing), &fence).unwrap());
    assert_eq!(other.run(run.id).unwrap().unwrap().progress, None);
    one.update_run(&RunRecord { state: RunState::Running, ..run.clone() }, &fence).unwrap();
    assert!(!one.report_progress(run.id, Some(&doing), &fence).unwrap());
    assert_eq!(other.run(run.id).unwrap().unwrap().progress, Some(doing.clone()));

    let nothing = |_: &RunRecord| None;
    let (marked, is_changed) = other.cancel_run(run.id, &by_ada(LATER), nothing).unwrap();
    assert!(is_changed && marked.state == RunState::Running);
    assert_eq!(
        (marked.cancel_requested_at, marked.cancel_requested_by.as_deref()),
        (Some(instant(LATER)), Some("ada"))
    );
    assert!(!other.cancel_run(run.id, &by_ada(LATER), nothing).unwrap().1, "asked for already");
    assert!(one.report_progress(run.id, None, &fence).unwrap());
    assert!(one.report_progress(run.id, Some(&doing), &fence).unwrap());
    // Whoever lost the lease writes nothing.
    other.acquire_lease("export:default", "other", instant(11), instant(20)).unwrap().unwrap();
    let late = one.report_progress(run.id, Some(&doing), &fence);
    assert!(matches!(late, Err(StoreError::Superseded { .. })));
}

fn a_run_that_waits_ends_when_it_is_cancelled(database: &Database) {
    let mut store = database.open();
    put_export(&mut store, "default");
    let run = store.create_run(&new_run(1, None), &by_ada(FIRST)).unwrap().unwrap();
    let message = |run: &RunRecord| {
        assert_eq!(run.state, RunState::Cancelled);
        let (id, body) = ("msg_1".to_owned(), "{}".to_owned());
        Some(NewMessage { id, run_id: run.id, body, at: instant(LATER) })
    };
    let (ended, is_changed) = store.cancel_run(run.id, &by_ada(LATER), message).unwrap();
    assert!(is_changed && ended.state == RunState::Cancelled && ended.finished_at == Some(instant(LATER)));
    assert_eq!(ended.error.unwrap()["message"], "cancelled by `ada`");
    assert_eq!(store.pending_messages().unwrap().0, 1);
    assert!(store.unfinished_runs("default").unwrap().is_empty());
    // Whoever read it before and begins it now is stopped.
    let fence = store.acquire_lease("export:default", "one", instant(0), instant(10)).unwrap().unwrap();
    let begun = store.update_run(&RunRecord { state: RunState::Running, ..run.clone() }, &fence);
    assert!(matches!(begun, Err(StoreError::Superseded { .. })));
    assert!(!store.cancel_run(run.id, &by_ada(LATER), |_| None).unwrap().1);
    let missing = store.cancel_run(Uuid::from_u128(9), &by_ada(LATER), |_| None);
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

fn one_run_for_each_time_of_a_schedule(database: &Database) {
    let (mut one, mut other) = (database.open(), database.open());
    put_export(&mut one, "default");
    let last = |store: &mut Store, at: i64| store.last_scheduled("default", instant(at)).unwrap();
    assert_eq!(last(&mut one, LATER), None);
    assert!(one.create_run(&new_run(1, Some(FIRST)), &by_ada(FIRST)).unwrap().is_some());
    assert!(other.create_run(&new_run(2, Some(FIRST)), &by_ada(FIRST)).unwrap().is_none());
    assert!(other.create_run(&new_run(3, Some(LATER)), &by_ada(FIRST)).unwrap().is_some());
    assert_eq!(last(&mut one, LATER), Some(instant(LATER)));
    assert_eq!(last(&mut one, LATER - 1), Some(instant(FIRST)), "a later time has not come yet");
    assert_eq!(one.runs("default", None, 10).unwrap().1, 2);
    let nothing = domesday_store::NewRun { export_id: "none".to_owned(), ..new_run(9, Some(FIRST)) };
    let error = one.create_run(&nothing, &by_ada(FIRST)).unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
}

fn a_run_by_hand_waits_for_no_other(database: &Database) {
    let (mut one, mut other) = (database.open(), database.open());
    put_export(&mut one, "default");
    let mut first = one.create_run(&new_run(1, None), &by_ada(FIRST)).unwrap().unwrap();
    let refused = |store: &mut Store, number: u128, under_way: u128| {
        let error = store.create_run(&new_run(number, None), &by_ada(FIRST)).unwrap_err();
        assert!(matches!(error, StoreError::RunUnderWay { run } if run.as_u128() == under_way), "{error}");
    };
    refused(&mut other, 2, 1);
    let fence = one.acquire_lease("export:default", "test", instant(0), instant(10)).unwrap().unwrap();
    first.state = RunState::Running;
    one.update_run(&first, &fence).unwrap();
    refused(&mut other, 2, 1);
    // A night is queued behind it; the next run by hand then waits for that one.
    assert!(other.create_run(&new_run(3, Some(FIRST)), &by_ada(FIRST)).unwrap().is_some());
    first.state = RunState::Failed;
    one.update_run(&first, &fence).unwrap();
    refused(&mut other, 4, 3);
    assert_eq!(one.runs("default", None, 10).unwrap().1, 2, "nothing of what was refused");
}

const DAY: i64 = 86_400_000_000;
const YEARS: i64 = 3660 * DAY;

fn times_of_the_schedule_in_the_future_are_released(database: &Database) {
    let mut store = database.open();
    put_export(&mut store, "default");
    let (past, soon, future) = (10 * DAY, 11 * DAY + 60_000_000, YEARS);
    for (number, slot) in [(1, past), (2, soon), (3, future), (4, future + DAY)] {
        assert!(store.create_run(&new_run(number, Some(slot)), &by_ada(slot)).unwrap().is_some());
    }
    let entries = store.audit_length().unwrap();
    let released = store.release_future_runs("default", &by_ada(11 * DAY)).unwrap();
    let released: Vec<_> = released.iter().map(|slot| (slot.run.as_u128(), slot.scheduled_for)).collect();
    assert_eq!(released, [(3, instant(future)), (4, instant(future + DAY))], "clocks differ by a little");
    assert_eq!(store.release_future_runs("default", &by_ada(11 * DAY)).unwrap(), []);
    assert_eq!(store.run(Uuid::from_u128(3)).unwrap().unwrap().scheduled_for, None);
    // The time comes again, and is run.
    assert!(store.create_run(&new_run(5, Some(future)), &by_ada(future)).unwrap().is_some());
    let log = store.audit_entries(entries, 10).unwrap();
    assert_eq!(
        (log[0].action.as_str(), log[0].target.as_str()),
        ("release", &*format!("runs/{}", Uuid::from_u128(3)))
    );
    assert_eq!(log[0].before, Some(json!({ "scheduledFor": instant(future) })));
    assert_eq!(store.verify_audit().unwrap().fault, None);
}

fn a_lease_of_a_clock_that_was_ahead_is_free(database: &Database) {
    let (mut one, mut other) = (database.open(), database.open());
    let minute = 60_000_000;
    let take = |store: &mut Store, holder: &str, at: i64| {
        store.acquire_lease("run", holder, instant(at), instant(at + minute)).unwrap()
    };
    let ahead = take(&mut one, "one", YEARS).unwrap();
    let taken = take(&mut other, "other", DAY).expect("nobody takes a lease for years");
    assert!(taken.token() > ahead.token());
    assert!(!one.renew_lease(&ahead, instant(DAY), instant(DAY + minute)).unwrap());
    // A holder whose clock is ahead by less than a lease lasts keeps it.
    assert_eq!(take(&mut one, "one", DAY - minute / 2), None);
    assert!(take(&mut one, "one", DAY + minute).is_some());
}

fn records_of_a_clock_that_was_ahead_expire(database: &Database) {
    let mut store = database.open();
    store.create_api_key(new_key(1, "ada"), &[1; 32], &by_ada(FIRST)).unwrap();
    let mut used = |at: i64| {
        store.touch_api_key(Uuid::from_u128(1), instant(at)).unwrap();
        store.api_key_by_hash(&[1; 32]).unwrap().unwrap().last_used_at.unwrap()
    };
    assert_eq!(used(YEARS), instant(YEARS));
    assert_eq!(used(DAY), instant(DAY), "the last use is not in the future");

    let call = IdempotentCall { owner: "ada", key: "k", request_hash: &[1; 32] };
    let answer = |store: &mut Store, at: i64, answer: &str| {
        let create = |_: &mut Store| Ok::<_, StoreError>(answer.into());
        String::from_utf8(store.create_once(&call, instant(at), create).unwrap()).unwrap()
    };
    assert_eq!(answer(&mut store, YEARS, "first"), "first");
    assert_eq!(store.delete_responses(instant(DAY)).unwrap(), 0);
    assert_eq!(store.redate_future_records(instant(DAY)).unwrap(), 1);
    assert_eq!(answer(&mut store, DAY, "second"), "first", "the answer is still given for a day");
    assert_eq!(store.delete_responses(instant(2 * DAY)).unwrap(), 1);
}

fn a_lease_has_one_holder_and_ends(database: &Database) {
    let (mut one, mut other) = (database.open(), database.open());
    let take = |store: &mut Store, holder: &str, at: i64, until: i64| {
        store.acquire_lease("run", holder, instant(at), instant(until)).unwrap()
    };
    let first = take(&mut one, "one", 0, 10).unwrap();
    assert_eq!(take(&mut other, "other", 5, 15), None);
    assert!(other.acquire_lease("another", "other", instant(5), instant(15)).unwrap().is_some());
    assert!(one.renew_lease(&first, instant(8), instant(20)).unwrap());
    assert_eq!(take(&mut other, "other", 19, 30), None);
    // It ends with its holder, who is gone, and cannot have it back by renewing.
    let second = take(&mut other, "other", 20, 30).unwrap();
    assert!(!one.renew_lease(&first, instant(21), instant(40)).unwrap());
    one.release_lease(&first).unwrap();
    assert_eq!(take(&mut one, "one", 21, 40), None, "another's lease stays");
    other.release_lease(&second).unwrap();
    let third = take(&mut one, "one", 21, 40).unwrap();
    let again = take(&mut one, "one", 22, 41).expect("its holder may have it again");
    assert!(!one.renew_lease(&third, instant(23), instant(50)).unwrap(), "under its new fence only");
    let tokens = [first, second, third, again].map(|fence| fence.token());
    assert_eq!(tokens, [1, 2, 3, 4], "released or not, it grows");
}

fn what_a_former_holder_records_is_refused(database: &Database) {
    let (mut paused, mut other) = (database.open(), database.open());
    put_export(&mut paused, "default");
    let queued = paused.create_run(&new_run(1, None), &by_ada(FIRST)).unwrap().unwrap();
    let delivery = |manifest: &str, slot: &str| DeliveryRecord {
        snapshot_id: Uuid::from_u128(7),
        manifest_sha256: manifest.to_owned(),
        previous_manifest_sha256: None,
        kept_manifest_key: None,
        previous_manifest_key: None,
        slot: Some(slot.to_owned()),
        manifest_mark: Some(manifest.to_owned()),
    };
    let run = |error: &str, state: RunState| domesday_store::RunRecord {
        state,
        error: Some(json!(error)),
        ..queued.clone()
    };
    let message = |of: &str| NewMessage {
        id: format!("msg_{of}"),
        run_id: queued.id,
        body: String::new(),
        at: instant(1),
    };
    let first = paused.acquire_lease("export:e", "one", instant(0), instant(10)).unwrap().unwrap();
    paused.update_run(&run("begun", RunState::Running), &first).unwrap();
    paused.announce_delivery("out", &delivery("m1", "a"), Some(&first)).unwrap();
    // An end alone takes nothing away; somebody else's acquisition does.
    let second = other.acquire_lease("export:e", "two", instant(10), instant(20)).unwrap().unwrap();
    let superseded = |result: Result<(), StoreError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, StoreError::Superseded { .. }), "{error}");
        assert!(error.to_string().contains("export:e"), "{error}");
    };
    superseded(paused.update_run(&run("late", RunState::Queued), &first));
    superseded(paused.announce_delivery("out", &delivery("late", "b"), Some(&first)));
    other.announce_delivery("out", &delivery("m2", "b"), Some(&second)).unwrap();
    superseded(paused.record_delivery("out", &delivery("late", "a"), Some(&first)));
    assert_eq!(other.announced_delivery("out").unwrap().unwrap().manifest_sha256, "m2");
    other.record_delivery("out", &delivery("m2", "b"), Some(&second)).unwrap();
    other.end_run(&run("done", RunState::Succeeded), Some(&message("two")), &second).unwrap();
    other.release_lease(&second).unwrap();
    superseded(paused.record_delivery("out", &delivery("late", "a"), Some(&first)));
    superseded(paused.end_run(&run("late", RunState::Failed), Some(&message("one")), &first));
    assert_eq!(other.run(queued.id).unwrap(), Some(run("done", RunState::Succeeded)));
    assert_eq!(other.last_delivery("out").unwrap(), Some(delivery("m2", "b")));
    let messages = other.messages(None, None, 10).unwrap().0;
    assert_eq!(messages.iter().map(|message| message.id.as_str()).collect::<Vec<_>>(), ["msg_two"]);
}

/// Sends a call whose answer would be `answer`.
fn ask(store: &mut Store, owner: &str, hash: u8, answer: &str) -> Result<String, StoreError> {
    let call = IdempotentCall { owner, key: "k", request_hash: &[hash; 32] };
    let create = |_: &mut Store| Ok::<_, StoreError>(answer.into());
    store.create_once(&call, instant(FIRST), create).map(|answer| String::from_utf8(answer).unwrap())
}

fn an_answer_is_given_again_to_the_same_request_only(database: &Database) {
    let mut store = database.open();
    assert_eq!(ask(&mut store, "ada", 1, "first").unwrap(), "first");
    assert_eq!(ask(&mut store, "ada", 1, "second").unwrap(), "first");
    assert!(matches!(ask(&mut store, "ada", 2, "third"), Err(StoreError::KeyReused)));
    assert_eq!(ask(&mut store, "bob", 2, "fourth").unwrap(), "fourth");
    assert_eq!(store.delete_responses(instant(FIRST)).unwrap(), 0);
    assert_eq!(store.delete_responses(instant(LATER)).unwrap(), 2);
    assert_eq!(ask(&mut store, "ada", 2, "fifth").unwrap(), "fifth");
}

fn what_a_failed_call_did_never_was(database: &Database) {
    let mut store = database.open();
    let put = |store: &mut Store, name: &str| {
        let document = json!({ "name": name });
        store.put_object(Kind::Group, &document, IfMatch::MustNotExist, &by_ada(FIRST))
    };
    let call = IdempotentCall { owner: "ada", key: "k", request_hash: &[1; 32] };
    let failed = store.create_once(&call, instant(FIRST), |store| {
        put(store, "A")?;
        put(store, "A")?;
        Ok(Vec::new())
    });
    assert!(matches!(failed, Err(StoreError::Precondition { .. })), "{failed:?}");
    // A thread that dies in the middle.
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        store.create_once(&call, instant(FIRST), |store| -> Result<_, StoreError> {
            put(store, "A")?;
            std::panic::resume_unwind(Box::new("dead"));
        })
    }));
    assert!(died.is_err());
    assert!(store.object(Kind::Group, "A").unwrap().is_none());
    assert_eq!(store.verify_audit().unwrap().entries, 0);
    // A part that failed, and that the call did without, is gone by itself.
    let answer = store.create_once(&call, instant(FIRST), |store| -> Result<_, StoreError> {
        put(store, "A")?;
        assert!(put(store, "A").is_err());
        assert!(store.create_api_key(new_key(1, "ada"), &[1; 32], &by_ada(FIRST)).is_ok());
        assert!(store.create_api_key(new_key(1, "ada"), &[1; 32], &by_ada(FIRST)).is_err());
        put(store, "B")?;
        assert_eq!(store.objects(Kind::Group, None, 10)?.1, 2, "a call sees what it did");
        Ok(b"done".to_vec())
    });
    assert_eq!(answer.unwrap(), b"done");
    let mut other = database.open();
    assert!(other.object(Kind::Group, "B").unwrap().is_some());
    assert_eq!(other.api_keys(None).unwrap().len(), 1);
    assert_eq!(other.verify_audit().unwrap().entries, 3);
}
