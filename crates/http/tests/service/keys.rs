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
        (vec![("authorization", "Basic dTpw")], "contains no API key"),
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
    // And nobody without USER_ADMIN revokes others' keys, nor sees them without it or AUDIT.
    let gus = world.user("gus", &["GOVERNANCE"]);
    for owner in ["bob", "administrator", "*"] {
        world.call_as(&gus, "GET", &format!("/api/v1/api-keys?owner={owner}"), None).expect(403);
        world.call_as(&ada, "GET", &format!("/api/v1/api-keys?owner={owner}"), None).expect(200);
    }
    let bobs = world.get("/api/v1/api-keys?owner=bob").expect(200).json();
    let id = bobs["items"][0]["id"].as_str().unwrap();
    world.call_as(&ada, "DELETE", &format!("/api/v1/api-keys/{id}"), None).expect(404);
}

/// A key's answer and its secret; what is null is left out.
fn make(world: &World, key: &str, mut body: serde_json::Value) -> (serde_json::Value, String) {
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let made = world.call_as(key, "POST", "/api/v1/api-keys", Some(body)).expect(201).json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    (made, secret)
}

#[test]
fn a_narrowed_key_carries_no_role_of_its_user() {
    let world = World::new();
    let ada = world.user("ada", &["CREATE_DATA_SOURCE"]);
    world.user("bob", &[]);
    world.apply(json!({
        "users": [{ "username": "ada", "permissions": ["CREATE_DATA_SOURCE"] }, { "username": "bob" }],
        "domains": [{ "name": "D", "permissions": [{ "user": "ada", "permission": "MANAGE_POLICIES" }] }],
        "dataSources": [{ "name": "S", "platform": "postgres", "domain": "D", "owners": ["ada"] }],
        "agreements": [{ "name": "A", "version": 1, "text": "T" }],
        "requestForms": [{ "name": "F", "version": 1, "review": [{ "approvers": { "users": ["ada"] } }] }],
        "dataProducts": [{
            "name": "P", "createdBy": "ada", "form": "F", "dataSources": [{ "name": "S" }]
        }],
        "requests": [{
            "id": "R", "type": "dataAccess", "user": "bob", "dataProduct": "P", "status": "pending",
            "createdAt": "2026-01-01T00:00:00Z"
        }]
    }));
    let (sibling, _) = make(&world, &ada, json!({ "name": "sibling" }));
    let sibling_id = sibling["id"].as_str().unwrap();
    let (_, none) = make(&world, &ada, json!({ "name": "narrowed", "permissions": [] }));
    // As wide as its user is in permissions, and still narrowed: it was given a list.
    let (listed, some) =
        make(&world, &ada, json!({ "name": "listed", "permissions": ["CREATE_DATA_SOURCE"] }));
    assert_eq!(listed["includesRoles"], false);
    let policy =
        json!({ "name": "P", "type": "grant", "level": "anyone", "appliesTo": { "domains": ["D"] } });
    let decision = json!({ "status": "approved" });
    for key in [&none, &some] {
        let call = |method: &str, path: &str, body| world.call_as(key, method, path, body);
        call("PUT", "/api/v1/policies/P", Some(policy.clone())).expect(403);
        call("POST", "/api/v1/requests/R/determinations", Some(decision.clone())).expect(403);
        assert_eq!(call("GET", "/api/v1/requests?part=review", None).expect(200).json()["total"], 0);
        call("GET", "/api/v1/requests/R", None).expect(403);
        call("GET", "/api/v1/access?dataSource=S", None).expect(403);
        call("GET", "/api/v1/access/explain?dataSource=S&user=bob", None).expect(403);
        call("DELETE", &format!("/api/v1/api-keys/{sibling_id}"), None).expect(403);
        // What its user may read of their own it reads, and it makes keys as narrow as itself.
        call("GET", "/api/v1/users/ada", None).expect(200);
        call("GET", "/api/v1/access?user=ada", None).expect(200);
        assert!(call("GET", "/api/v1/api-keys", None).expect(200).json()["total"].as_u64() > Some(1));
        let child = json!({ "name": "child" });
        let (child, secret) = make(&world, key, child);
        assert_eq!(child["includesRoles"], false);
        world.call_as(&secret, "PUT", "/api/v1/policies/P", Some(policy.clone())).expect(403);
    }
    let source = json!({ "name": "New", "platform": "postgres" });
    world.call_as(&none, "POST", "/api/v1/data-sources", Some(source.clone())).expect(403);
    world.call_as(&some, "POST", "/api/v1/data-sources", Some(source)).expect(201);
    let inside = json!({ "name": "Inside", "platform": "postgres", "domain": "D" });
    world.call_as(&some, "POST", "/api/v1/data-sources", Some(inside.clone())).expect(403);
    // The whole key does it all.
    world.call_as(&ada, "POST", "/api/v1/data-sources", Some(inside)).expect(201);
    world.call_as(&ada, "PUT", "/api/v1/policies/P", Some(policy)).expect(201);
    world.call_as(&ada, "GET", "/api/v1/access?dataSource=S", None).expect(200);
    world.call_as(&ada, "POST", "/api/v1/requests/R/determinations", Some(decision)).expect(200);
    // A narrowed key ends itself, a whole one any of its user.
    let own = world.call_as(&none, "GET", "/api/v1/api-keys", None).expect(200).json();
    let keys = own["items"].as_array().unwrap();
    let id = keys.iter().find(|key| key["name"] == "narrowed").unwrap()["id"].as_str().unwrap();
    world.call_as(&none, "DELETE", &format!("/api/v1/api-keys/{id}"), None).expect(204);
    world.call_as(&ada, "DELETE", &format!("/api/v1/api-keys/{sibling_id}"), None).expect(204);
}

