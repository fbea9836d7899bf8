//! The schedule while the clock is set, and runs that are started at once. The destination never answers: what counts is
//! which runs there are.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{World, instant};

const RUNS: &str = "/api/v1/access-summary/runs";

/// A service with an export that nobody takes.
fn configured() -> World {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let world =
        World::with(&[("DOMESDAY_ALLOWED_ENDPOINTS", &endpoint), ("DOMESDAY_DELIVERY_ATTEMPTS", "1")]);
    world.apply(json!({ "users": [{ "username": "ada" }] }));
    let document = json!({
        "bucket": "acme-audit", "region": "eu-central-1", "accessKeyId": "AKIAEXAMPLE", "endpoint": endpoint,
    });
    world.save_export(&document, "secret");
    world
}

fn runs(world: &World) -> Vec<Value> {
    world.get(RUNS).expect(200).json()["items"].as_array().unwrap().clone()
}

/// How many runs there are for a time of the schedule.
fn runs_for(world: &World, slot: &str) -> usize {
    runs(world).iter().filter(|run| run["scheduledFor"] == slot).count()
}

fn wait_for_run(world: &World, slot: &str) {
    world.wait_for(&format!("the run of {slot}"), || (runs_for(world, slot) == 1).then_some(()));
}

fn metric(world: &World, name: &str) -> Option<f64> {
    let text = world.send("GET", "/metrics", &[], None).expect(200).text;
    let line = text
        .lines()
        .find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))?
        .to_owned();
    line.rsplit(' ').next()?.parse().ok()
}

fn set_back(world: &World, to: &str, times: f64) {
    world.clock.set(instant(to));
    world.wait_for("the notice of the clock", || {
        (metric(world, "domesday_clock_jumps_total{direction=\"back\"}") == Some(times)).then_some(())
    });
}

#[test]
fn nights_go_on_after_the_clock_was_ahead() {
    let world = configured();
    world.clock.set(instant("2026-01-15T02:00:00Z"));
    wait_for_run(&world, "2026-01-15T02:00:00Z");
    // Ten years ahead a night is run, and the clock is set back.
    world.clock.set(instant("2036-01-15T02:00:00Z"));
    wait_for_run(&world, "2036-01-15T02:00:00Z");
    set_back(&world, "2026-01-15T09:00:00Z", 1.0);
    world.clock.set(instant("2026-01-16T01:59:59Z"));
    assert_eq!(runs(&world).len(), 2);
    world.clock.set(instant("2026-01-16T02:00:00Z"));
    wait_for_run(&world, "2026-01-16T02:00:00Z");

    // A day ahead: the night that was run too early is run again when it comes.
    world.clock.set(instant("2026-01-17T02:00:00Z"));
    wait_for_run(&world, "2026-01-17T02:00:00Z");
    set_back(&world, "2026-01-16T09:00:00Z", 2.0);
    world.wait_for("the release of the night", || {
        (runs_for(&world, "2026-01-17T02:00:00Z") == 0).then_some(())
    });
    world.clock.set(instant("2026-01-17T02:00:00Z"));
    wait_for_run(&world, "2026-01-17T02:00:00Z");
    assert_eq!(runs(&world).len(), 5);
    let log = world.store().audit_entries(0, 1000).unwrap();
    assert_eq!(log.iter().filter(|entry| entry.action == "release").count(), 2);
    assert_eq!(metric(&world, "domesday_clock_last_jump_seconds"), Some(-17.0 * 3600.0));
}

#[test]
fn a_service_that_starts_after_the_clock_was_ahead_goes_on() {
    let mut world = configured();
    world.clock.set(instant("2036-01-15T02:00:00Z"));
    wait_for_run(&world, "2036-01-15T02:00:00Z");
    // The export is saved while the clock is ahead, too.
    let document = world.store().export::<Value>("default").unwrap().unwrap().configuration;
    world.save_export(&document, "secret");
    world.stop();
    world.clock.set(instant("2026-01-15T09:00:00Z"));
    world.start();
    world.wait_for("the notice of the clock", || {
        (metric(&world, "domesday_clock_jumps_total{direction=\"back\"}") == Some(1.0)).then_some(())
    });
    world.clock.set(instant("2026-01-16T02:00:00Z"));
    wait_for_run(&world, "2026-01-16T02:00:00Z");
}

#[test]
fn the_run_of_a_deleted_export_is_cancelled() {
    let world = configured();
    let begun = world.call("POST", RUNS, None).expect(202).json();
    // The first attempt fails, and the run waits for the next.
    world.wait_for("the first attempt", || (runs(&world)[0]["attempts"] == 1).then_some(()));
    world.wait_for("its end", || (runs(&world)[0]["state"] == "queued").then_some(()));
    world.call("DELETE", "/api/v1/access-summary/export", None).expect(204);
    let ended = &runs(&world)[0];
    assert_eq!((&ended["id"], &ended["state"]), (&begun["id"], &json!("cancelled")));
    world.clock.set(instant("2026-01-16T02:00:00Z"));
    let log = world.store().audit_entries(0, 1000).unwrap();
    let last: Vec<_> = log.iter().rev().take(2).map(|entry| entry.action.as_str()).collect();
    assert_eq!(last, ["cancel", "delete"]);
    world.call("POST", RUNS, None).expect(409);
    assert_eq!(runs(&world).len(), 1);
}

#[test]
fn a_run_whose_export_was_deleted_while_its_holder_died_ends() {
    let mut world = configured();
    world.call("POST", RUNS, None).expect(202);
    world.wait_for("the first attempt", || (runs(&world)[0]["state"] == "queued").then_some(()));
    world.stop();
    // As a process leaves it that dies in the middle, on a database in which the export is deleted meanwhile.
    let mut store = world.store();
    let mut run = store.runs("default", None, 1).unwrap().0.remove(0);
    let now = world.clock.now();
    let fence =
        store.acquire_lease("export:default", "gone", now, instant("2026-01-14T23:01:00Z")).unwrap().unwrap();
    run.state = domesday_store::RunState::Running;
    store.update_run(&run, &fence).unwrap();
    let change = domesday_store::ChangeBy { actor: "administrator", origin: "test", from: None, at: now };
    store.delete_export("default", domesday_store::IfMatch::Any, &change).unwrap();
    drop(store);
    world.start();
    world.clock.set(instant("2026-01-14T23:02:00Z"));
    world.wait_for("its end", || (runs(&world)[0]["state"] == "cancelled").then_some(()));
}

#[test]
fn of_runs_started_at_once_one_is_accepted() {
    let world = configured();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| world.call("POST", RUNS, None))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let accepted: BTreeSet<String> = answers
        .iter()
        .filter(|answer| answer.status == 202)
        .map(|answer| answer.json()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(accepted.len(), 1, "{answers:?}");
    let id = accepted.first().unwrap();
    for refused in answers.iter().filter(|answer| answer.status != 202) {
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert_eq!(refused.json()["run"], json!(id));
    }
    assert_eq!(runs(&world).len(), 1);
}
