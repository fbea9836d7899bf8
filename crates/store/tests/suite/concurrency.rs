//! Several replicas on one database: what they do at once comes out as if they had taken turns.

use std::collections::BTreeSet;
use std::sync::Barrier;

use domesday_model::{Catalog, Instant, Kind};
use domesday_store::{Fence, IdempotentCall, IfMatch, Store, StoreError};
use serde_json::json;
use uuid::Uuid;

use crate::databases::{Database, on_each_database};
use crate::world::{FIRST, LATER, by_ada, catalog, options, put_export, snapshot};

on_each_database!(
    replicas_that_start_together_make_one_store,
    applies_at_once_take_turns,
    of_many_editors_one_wins,
    ids_are_given_once,
    the_chain_has_no_fork,
    a_lease_goes_to_one_of_many,
    a_former_holder_writes_nothing_over_a_later_one,
    a_night_is_one_run,
    of_runs_started_at_once_one_is_accepted,
    of_twins_one_creates_and_all_are_answered,
    what_is_read_in_an_exclusive_transaction_stays_true_until_it_writes,
    an_exclusive_transaction_in_another_is_a_part_of_it,
    a_snapshot_is_of_one_instant,
    a_large_snapshot_is_of_one_instant,
    two_connections_read_what_one_does,
);

const REPLICAS: usize = 4;