#[test]
fn a_key_that_others_make_for_somebody_carries_no_role() {
    let world = World::new();
    world.apply(json!({
        "users": [{ "username": "ada" }],
        "domains": [{ "name": "D", "permissions": [{ "user": "ada", "permission": "MANAGE_POLICIES" }] }]
    }));
    let policy =
        json!({ "name": "P", "type": "grant", "level": "anyone", "appliesTo": { "domains": ["D"] } });
    for (held, status) in
        [(&["USER_ADMIN"][..], 403), (&["USER_ADMIN", "AUDIT"], 403), (&["USER_ADMIN", "GOVERNANCE"], 201)]
    {
        let admin = world.user("carla", held);
        let (_, key) = make(&world, &admin, json!({ "name": "for ada", "owner": "ada" }));
        world.call_as(&key, "PUT", "/api/v1/policies/P", Some(policy.clone())).expect(status);
    }
}

#[test]
fn a_child_key_expires_no_later_than_its_parent() {
    let world = World::new();
    let ada = world.user("ada", &["USER_ADMIN"]);
    world.user("bob", &[]);
    let end = "2026-01-20T00:00:00Z";
    let (_, parent) = make(&world, &ada, json!({ "name": "parent", "expiresAt": end }));
    for owner in [json!(null), json!("bob")] {
        let (child, secret) = make(&world, &parent, json!({ "name": "child", "owner": owner }));
        assert_eq!(child["expiresAt"], end);
        let (grandchild, _) = make(&world, &secret, json!({ "name": "grandchild" }));
        assert_eq!(grandchild["expiresAt"], end);
        let mut later = json!({ "name": "later", "owner": owner, "expiresAt": "2026-01-20T00:00:01Z" });
        later.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let answer = world.call_as(&parent, "POST", "/api/v1/api-keys", Some(later)).expect(422);
        assert!(answer.text.contains("expiresAt"), "{}", answer.text);
        let earlier = json!({ "name": "earlier", "owner": owner, "expiresAt": "2026-01-19T00:00:00Z" });
        assert_eq!(make(&world, &parent, earlier).0["expiresAt"], "2026-01-19T00:00:00Z");
    }
}

