//! Requests written as documents: what they may change, and who imports history.

use serde_json::{Value, json};

use crate::requests::{Cast, PATH, cast};
use crate::world::{ApiResponse, Later, START, instant};

fn document(cast: &Cast, id: &str) -> Value {
    cast.world.get(&format!("{PATH}/{id}")).expect(200).json()["document"].clone()
}

fn with(document: &Value, field: &str, value: Value) -> Value {
    let mut changed = document.clone();
    changed.as_object_mut().unwrap().remove(field);
    if !value.is_null() {
        changed[field] = value;
    }
    changed
}

fn put(cast: &Cast, key: &str, document: &Value) -> ApiResponse {
    let path = format!("{PATH}/{}", document["id"].as_str().unwrap());
    cast.world.call_as(key, "PUT", &path, Some(document.clone()))
}

fn apply(cast: &Cast, key: &str, query: &str, document: &Value) -> ApiResponse {
    let body = cast.world.catalog(&document.to_string());
    cast.world.send("POST", &format!("/api/v1/apply{query}"), &[("authorization", key)], Some(body))
}

/// Everything that a document must not change, in a request that Rita approved in its first step.
fn forged(document: &Value) -> Vec<Value> {
    let at = START;
    let approval = json!({ "by": "olga", "status": "approved", "at": at });
    let mut longer = document["determinations"].as_array().cloned().unwrap_or_default();
    longer.push(approval);
    let product = with(&with(document, "dataProduct", Value::Null), "dataSource", json!("Orders"));
    vec![
        with(document, "status", json!("approved")),
        with(document, "status", json!("canceled")),
        with(document, "determinations", json!(longer)),
        with(document, "determinations", Value::Null),
        with(document, "createdAt", json!("2025-01-01T00:00:00Z")),
        with(document, "updatedAt", json!("2025-01-01T00:00:00Z")),
        with(document, "expiresAt", json!("2030-01-01T00:00:00Z")),
        with(document, "user", json!("olga")),
        with(document, "requester", json!("olga")),
        with(document, "scope", json!("write")),
        with(document, "dataProduct", json!("Sales-1")),
        with(document, "agreements", Value::Null),
        product,
    ]
}

#[test]
fn a_document_changes_answers_and_nothing_that_was_decided() {
    let cast = cast();
    let world = &cast.world;
    let governance = world.user("gov", &["GOVERNANCE"]);
    let lead = world.user("lead", &["GOVERNANCE", "USER_ADMIN"]);
    let id = cast.ask(&json!({})).expect(201).json()["name"].as_str().unwrap().to_owned();
    cast.decide(&cast.rita, &id, "approved").expect(200);
    let before = document(&cast, &id);
    for key in [&governance, &world.admin] {
        for document in forged(&before) {
            put(&cast, key, &document).expect(422);
        }
    }
    for key in [&lead, &world.admin] {
        for document in forged(&before) {
            let answer = apply(&cast, key, "", &document).expect(422);
            assert!(answer.json()["problems"][0]["message"].as_str().unwrap().contains("cannot be written"));
            apply(&cast, key, "?dryRun=true", &document).expect(422);
        }
    }
    assert_eq!(document(&cast, &id), before);
    // The same document changes nothing; other answers are a change, and dated.
    put(&cast, &governance, &before).expect(200);
    apply(&cast, &lead, "", &before).expect(200);
    assert_eq!(document(&cast, &id), before);
    let now = instant(START).after_seconds(3_600);
    world.clock.set(now);
    let answers = with(&before, "answers", json!({ "why": "other" }));
    let answer = put(&cast, &governance, &answers).expect(200).json();
    assert_eq!(answer["document"]["updatedAt"], now.to_string());
    assert_eq!(answer["updatedAt"], now.to_string());
    let later = now.after_seconds(60);
    world.clock.set(later);
    let answers = with(&answer["document"], "answers", json!({ "why": "third" }));
    apply(&cast, &lead, "", &answers).expect(200);
    assert_eq!(document(&cast, &id)["updatedAt"], later.to_string());
}

