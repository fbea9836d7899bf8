//! First start, API keys and their owners.

use serde_json::json;

use crate::world::{World, instant};

#[test]
fn the_first_start_mints_tenant_and_key_and_the_second_neither() {
    let mut world = World::new();
    let tenant = world.get("/deployment/tenant").expect(200).json();
    assert_eq!((&tenant["name"], &tenant["timeZone"]), (&json!("Acme"), &json!("Europe/Berlin")));
    world.stop();
    world.start();
    assert!(!world.made_a_key());
    assert_eq!(world.get("/deployment/tenant").expect(200).json()["id"], tenant["id"]);
}

#[test]
fn both_forms_of_authorization_are_taken() {
    let world = World::new();
    let bearer = format!("Bearer {}", world.admin);
    for value in [world.admin.as_str(), &bearer] {
        world.send("GET", "/deployment/tenant", &[("authorization", value)], None).expect(200);
    }
}

#[test]
fn who_is_not_known_is_told_why() {
    let world = World::new();
    let unknown = format!("domesday_{}", "A".repeat(43));
    for (headers, word) in [
        (vec![], "an API key is needed"),
        (vec![("authorization", "Basic dTpw")], "holds no API key"),
        (vec![("authorization", unknown.as_str())], "there is no such API key"),
    ] {
        let answer = world.send("GET", "/deployment/tenant", &headers, None).expect(401);
        assert_eq!(answer.problem(), "unauthenticated");
        assert!(answer.text.contains(word), "{}", answer.text);
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        assert!(!answer.text.contains(&unknown));
    }
}

#[test]
fn keys_expire_and_are_revoked() {
    let world = World::new();
    let make = |body| world.call("POST", "/api/v1/api-keys", Some(body));
    let short = make(json!({ "name": "night", "expiresAt": "2026-01-15T00:00:00Z" })).expect(201).json();
    let secret = short["secret"].as_str().unwrap();
    world.call_as(secret, "GET", "/deployment/tenant", None).expect(200);
    world.clock.set(instant("2026-01-15T00:00:00Z"));
    let answer = world.call_as(secret, "GET", "/deployment/tenant", None).expect(401);
    assert!(answer.text.contains("expired"), "{}", answer.text);
    make(json!({ "name": "past", "expiresAt": "2026-01-14T00:00:00Z" })).expect(422);
    make(json!({ "name": "" })).expect(422);

    let other = make(json!({ "name": "other" })).expect(201).json();
    let secret = other["secret"].as_str().unwrap();
    let path = format!("/api/v1/api-keys/{}", other["id"].as_str().unwrap());
    world.call("DELETE", &path, None).expect(204);
    let answer = world.call_as(secret, "GET", "/deployment/tenant", None).expect(401);
    assert!(answer.text.contains("revoked"), "{}", answer.text);

    let list = world.get("/api/v1/api-keys").expect(200);
    assert_eq!(list.json()["total"], 3);
    assert!(!list.text.contains("secret"));
}

#[test]
fn a_disabled_user_is_locked_out_at_once() {
    let world = World::new();
    let key = world.user("ada", &["GOVERNANCE"]);
    world.call_as(&key, "GET", "/api/v1/policies", None).expect(200);
    let put = |user| world.call("PUT", "/api/v1/users/ada", Some(user)).expect(200);
    put(json!({ "username": "ada", "permissions": ["AUDIT"] }));
    world.call_as(&key, "GET", "/api/v1/domains", None).expect(403);
    put(json!({ "username": "ada", "permissions": ["GOVERNANCE"], "status": "disabled" }));
    let answer = world.call_as(&key, "GET", "/deployment/tenant", None).expect(401);
    assert!(answer.text.contains("disabled"), "{}", answer.text);
    world.call("DELETE", "/api/v1/users/ada", None).expect(204);
    world.call_as(&key, "GET", "/deployment/tenant", None).expect(401);
}

#[test]
fn a_key_never_does_more_than_who_made_it_may() {
    let world = World::new();
    let ada = world.user("ada", &["AUDIT", "GOVERNANCE"]);
    world.user("bob", &["AUDIT"]);
    let make = |key: &str, body| world.call_as(key, "POST", "/api/v1/api-keys", Some(body));
    let less = make(&ada, json!({ "name": "less", "permissions": ["AUDIT"] })).expect(201).json();
    let less = less["secret"].as_str().unwrap();
    world.call_as(less, "GET", "/api/v1/policies", None).expect(200);
    world.call_as(less, "PUT", "/api/v1/domains/D", Some(json!({ "name": "D" }))).expect(403);
    // Neither a permission that only its owner has, nor one that nobody here has, nor somebody else's key.
    make(less, json!({ "name": "more", "permissions": ["GOVERNANCE"] })).expect(403);
    make(&ada, json!({ "name": "more", "permissions": ["USER_ADMIN"] })).expect(403);
    make(&ada, json!({ "name": "other", "owner": "bob" })).expect(403);
    make(&ada, json!({ "name": "other", "owner": "administrator" })).expect(403);
    let admin = world.user("carla", &["USER_ADMIN"]);
    make(&admin, json!({ "name": "other", "owner": "bob", "permissions": ["GOVERNANCE"] })).expect(403);
    make(&admin, json!({ "name": "other", "owner": "administrator" })).expect(403);
    make(&admin, json!({ "name": "other", "owner": "nobody" })).expect(404);
    // And nobody without USER_ADMIN sees or revokes others' keys.
    world.call_as(&ada, "GET", "/api/v1/api-keys?owner=bob", None).expect(403);
    let bobs = world.get("/api/v1/api-keys?owner=bob").expect(200).json();
    let id = bobs["items"][0]["id"].as_str().unwrap();
    world.call_as(&ada, "DELETE", &format!("/api/v1/api-keys/{id}"), None).expect(404);
}
