//! Messages to a receiver: recorded with what they tell of, sent by one at a time, given up or forgotten.

use domesday_model::Instant;
use domesday_store::{
    Fence, Message, MessageAttempt, MessageState, NewMessage, NewRun, RunState, Store, StoreError,
};
use uuid::Uuid;

use crate::concurrency::at_once;
use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, by_ada, put_export};

on_each_database!(
    a_message_is_recorded_with_the_end_of_its_run,
    a_message_is_one_senders_until_its_claim_ends,
    a_refused_message_is_due_again_and_given_up_in_the_end,
    of_many_senders_one_has_the_message,
    messages_are_listed_and_forgotten,
    what_a_clock_that_was_ahead_left_is_sent_and_forgotten,
);

fn instant(micros: i64) -> Instant {
    Instant::from_micros(micros)
}

/// Ends a run with a message of the same number, due at `at`.
fn tell(store: &mut Store, number: u128, at: i64) {
    let id = Uuid::from_u128(number);
    put_export(store, "e");
    let new = NewRun { id, export_id: "e".to_owned(), trigger: "manual".to_owned(), scheduled_for: None };
    let mut run = store.create_run(&new, &by_ada(FIRST)).unwrap().unwrap();
    run.state = RunState::Succeeded;
    let fence = lease(store);
    store.end_run(&run, Some(&message(number, at)), &fence).unwrap();
}

fn lease(store: &mut Store) -> Fence {
    store.acquire_lease("export:e", "test", instant(0), instant(1)).unwrap().unwrap()
}

fn message(number: u128, at: i64) -> NewMessage {
    let run_id = Uuid::from_u128(number);
    NewMessage { id: format!("msg_{number}"), run_id, body: format!("{{\"n\":{number}}}"), at: instant(at) }
}

fn claim(store: &mut Store, at: i64) -> Option<Message> {
    store.claim_message(instant(at), instant(at + 10)).unwrap()
}

fn a_message_is_recorded_with_the_end_of_its_run(database: &Database) {
    let mut store = database.open();
    tell(&mut store, 1, 100);
    let run = store.run(Uuid::from_u128(1)).unwrap().unwrap();
    assert_eq!(run.state, RunState::Succeeded);
    // Ended once more, as after an answer of the database that got lost: still one message.
    let fence = lease(&mut store);
    store.end_run(&run, Some(&message(1, 100)), &fence).unwrap();
    let (messages, total) = store.messages(None, None, 10).unwrap();
    assert_eq!(total, 1);
    assert_eq!((messages[0].id.as_str(), messages[0].run_id, messages[0].attempts), ("msg_1", run.id, 0));
    assert_eq!(messages[0].body, "{\"n\":1}");
    // Neither without the other.
    let nobody = domesday_store::RunRecord { id: Uuid::from_u128(9), ..run };
    let error = store.end_run(&nobody, Some(&message(9, 100)), &fence).unwrap_err();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error}");
    assert_eq!(store.messages(None, None, 10).unwrap().1, 1);
}

fn a_message_is_one_senders_until_its_claim_ends(database: &Database) {
    let (mut one, mut other) = (database.open(), database.open());
    tell(&mut one, 1, 100);
    assert_eq!(claim(&mut one, 99), None, "not due yet");
    assert_eq!(one.pending_messages().unwrap(), (1, Some(instant(100))));
    let first = claim(&mut one, 100).unwrap();
    assert_eq!(first.attempts, 1);
    assert_eq!(claim(&mut other, 109), None, "somebody sends it");
    assert_eq!(other.pending_messages().unwrap(), (1, Some(instant(110))));
    // Whoever it was is gone.
    let second = claim(&mut other, 110).unwrap();
    assert_eq!((second.id.as_str(), second.attempts), ("msg_1", 2));
    assert!(!one.settle_message(&first, &MessageAttempt::Delivered, instant(111)).unwrap(), "too late");
    assert!(other.settle_message(&second, &MessageAttempt::Delivered, instant(112)).unwrap());
    assert!(!other.settle_message(&second, &MessageAttempt::Delivered, instant(113)).unwrap(), "once");
    assert_eq!(claim(&mut one, 1_000), None);
    assert_eq!(one.pending_messages().unwrap(), (0, None));
    let (messages, _) = one.messages(Some(MessageState::Delivered), None, 10).unwrap();
    assert_eq!((messages[0].ended_at, messages[0].error.as_deref()), (Some(instant(112)), None));
}

fn a_refused_message_is_due_again_and_given_up_in_the_end(database: &Database) {
    let mut store = database.open();
    tell(&mut store, 1, 100);
    let claimed = claim(&mut store, 100).unwrap();
    let again = MessageAttempt::Retry { due_at: instant(105), error: "answered 500".to_owned() };
    assert!(store.settle_message(&claimed, &again, instant(101)).unwrap());
    assert_eq!(store.pending_messages().unwrap(), (1, Some(instant(105))), "its claim is over");
    assert_eq!(claim(&mut store, 104), None);
    let claimed = claim(&mut store, 105).unwrap();
    assert_eq!((claimed.attempts, claimed.error.as_deref()), (2, Some("answered 500")));
    let over = MessageAttempt::GivenUp { error: "answered 404".to_owned() };
    assert!(store.settle_message(&claimed, &over, instant(106)).unwrap());
    assert_eq!(claim(&mut store, 1_000), None);
    let (messages, total) = store.messages(Some(MessageState::GivenUp), None, 10).unwrap();
    assert_eq!((total, messages[0].error.as_deref()), (1, Some("answered 404")));
    assert_eq!(messages[0].ended_at, Some(instant(106)));
}