#[test]
fn a_key_is_its_users_and_not_the_next_ones_of_that_name() {
    let world = World::new();
    let first = world.user("ada", &["GOVERNANCE"]);
    world.call_as(&first, "GET", "/api/v1/policies", None).expect(200);
    world.call("DELETE", "/api/v1/users/ada", None).expect(204);
    let second = world.user("ada", &["GOVERNANCE"]);
    let answer = world.call_as(&first, "GET", "/api/v1/policies", None).expect(401);
    assert!(answer.text.contains("gone"), "{}", answer.text);
    world.call_as(&second, "GET", "/api/v1/policies", None).expect(200);
    // She lists hers; who administers users sees what is left of the other, and revokes it.
    let hers = world.call_as(&second, "GET", "/api/v1/api-keys", None).expect(200).json();
    assert_eq!(hers["total"], 1);
    let all = world.get("/api/v1/api-keys?owner=ada").expect(200).json();
    assert_eq!(all["total"], 2);
    let mut left = all["items"].as_array().unwrap().iter().map(|key| &key["id"]);
    let left = left.find(|id| **id != hers["items"][0]["id"]).unwrap();
    let left = format!("/api/v1/api-keys/{}", left.as_str().unwrap());
    world.call_as(&second, "DELETE", &left, None).expect(404);
    let carla = world.user("carla", &["USER_ADMIN"]);
    world.call_as(&carla, "DELETE", &left, None).expect(204);
    // The same by an apply that prunes and one that declares anew.
    world.apply(json!({ "users": [{ "username": "eve", "permissions": ["AUDIT"] }] }));
    // Who repeats what the files say adds nothing that would stay without them.
    let third = world.user("eve", &["AUDIT"]);
    world
        .call("POST", "/api/v1/apply?prune=true", Some(json!({ "users": [{ "username": "ada" }] })))
        .expect(200);
    world.apply(json!({ "users": [{ "username": "eve", "permissions": ["AUDIT"] }] }));
    world.call_as(&third, "GET", "/api/v1/policies", None).expect(401);
}

#[test]
fn an_answer_given_again_shows_no_secret_and_is_the_keys_alone() {
    let world = World::new();
    let ada = world.user("ada", &["USER_ADMIN", "AUDIT"]);
    let send = |key: &str, body: serde_json::Value| {
        let headers = [("authorization", key), ("idempotency-key", "one")];
        world.send("POST", "/api/v1/api-keys", &headers, Some(body.to_string()))
    };
    let body = json!({ "name": "x" });
    let first = send(&ada, body.clone()).expect(201);
    let again = send(&ada, body.clone()).expect(201);
    let (mut shown, mut repeated) = (first.json(), again.json());
    assert!(repeated["secret"].is_null() && repeated["note"].as_str().unwrap().contains("revoke"));
    let secret = shown["secret"].take();
    repeated.as_object_mut().unwrap().remove("note");
    assert_eq!(shown, repeated, "but for the secret the answer is the same");
    assert_eq!(first.header("location"), again.header("location"));
    // Another key of the same user calls for itself.
    let sibling = send(secret.as_str().unwrap(), body.clone()).expect(201).json();
    assert_ne!(sibling["id"], shown["id"]);
    assert!(sibling["secret"].is_string());
    // A key that has lost a right gets no answer from before.
    let less = json!({ "username": "ada", "permissions": ["USER_ADMIN"] });
    world.call("PUT", "/api/v1/users/ada", Some(less)).expect(200);
    send(&ada, body).expect(403);
    // Nothing at rest has it either, however it is encrypted.
    let total = world.call_as(&ada, "GET", "/api/v1/api-keys", None).expect(200).json()["total"].clone();
    assert_eq!(total, 3);
}
