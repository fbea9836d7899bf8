//! Reads go on where no change can be committed, and readiness says why.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::world::World;

/// A connection that holds the write lock, as another process would.
fn locked(world: &World) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(world.dir().join("governance.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// Waits until readiness says this: a result holds for a second.
fn wait_until_ready_is(world: &World, status: u16) -> String {
    let start = Instant::now();
    loop {
        let answer = world.send("GET", "/health/ready", &[], None);
        if answer.status == status {
            return answer.text;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{}", answer.text);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn reads_are_answered_while_another_process_holds_the_write_lock() {
    let world = World::new();
    let lock = locked(&world);
    let start = Instant::now();
    // More at once than there are connections so far: each opens one.
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| world.get("/deployment/tenant").expect(200));
        }
    });
    assert!(start.elapsed() < Duration::from_secs(8), "no read waits for the lock: {:?}", start.elapsed());
    let answer = wait_until_ready_is(&world, 503);
    assert!(answer.contains("\"reason\":\"locked\""), "{answer}");
    world.send("GET", "/health/live", &[], None).expect(200);
    lock.execute_batch("ROLLBACK").unwrap();
    wait_until_ready_is(&world, 200);
    world.call("PUT", "/api/v1/groups/A", Some(json!({ "name": "A" }))).expect(201);
}

#[test]
fn changes_that_wait_for_the_write_lock_leave_connections_to_reads() {
    let world = World::new();
    let lock = locked(&world);
    std::thread::scope(|scope| {
        let changes: Vec<_> = (0..20)
            .map(|number| {
                let world = &world;
                scope.spawn(move || {
                    let name = format!("G{number}");
                    world.call("PUT", &format!("/api/v1/groups/{name}"), Some(json!({ "name": name })))
                })
            })
            .collect();
        let start = Instant::now();
        for _ in 0..20 {
            world.get("/deployment/tenant").expect(200);
        }
        assert!(start.elapsed() < Duration::from_secs(8), "no read waits: {:?}", start.elapsed());
        lock.execute_batch("ROLLBACK").unwrap();
        for change in changes {
            let status = change.join().unwrap().status;
            assert!([201, 503].contains(&status), "{status}");
        }
    });
}

#[test]
fn a_service_starts_while_another_process_holds_the_write_lock() {
    let mut world = World::new();
    world.stop();
    let _lock = locked(&world);
    let start = Instant::now();
    world.start();
    world.get("/deployment/tenant").expect(200);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}

#[test]
fn the_last_use_of_a_key_is_recorded_when_that_is_possible() {
    let mut world = World::new();
    let lock = locked(&world);
    let key = || {
        let keys = world.get("/api/v1/api-keys").expect(200).json();
        keys["items"][0]["lastUsedAt"].as_str().map(str::to_owned)
    };
    // Shown before it is written.
    assert!(key().is_some_and(|at| at.starts_with("2026-01-14T23:00:00")), "{:?}", key());
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    // A stop writes it.
    world.stop();
    let stored = rusqlite::Connection::open(world.dir().join("governance.db")).unwrap();
    let used: i64 = stored
        .query_row("SELECT count(*) FROM api_key WHERE last_used_at IS NOT NULL", [], |row| row.get(0))
        .unwrap();
    assert_eq!(used, 1);
    drop(stored);
    world.start();
}

#[test]
fn readiness_needs_no_turn_of_the_pool_and_writes_little() {
    let world = World::new();
    wait_until_ready_is(&world, 200);
    let log = || std::fs::metadata(world.dir().join("governance.db-wal")).map_or(0, |log| log.len());
    let before = log();
    let start = Instant::now();
    for _ in 0..200 {
        world.send("GET", "/health/ready", &[], None).expect(200);
    }
    let written = log().saturating_sub(before);
    let most = (start.elapsed().as_secs() + 2) * 2 * 4200;
    assert!(written <= most, "{written} bytes in {:?}", start.elapsed());
}