fn of_many_senders_one_has_the_message(database: &Database) {
    const MESSAGES: u128 = 10;
    let mut store = database.open();
    for number in 1..=MESSAGES {
        tell(&mut store, number, 100);
    }
    let claimed = at_once(database, |_, store| {
        let mut mine = Vec::new();
        while let Some(message) = claim(store, 100) {
            mine.push(message.number);
        }
        mine
    });
    let mut claimed: Vec<_> = claimed.into_iter().flatten().collect();
    claimed.sort_unstable();
    assert_eq!(claimed, (1..=10).collect::<Vec<_>>(), "each once");
}

fn messages_are_listed_and_forgotten(database: &Database) {
    let mut store = database.open();
    for number in 1..=4 {
        tell(&mut store, number, 100);
    }
    let settle = |store: &mut Store, settled: &MessageAttempt, at: i64| {
        let claimed = claim(store, at).unwrap();
        assert!(store.settle_message(&claimed, settled, instant(at)).unwrap());
    };
    settle(&mut store, &MessageAttempt::Delivered, 100);
    settle(&mut store, &MessageAttempt::GivenUp { error: "gone".to_owned() }, 101);
    settle(&mut store, &MessageAttempt::Delivered, 102);
    let numbers = |messages: &[Message]| messages.iter().map(|one| one.number).collect::<Vec<_>>();
    let (page, total) = store.messages(None, None, 3).unwrap();
    assert_eq!((numbers(&page), total), (vec![4, 3, 2], 4));
    let (page, _) = store.messages(None, Some(2), 3).unwrap();
    assert_eq!(numbers(&page), [1]);
    assert_eq!(store.delete_messages(MessageState::Delivered, instant(102)).unwrap(), 1);
    assert_eq!(store.delete_messages(MessageState::GivenUp, instant(101)).unwrap(), 0);
    assert_eq!(numbers(&store.messages(None, None, 10).unwrap().0), [4, 3, 2]);
    assert_eq!(store.delete_messages(MessageState::Pending, instant(101)).unwrap(), 1);
    assert_eq!(store.delete_messages(MessageState::GivenUp, instant(102)).unwrap(), 1);
    assert_eq!(numbers(&store.messages(None, None, 10).unwrap().0), [3]);
}

fn what_a_clock_that_was_ahead_left_is_sent_and_forgotten(database: &Database) {
    const HOUR: i64 = 3_600_000_000;
    const YEARS: i64 = 10 * 366 * 24 * HOUR;
    let mut store = database.open();
    // Recorded, claimed, put off and delivered while the clock was ahead, which is then set back.
    for number in 1..=4 {
        tell(&mut store, number, YEARS);
    }
    let until = |at: i64| instant(at + 60_000_000);
    let claimed = store.claim_message(instant(YEARS), until(YEARS)).unwrap().unwrap();
    let again = MessageAttempt::Retry { due_at: instant(YEARS + HOUR), error: "answered 500".to_owned() };
    store.settle_message(&claimed, &again, instant(YEARS)).unwrap();
    let delivered = store.claim_message(instant(YEARS), until(YEARS)).unwrap().unwrap();
    store.settle_message(&delivered, &MessageAttempt::Delivered, instant(YEARS)).unwrap();
    store.claim_message(instant(YEARS), until(YEARS)).unwrap().unwrap();
    let mut sent = Vec::new();
    while let Some(message) = store.claim_message(instant(HOUR), until(HOUR)).unwrap() {
        store.settle_message(&message, &MessageAttempt::Delivered, instant(HOUR)).unwrap();
        sent.push(message.number);
    }
    sent.sort_unstable();
    assert_eq!(sent.len(), 3, "{sent:?}");
    // What was put off for as long as a receiver may ask for is not taken for one of these.
    tell(&mut store, 5, HOUR);
    let message = store.claim_message(instant(HOUR), until(HOUR)).unwrap().unwrap();
    let tomorrow = MessageAttempt::Retry { due_at: instant(25 * HOUR), error: "answered 429".to_owned() };
    store.settle_message(&message, &tomorrow, instant(HOUR)).unwrap();
    assert!(store.claim_message(instant(HOUR), until(HOUR)).unwrap().is_none());

    assert_eq!(store.redate_future_records(instant(HOUR)).unwrap(), 1);
    assert_eq!(store.delete_messages(MessageState::Delivered, instant(HOUR)).unwrap(), 0);
    assert_eq!(store.delete_messages(MessageState::Delivered, instant(2 * HOUR)).unwrap(), 4);
}