#[test]
fn only_the_operator_imports_what_was_decided_elsewhere() {
    let cast = cast();
    let world = &cast.world;
    let governance = world.user("gov", &["GOVERNANCE"]);
    let lead = world.user("lead", &["GOVERNANCE", "USER_ADMIN"]);
    let history = |id: &str| {
        json!({
            "id": id, "type": "dataAccess", "user": "eve", "dataProduct": "Sales", "status": "approved",
            "createdAt": "2025-01-01T00:00:00Z",
            "determinations": [{ "by": "rita", "status": "approved", "duration": "P3M", "at": "2025-01-02T00:00:00Z" }]
        })
    };
    let pending =
        |id: &str| with(&with(&history(id), "status", json!("pending")), "determinations", Value::Null);
    for decided in [
        history("H"),
        with(&history("H"), "status", json!("pending")),
        with(&with(&history("H"), "determinations", Value::Null), "status", json!("denied")),
        with(&pending("H"), "expiresAt", json!("2030-01-01T00:00:00Z")),
    ] {
        put(&cast, &governance, &decided).expect(403);
        apply(&cast, &lead, "", &decided).expect(422);
    }
    // Nobody forges who asked or who accepted.
    let accepted = json!([{ "name": "Care", "version": 3, "acceptedBy": "eve", "acceptedAt": START }]);
    put(&cast, &governance, &with(&pending("P"), "agreements", accepted)).expect(422);
    put(&cast, &governance, &with(&pending("P"), "requester", json!("rita"))).expect(422);
    let made = put(&cast, &governance, &pending("P")).expect(201).json();
    assert_eq!(made["document"]["requester"], "gov");
    cast.decide(&governance, "P", "approved").expect(403);
    // As often as one likes, only the first of the same is made.
    put(&cast, &governance, &pending("P2")).expect(409);

    put(&cast, &world.admin, &history("H1")).expect(201);
    apply(&cast, &world.admin, "", &history("H2")).expect(200);
    put(&cast, &world.admin, &with(&history("H1"), "status", json!("revoked"))).expect(422);
    let audit = world.get("/api/v1/audit?limit=1000").expect(200).json();
    let imported = audit["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == "import");
    let imported: Vec<_> = imported.map(|entry| (entry["actor"].clone(), entry["target"].clone())).collect();
    let by = |target: &str| (json!("administrator"), json!(target));
    assert_eq!(imported, [by("requests/H1"), by("requests/H2")]);
}

#[test]
fn decisions_are_evidence_and_are_not_deleted() {
    let cast = cast();
    let world = &cast.world;
    let lead = world.user("lead", &["GOVERNANCE", "USER_ADMIN"]);
    let ask = |product: &str| {
        let asked = cast.ask(&json!({ "dataProduct": product })).expect(201);
        asked.json()["name"].as_str().unwrap().to_owned()
    };
    let (decided, pending) = (ask("Sales"), ask("Sales-1"));
    cast.decide(&cast.rita, &decided, "denied").expect(200);
    world.call_as(&lead, "DELETE", &format!("{PATH}/{decided}"), None).expect(409);
    world.call_as(&lead, "DELETE", &format!("{PATH}/{pending}"), None).expect(204);
    world.call_as(&cast.rita, "DELETE", &format!("{PATH}/{decided}"), None).expect(403);
    // Pruning by a user leaves it where it is.
    let prune = |key: &str| {
        let path = "/api/v1/apply?prune=true";
        world.send("POST", path, &[("authorization", key)], Some(world.catalog(""))).expect(200)
    };
    prune(&lead);
    world.get(&format!("{PATH}/{decided}")).expect(200);
    // The operator answers for what goes.
    prune(&world.admin);
    world.get(&format!("{PATH}/{decided}")).expect(404);
}