/// Runs something on each of several connections at once and returns what came of it.
pub(crate) fn at_once<T: Send>(
    database: &Database,
    run: impl Fn(usize, &mut domesday_store::Store) -> T + Sync,
) -> Vec<T> {
    let start = Barrier::new(REPLICAS);
    // Opened before: a thread that fails ahead of the barrier would leave the others waiting there.
    let stores: Vec<_> = (0..REPLICAS).map(|_| database.open()).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = stores
            .into_iter()
            .enumerate()
            .map(|(replica, mut store)| {
                let (start, run) = (&start, &run);
                scope.spawn(move || {
                    start.wait();
                    run(replica, &mut store)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn replicas_that_start_together_make_one_store(database: &Database) {
    let start = Barrier::new(REPLICAS);
    std::thread::scope(|scope| {
        for _ in 0..REPLICAS {
            scope.spawn(|| {
                start.wait();
                let mut store = database.open();
                store.ensure_tenant("Acme", "UTC", Instant::from_micros(FIRST)).unwrap();
            });
        }
    });
    let tenants = at_once(database, |_, store| store.tenant().unwrap().unwrap().0.id);
    assert!(tenants.windows(2).all(|pair| pair[0] == pair[1]), "{tenants:?}");
}

fn applies_at_once_take_turns(database: &Database) {
    let plans = at_once(database, |_, store| store.apply(&catalog(), options(FIRST)).unwrap());
    let created: Vec<_> = plans.iter().map(|plan| plan.counts().0).collect();
    assert_eq!(created.iter().filter(|created| **created == 8).count(), 1, "{created:?}");
    assert_eq!(created.iter().sum::<usize>(), 8, "the others found it done");
    let after = snapshot(&mut database.open());
    assert_eq!(after.users.iter().map(|user| user.id.0).collect::<Vec<_>>(), [1, 2]);
}

fn of_many_editors_one_wins(database: &Database) {
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let read = store.object(Kind::User, "bob").unwrap().unwrap();
    let results = at_once(database, |replica, store| {
        let document = json!({ "username": "bob", "name": format!("Bob {replica}") });
        store.put_object(Kind::User, &document, IfMatch::Etag(&read.etag), &by_ada(LATER))
    });
    let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    let lost = |result: &&Result<_, _>| matches!(result, Err(StoreError::Precondition { .. }));
    assert_eq!(results.iter().filter(lost).count(), REPLICAS - 1, "{results:?}");
    assert_eq!(store.object(Kind::User, "bob").unwrap().as_ref(), Some(won[0]));
}

fn ids_are_given_once(database: &Database) {
    const EACH: usize = 8;
    let ids = at_once(database, |replica, store| {
        let put = |n: usize| {
            let document = json!({ "username": format!("user-{replica}-{n}") });
            store.put_object(Kind::User, &document, IfMatch::MustNotExist, &by_ada(LATER)).unwrap().id
        };
        (0..EACH).map(put).collect::<Vec<_>>()
    });
    let ids: BTreeSet<i64> = ids.into_iter().flatten().collect();
    let all = i64::try_from(REPLICAS * EACH).unwrap();
    assert_eq!(ids, (1..=all).collect());
}

fn the_chain_has_no_fork(database: &Database) {
    const EACH: usize = 8;
    at_once(database, |replica, store| {
        for n in 0..EACH {
            let document = json!({ "name": format!("group-{replica}-{n}") });
            store.put_object(Kind::Group, &document, IfMatch::Any, &by_ada(LATER)).unwrap();
        }
    });
    let report = database.open().verify_audit().unwrap();
    assert_eq!((report.entries, report.fault), ((REPLICAS * EACH) as u64, None));
    assert_eq!(database.open().revision().unwrap(), 1 + (REPLICAS * EACH) as u64);
}

fn a_lease_goes_to_one_of_many(database: &Database) {
    let instant = Instant::from_micros;
    // Each time the lease ends, as when its holder was killed, all try to take it over.
    for round in 0..10 {
        let (at, until) = (instant(round * 10), instant(round * 10 + 10));
        let taken = at_once(database, |replica, store| {
            store.acquire_lease("run/default", &format!("{round}-{replica}"), at, until).unwrap()
        });
        let taken: Vec<_> = taken.iter().flatten().map(Fence::token).collect();
        assert_eq!(taken, [round + 1], "one, with the next number");
    }
}

fn a_former_holder_writes_nothing_over_a_later_one(database: &Database) {
    const EACH: i64 = 15;
    let instant = Instant::from_micros;
    // Every lease has ended when the next one comes, so each holder is superseded at any point of what it does.
    let written = at_once(database, |replica, store| {
        let mut written = Vec::new();
        for n in 0..EACH {
            let holder = format!("{replica}-{n}");
            let fence =
                store.acquire_lease("export:default", &holder, instant(1), instant(0)).unwrap().unwrap();
            let token = fence.token();
            let before = store.last_delivery("out").unwrap();
            let before: i64 = before.map_or(0, |last| last.manifest_sha256.parse().unwrap());
            let delivery = domesday_store::DeliveryRecord {
                snapshot_id: Uuid::from_u128(1),
                manifest_sha256: token.to_string(),
                previous_manifest_sha256: None,
                kept_manifest_key: None,
                previous_manifest_key: None,
                slot: None,
                manifest_mark: None,
            };
            match store.record_delivery("out", &delivery, Some(&fence)) {
                Ok(()) => {
                    assert!(before < token, "{token} wrote over {before}");
                    written.push(token);
                }
                Err(StoreError::Superseded { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        written
    });
    let last = database.open().last_delivery("out").unwrap().unwrap();
    let latest = written.into_iter().flatten().max().unwrap();
    assert_eq!(last.manifest_sha256, latest.to_string(), "nobody wrote after a later holder");
}

fn of_runs_started_at_once_one_is_accepted(database: &Database) {
    put_export(&mut database.open(), "default");
    for round in 0..8_u128 {
        let started = at_once(database, |replica, store| {
            let new = domesday_store::NewRun {
                id: Uuid::from_u128(round * 100 + replica as u128),
                export_id: "default".to_owned(),
                trigger: "manual".to_owned(),
                scheduled_for: None,
            };
            store.create_run(&new, &by_ada(LATER))
        });
        let accepted: Vec<_> = started.iter().flatten().flatten().map(|run| run.id).collect();
        assert_eq!(accepted.len(), 1, "{started:?}");
        for refused in started.iter().filter_map(|result| result.as_ref().err()) {
            assert!(
                matches!(refused, StoreError::RunUnderWay { run } if *run == accepted[0]),
                "names the run: {refused}"
            );
        }
        let mut store = database.open();
        let mut run = store.run(accepted[0]).unwrap().unwrap();
        run.state = domesday_store::RunState::Succeeded;
        let instant = Instant::from_micros;
        let fence = store.acquire_lease("export:default", "test", instant(1), instant(0)).unwrap().unwrap();
        store.update_run(&run, &fence).unwrap();
    }
    assert_eq!(database.open().runs("default", None, 100).unwrap().1, 8);
}

fn a_night_is_one_run(database: &Database) {
    put_export(&mut database.open(), "default");
    let runs = at_once(database, |replica, store| {
        let new = domesday_store::NewRun {
            id: Uuid::from_u128(replica as u128),
            export_id: "default".to_owned(),
            trigger: "schedule".to_owned(),
            scheduled_for: Some(Instant::from_micros(LATER)),
        };
        store.create_run(&new, &by_ada(LATER)).unwrap()
    });
    assert_eq!(runs.iter().flatten().count(), 1, "{runs:?}");
}

fn of_twins_one_creates_and_all_are_answered(database: &Database) {
    const CALLS: u8 = 20;
    let answers = at_once(database, |replica, store| {
        let ask = |n: u8| {
            let call = IdempotentCall { owner: "ada", key: &format!("key-{n}"), request_hash: &[n; 32] };
            let answer = store.create_once(&call, Instant::from_micros(LATER), |store| {
                let document = json!({ "name": format!("group-{n}-{replica}") });
                let group =
                    store.put_object(Kind::Group, &document, IfMatch::MustNotExist, &by_ada(LATER))?;
                Ok::<_, StoreError>(group.name.into_bytes())
            });
            answer.unwrap()
        };
        (0..CALLS).map(ask).collect::<Vec<_>>()
    });
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let mut store = database.open();
    assert_eq!(store.verify_audit().unwrap().entries, u64::from(CALLS), "each call created one group");
    for answer in &answers[0] {
        assert!(store.object(Kind::Group, std::str::from_utf8(answer).unwrap()).unwrap().is_some());
    }
}

fn a_snapshot_is_of_one_instant(database: &Database) {
    database.open().apply(&catalog(), options(FIRST)).unwrap();
    // Each change adds a group and a user in it: who sees the user has to see the group.
    at_once(database, |replica, store| {
        if replica == 0 {
            for n in 0..40 {
                let mut more = catalog();
                more.groups = vec![crate::world::declared(json!({ "name": format!("g{n}") }))];
                more.users = vec![crate::world::declared(
                    json!({ "username": format!("u{n}"), "groups": [format!("g{n}")] }),
                )];
                store.apply(&more, options(LATER)).unwrap();
            }
        } else {
            for _ in 0..40 {
                let (snapshot, _) = store.snapshot_and_revision(Instant::from_micros(LATER)).unwrap();
                let added = |names: &mut dyn Iterator<Item = &str>| names.count();
                let groups = added(&mut snapshot.groups.iter().map(|group| &*group.name));
                let users = added(&mut snapshot.users.iter().map(|user| &*user.username));
                // `All Users` and `Analysts` beside the new groups, `ada` and `bob` beside the new users.
                assert_eq!(groups, users);
            }
        }
    });
}

/// So many users that a snapshot is read on two connections.
fn large_catalog() -> Catalog {
    let mut large = catalog();
    let id = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    let tenant = json!({ "name": "Acme", "timeZone": "Europe/Berlin", "id": id });
    large.tenant = Some(crate::world::declared(tenant));
    let groups = (0..50).map(|n| json!({ "name": format!("g{n}") }));
    large.groups.extend(groups.map(crate::world::declared));
    large.users.extend((0..2_100).map(|n| {
        let (group, manager) =
            (format!("g{}", n % 50), if n == 0 { "ada".to_owned() } else { format!("u{}", n - 1) });
        let user = json!({
            "username": format!("u{n}"), "groups": [group], "manager": manager,
            "attributes": { "Region": [format!("R{}", n % 7)] },
        });
        crate::world::declared(user)
    }));
    large.data_sources.extend((0..300).map(|n| {
        let columns = json!([{ "name": "a", "type": format!("T{}", n % 5) }, { "name": "b", "type": "T0" }]);
        let source = json!({
            "name": format!("s{n}"), "platform": "p", "columns": columns, "owners": [format!("u{n}"), "ada"],
        });
        crate::world::declared(source)
    }));
    large
}

fn a_large_snapshot_is_of_one_instant(database: &Database) {
    database.open().apply(&large_catalog(), options(FIRST)).unwrap();
    // Each change writes its number into a user and into a data source, which are read on different connections.
    at_once(database, |replica, store| {
        for n in 0..40 {
            if replica == 0 {
                let mut more = Catalog { tenant: None, ..Catalog::default() };
                more.users =
                    vec![crate::world::declared(json!({ "username": "ada", "title": n.to_string() }))];
                more.data_sources = vec![crate::world::declared(
                    json!({ "name": "Ledger", "platform": "snowflake", "table": n.to_string() }),
                )];
                store.apply(&more, options(LATER)).unwrap();
            } else {
                let snapshot = store.snapshot(Instant::from_micros(LATER)).unwrap();
                let ada = &snapshot.users[snapshot.user("ada").unwrap().get()];
                let ledger = &snapshot.data_sources[snapshot.data_source("Ledger").unwrap().get()];
                assert_eq!(ada.title, ledger.table);
            }
        }
    });
}

fn two_connections_read_what_one_does(database: &Database) {
    let said = |store: &mut Store| {
        store.apply(&large_catalog(), options(FIRST)).unwrap();
        let snapshot = store.snapshot(Instant::from_micros(LATER)).unwrap();
        let types: Vec<_> = snapshot
            .columns
            .iter()
            .map(|column| snapshot.symbols.text(column.data_type).to_owned())
            .collect();
        let lists = format!("{:?} {:?}", snapshot.users, snapshot.data_sources);
        (snapshot.digest, lists, types)
    };
    // Nobody else can connect to memory.
    assert_eq!(said(&mut database.open()), said(&mut Store::in_memory().unwrap()));
}

/// Everybody reads a number and writes the next one: none is lost.
fn what_is_read_in_an_exclusive_transaction_stays_true_until_it_writes(database: &Database) {
    const TIMES: usize = 10;
    let put = |store: &mut Store, number: usize| {
        let tag = json!({ "name": "counter", "description": number.to_string() });
        store.put_object(Kind::Tag, &tag, IfMatch::Any, &by_ada(FIRST)).unwrap();
    };
    let number = |store: &mut Store| -> usize {
        let tag = store.object(Kind::Tag, "counter").unwrap().unwrap();
        tag.document["description"].as_str().unwrap().parse().unwrap()
    };
    put(&mut database.open(), 0);
    at_once(database, |_, store| {
        for _ in 0..TIMES {
            store
                .exclusive_transaction(|store| -> Result<(), StoreError> {
                    let next = number(store) + 1;
                    put(store, next);
                    Ok(())
                })
                .unwrap();
        }
    });
    assert_eq!(number(&mut database.open()), REPLICAS * TIMES);
}

fn an_exclusive_transaction_in_another_is_a_part_of_it(database: &Database) {
    let mut store = database.open();
    let put = |store: &mut Store, name: &str| {
        store.put_object(Kind::Tag, &json!({ "name": name }), IfMatch::Any, &by_ada(FIRST)).map(drop)
    };
    let refused = || StoreError::NotFound { target: "tags/none".to_owned() };
    store
        .exclusive_transaction(|store| -> Result<(), StoreError> {
            put(store, "outer")?;
            let inner = store.exclusive_transaction(|store| -> Result<(), StoreError> {
                put(store, "inner")?;
                Err(refused())
            });
            assert!(inner.is_err());
            // What failed is undone by itself; what was there before it is not.
            assert!(store.object(Kind::Tag, "inner")?.is_none());
            assert!(store.object(Kind::Tag, "outer")?.is_some());
            store.exclusive_transaction(|store| put(store, "second"))
        })
        .unwrap();
    let mut other = database.open();
    assert!(other.object(Kind::Tag, "outer").unwrap().is_some());
    assert!(other.object(Kind::Tag, "second").unwrap().is_some());
    let whole = store.exclusive_transaction(|store| -> Result<(), StoreError> {
        store.exclusive_transaction(|store| put(store, "lost"))?;
        Err(refused())
    });
    assert!(whole.is_err());
    assert!(other.object(Kind::Tag, "lost").unwrap().is_none());
}
