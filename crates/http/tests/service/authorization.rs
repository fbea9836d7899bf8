//! What a request was let in with must still be true when it writes.

use serde_json::{Value, json};

use crate::world::World;

const ALL: [&str; 5] = ["GOVERNANCE", "USER_ADMIN", "AUDIT", "CREATE_DATA_SOURCE", "APPLICATION_ADMIN"];

/// A change on every route that takes one with a body, each good for the world that [`prepared`] makes.
fn changes() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("PUT", "/api/v1/tags/T", json!({ "name": "T" })),
        ("POST", "/api/v1/tags", json!({ "name": "T" })),
        ("PUT", "/api/v1/groups/G", json!({ "name": "G" })),
        ("POST", "/api/v1/groups", json!({ "name": "G" })),
        ("PUT", "/api/v1/users/ulla", json!({ "username": "ulla" })),
        ("POST", "/api/v1/users", json!({ "username": "ulla" })),
        ("PUT", "/api/v1/domains/D", json!({ "name": "D" })),
        ("POST", "/api/v1/domains", json!({ "name": "D" })),
        ("PUT", "/api/v1/data-sources/N", json!({ "name": "N", "platform": "postgres" })),
        ("POST", "/api/v1/data-sources", json!({ "name": "N", "platform": "postgres" })),
        (
            "PUT",
            "/api/v1/policies/P",
            json!({ "name": "P", "type": "grant", "level": "anyone", "appliesTo": "all" }),
        ),
        (
            "POST",
            "/api/v1/policies",
            json!({ "name": "P", "type": "grant", "level": "anyone", "appliesTo": "all" }),
        ),
        (
            "PUT",
            "/api/v1/data-policies/M",
            json!({ "name": "M", "mask": { "kind": "hash" }, "columns": { "names": ["*"] }, "appliesTo": "all" }),
        ),
        (
            "POST",
            "/api/v1/data-policies",
            json!({ "name": "M", "mask": { "kind": "hash" }, "columns": { "names": ["*"] }, "appliesTo": "all" }),
        ),
        ("PUT", "/api/v1/agreements/A", json!({ "name": "A", "version": 1, "text": "T" })),
        ("POST", "/api/v1/agreements", json!({ "name": "A", "version": 1, "text": "T" })),
        ("PUT", "/api/v1/request-forms/F", json!({ "name": "F", "version": 1 })),
        ("POST", "/api/v1/request-forms", json!({ "name": "F", "version": 1 })),
        ("POST", "/api/v1/apply", json!({ "groups": [{ "name": "G" }] })),
        ("POST", "/api/v1/requests", json!({ "dataSource": "S" })),
        ("POST", "/api/v1/api-keys", json!({ "name": "another" })),
    ]
}

fn prepared() -> World {
    let world = World::new();
    world.apply(json!({ "dataSources": [{ "name": "S", "platform": "postgres" }] }));
    world
}

#[test]
fn a_user_who_is_disabled_meanwhile_changes_nothing() {
    let world = prepared();
    for (method, path, body) in changes() {
        let key = world.user("uma", &ALL);
        let paused = world.pause(&key, method, path, &body);
        let disabled = json!({ "username": "uma", "permissions": ALL, "status": "disabled" });
        world.call("PUT", "/api/v1/users/uma", Some(disabled)).expect(200);
        assert_eq!(paused.finish(), 401, "{method} {path}");
    }
    // Each of them is right by itself: it was refused for who sent it.
    for (method, path, body) in changes().into_iter().filter(|(method, ..)| *method == "PUT") {
        world.call(method, path, Some(body)).expect(201);
    }
}

#[test]
fn a_permission_that_is_taken_meanwhile_permits_nothing() {
    let world = prepared();
    for (method, path, body) in changes() {
        if ["/api/v1/requests", "/api/v1/api-keys"].contains(&path) {
            // For every key, whatever it may do.
            continue;
        }
        let key = world.user("uma", &ALL);
        let paused = world.pause(&key, method, path, &body);
        let less = json!({ "username": "uma", "permissions": ["AUDIT"] });
        world.call("PUT", "/api/v1/users/uma", Some(less)).expect(200);
        assert_eq!(paused.finish(), 403, "{method} {path}");
    }
}

#[test]
fn a_key_that_is_revoked_or_expires_meanwhile_changes_nothing() {
    let world = prepared();
    let make = |body: Value| world.call("POST", "/api/v1/api-keys", Some(body)).expect(201).json();
    for (method, path, body) in changes() {
        let key = make(json!({ "name": "short", "expiresAt": "2030-01-01T00:00:00Z" }));
        let paused = world.pause(key["secret"].as_str().unwrap(), method, path, &body);
        let path_of_key = format!("/api/v1/api-keys/{}", key["id"].as_str().unwrap());
        world.call("DELETE", &path_of_key, None).expect(204);
        assert_eq!(paused.finish(), 401, "{method} {path}");
    }
    let key = make(json!({ "name": "short", "expiresAt": "2026-01-15T00:00:00Z" }));
    let (method, path, body) = &changes()[0];
    let paused = world.pause(key["secret"].as_str().unwrap(), method, path, body);
    world.clock.set(crate::world::instant("2026-01-15T00:00:00Z"));
    assert_eq!(paused.finish(), 401);
}

#[test]
fn a_domain_that_is_taken_away_meanwhile_is_not_written_in() {
    let world = World::new();
    let ada = world.user("ada", &[]);
    let domain = |permissions: Value| {
        let domain = json!({ "name": "Finance", "permissions": permissions });
        world.call("PUT", "/api/v1/domains/Finance", Some(domain));
    };
    domain(json!([{ "user": "ada", "permission": "MANAGE_POLICIES" }]));
    let policy =
        json!({ "name": "P", "type": "grant", "level": "anyone", "appliesTo": { "domains": ["Finance"] } });
    let paused = world.pause(&ada, "PUT", "/api/v1/policies/P", &policy);
    domain(json!([]));
    assert_eq!(paused.finish(), 403);
    world.get("/api/v1/policies/P").expect(404);
}
