//! Who decides what, what ends it, and what a request waits for.

use serde_json::{Value, json};

use crate::requests::{Cast, PATH, cast};
use crate::world::{ApiResponse, Later, World, instant};

fn put(world: &World, path: &str, body: Value) {
    let answer = world.call("PUT", &format!("/api/v1/{path}"), Some(body));
    assert!([200, 201].contains(&answer.status), "{}", answer.text);
}

/// Gives the form of the cast these review steps.
#[expect(clippy::needless_pass_by_value, reason = "the cases are written as values of `json!`")]
fn review(cast: &Cast, steps: Value) {
    let form = json!({
        "name": "Two steps", "version": 2, "review": steps,
        "questions": [{ "id": "why", "text": "Why?", "kind": "text", "required": true }]
    });
    put(&cast.world, "request-forms/Two%20steps", form);
}

fn id(answer: &ApiResponse) -> String {
    answer.json()["name"].as_str().unwrap().to_owned()
}

fn status(answer: &ApiResponse) -> Value {
    answer.json()["document"]["status"].clone()
}

fn revoke(world: &World, key: &str, id: &str, reason: &str) -> ApiResponse {
    world.call_as(key, "POST", &format!("{PATH}/{id}/revoke"), Some(json!({ "reason": reason })))
}

#[test]
fn nobody_decides_a_request_that_they_made_or_that_is_for_them() {
    let cast = cast();
    let world = &cast.world;
    let [gov, guy] = ["gov", "guy"].map(|name| world.user(name, &["GOVERNANCE"]));
    let ask = |key: &str, user: Option<&str>, product: &str| {
        let mut body =
            json!({ "dataProduct": product, "answers": { "why": "work" }, "agreements": ["Care"] });
        if let Some(user) = user {
            body["user"] = user.into();
        }
        id(&world.call_as(key, "POST", PATH, Some(body)).expect(201))
    };
    let (own, for_eve, for_guy) =
        (ask(&gov, None, "Sales"), ask(&gov, Some("eve"), "Sales"), ask(&gov, Some("guy"), "Sales"));
    for (key, request) in
        [(&gov, &own), (&gov, &for_eve), (&gov, &for_guy), (&guy, &for_guy), (&cast.eve, &for_eve)]
    {
        for verdict in ["approved", "denied"] {
            let refused = cast.decide(key, request, verdict).expect(403);
            assert!(refused.text.contains("nobody decides"), "{}", refused.text);
        }
    }
    // An approver by every means, who asks or is asked for.
    review(&cast, json!([{ "approvers": { "users": ["rita"], "groups": ["All Users"], "owners": "any" } }]));
    let rita = ask(&cast.rita, None, "Sales-1");
    cast.decide(&cast.rita, &rita, "approved").expect(403);
    let for_rita = ask(&gov, Some("rita"), "Sales-2");
    cast.decide(&cast.rita, &for_rita, "approved").expect(403);
    // It is not among what waits for them either.
    let waiting = world.call_as(&gov, "GET", &format!("{PATH}?part=review"), None).expect(200).json();
    let waiting: Vec<_> =
        waiting["items"].as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert_eq!(waiting, [json!(rita)]);
    assert_eq!(status(&cast.decide(&guy, &own, "approved").expect(200)), "approved");
    assert_eq!(status(&cast.decide(&guy, &for_eve, "denied").expect(200)), "denied");
    // Nor do they revoke it.
    revoke(world, &gov, &own, "mine").expect(403);
    assert_eq!(status(&revoke(world, &guy, &own, "over").expect(200)), "revoked");
}

#[test]
fn one_decision_counts_for_one_step_also_where_all_must_approve() {
    let cast = cast();
    review(
        &cast,
        json!([
            { "approvers": { "users": ["rita", "olga"] }, "need": "all" },
            { "approvers": { "users": ["rita"] }, "need": "all" },
            { "approvers": { "owners": "every" } }
        ]),
    );
    let request = id(&cast.ask(&json!({})).expect(201));
    assert_eq!(status(&cast.decide(&cast.rita, &request, "approved").expect(200)), "pending");
    cast.decide(&cast.rita, &request, "approved").expect(403);
    assert_eq!(status(&cast.decide(&cast.olga, &request, "approved").expect(200)), "pending");
    cast.decide(&cast.olga, &request, "approved").expect(403);
    assert_eq!(status(&cast.decide(&cast.rita, &request, "approved").expect(200)), "pending");
    let last = cast.decide(&cast.olga, &request, "approved").expect(200);
    assert_eq!(status(&last), "approved");
    assert_eq!(last.json()["document"]["determinations"].as_array().unwrap().len(), 4);
}

#[test]
fn owners_and_domain_managers_decide_for_the_whole_of_a_product() {
    let cast = cast();
    let world = &cast.world;
    let [dirk, omar] = ["dirk", "omar"].map(|name| world.user(name, &[]));
    let manager = json!([{ "user": "dirk", "permission": "MANAGE_POLICIES" }]);
    put(world, "domains/Shop", json!({ "name": "Shop", "permissions": manager }));
    put(world, "domains/Other", json!({ "name": "Other" }));
    let source = |name: &str, owners: Value, domain: &str| {
        let body = json!({ "name": name, "platform": "p", "owners": owners, "domain": domain });
        put(world, &format!("data-sources/{name}"), body);
    };
    source("Orders", json!(["olga", "omar"]), "Shop");
    source("Customers", json!(["omar"]), "Shop");
    source("Secrets", json!([]), "Other");
    let product = |sources: Value, form: Option<&str>| {
        let mut body = json!({ "name": "Sales", "createdBy": "olga", "dataSources": sources });
        if let Some(form) = form {
            body["form"] = form.into();
        }
        put(world, "data-products/Sales", body);
    };
    let asked = |answers: Value| {
        let body = json!({ "dataProduct": "Sales", "answers": answers });
        id(&world.call_as(&cast.eve, "POST", PATH, Some(body)).expect(201))
    };
    let cancel = |request: &str| {
        drop(world.call_as(&cast.eve, "POST", &format!("{PATH}/{request}/cancel"), None).expect(200));
    };
    // approvers, sources, who decides: olga, omar, dirk
    let table = [
        (Some(json!({ "owners": true })), json!(["Orders"]), [200, 200, 403]),
        (Some(json!({ "owners": true })), json!(["Orders", "Customers"]), [403, 200, 403]),
        (Some(json!({ "owners": "every" })), json!(["Orders", "Customers"]), [403, 200, 403]),
        (Some(json!({ "owners": "any" })), json!(["Orders", "Customers"]), [200, 200, 403]),
        (Some(json!({ "owners": false, "users": ["rita"] })), json!(["Orders"]), [403, 403, 403]),
        (
            Some(json!({ "domainPermissions": ["MANAGE_POLICIES"] })),
            json!(["Orders", "Customers"]),
            [403, 403, 200],
        ),
        (
            Some(json!({ "domainPermissions": ["MANAGE_POLICIES"] })),
            json!(["Orders", "Secrets"]),
            [403, 403, 403],
        ),
        // Without a form: who owns all of it.
        (None, json!(["Orders", "Customers"]), [403, 200, 403]),
    ];
    for (approvers, sources, statuses) in table {
        let answers = if let Some(approvers) = &approvers {
            review(&cast, json!([{ "approvers": approvers }]));
            json!({ "why": "x" })
        } else {
            json!({})
        };
        product(sources.clone(), approvers.as_ref().map(|_| "Two steps"));
        for (key, expected) in [&cast.olga, &omar, &dirk].into_iter().zip(statuses) {
            let request = asked(answers.clone());
            let answer = cast.decide(key, &request, "approved");
            assert_eq!(answer.status, expected, "{approvers:?} {sources}: {}", answer.text);
            if expected == 403 {
                cancel(&request);
            }
        }
    }
}

#[test]
fn a_revocation_is_recorded_and_ends_the_access() {
    let cast = cast();
    let world = &cast.world;
    let request = id(&cast.ask(&json!({})).expect(201));
    let governance = world.user("gov", &["GOVERNANCE"]);
    revoke(world, &governance, &request, "too early").expect(409);
    cast.decide(&cast.rita, &request, "approved").expect(200);
    cast.decide(&cast.olga, &request, "approved").expect(200);
    assert_eq!(cast.access(), 1);
    for (key, reason, expected) in [
        (&cast.eve, "mine", 403),
        (&world.user("zoe", &[]), "no part", 403),
        (&world.user("audrey", &["AUDIT"]), "reads only", 403),
        (&world.admin, "no user", 403),
        (&governance, " ", 422),
    ] {
        revoke(world, key, &request, reason).expect(expected);
    }
    let path = format!("{PATH}/{request}/revoke");
    world.call_as(&governance, "POST", &path, Some(json!({}))).expect(422);
    // An approver of any of the steps.
    let revoked = revoke(world, &cast.rita, &request, "project over").expect(200).json();
    let last = &revoked["document"]["determinations"][2];
    assert_eq!(
        (&last["by"], &last["status"], &last["reason"]),
        (&json!("rita"), &json!("revoked"), &json!("project over"))
    );
    assert_eq!(revoked["document"]["status"], "revoked");
    assert_eq!(cast.access(), 0);
    let again = revoke(world, &governance, &request, "again").expect(409);
    assert!(again.text.contains("was already revoked") && again.text.contains("rita"), "{}", again.text);
    let audit = world.get("/api/v1/audit?limit=1000").expect(200).json();
    let entry = audit["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&entry["actor"], &entry["target"]), (&json!("rita"), &json!(format!("requests/{request}"))));
    assert_eq!(entry["after"]["status"], "revoked");
    // It may be asked for again.
    cast.ask(&json!({})).expect(201);
}

#[test]
fn an_expired_approval_is_not_revoked() {
    let cast = cast();
    let request = id(&cast.ask(&json!({})).expect(201));
    cast.decide(&cast.rita, &request, "approved").expect(200);
    cast.decide(&cast.olga, &request, "approved").expect(200);
    cast.world.clock.set(instant(crate::world::START).after_seconds(91 * 86_400));
    let answer = revoke(&cast.world, &cast.rita, &request, "late").expect(409);
    assert!(answer.text.contains("expired"), "{}", answer.text);
}

#[test]
fn approvals_hold_for_a_duration_of_iso_8601() {
    let cast = cast();
    let decide = |request: &str, key: &str, more: Value| {
        let mut body = json!({ "status": "approved" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        cast.world.call_as(key, "POST", &format!("{PATH}/{request}/determinations"), Some(body))
    };
    review(&cast, json!([{ "approvers": { "users": ["rita"] } }]));
    // It is 2026-01-14T23:00:00Z.
    for (duration, end) in [
        ("PT12H", "2026-01-15T11:00:00Z"),
        ("P2W", "2026-01-28T23:00:00Z"),
        ("P3M", "2026-04-14T23:00:00Z"),
        ("P1Y", "2027-01-14T23:00:00Z"),
    ] {
        let request = id(&cast.ask(&json!({})).expect(201));
        let answer = decide(&request, &cast.rita, json!({ "duration": duration })).expect(200).json();
        assert_eq!(answer["document"]["expiresAt"], end);
        assert_eq!(answer["document"]["determinations"][0]["duration"], duration);
    }
    let request = id(&cast.ask(&json!({})).expect(201));
    for wrong in [
        json!({ "duration": "3 months" }),
        json!({ "duration": "P0D" }),
        json!({ "duration": "-P1D" }),
        json!({ "duration": "P101Y" }),
        json!({ "duration": "P99999999999999999999Y" }),
        json!({ "duration": "P1D", "durationDays": 1 }),
        json!({ "durationDays": 0 }),
        json!({ "durationDays": -1 }),
        json!({ "durationDays": 36_501 }),
        json!({ "durationDays": i64::MAX }),
        // Without a value it would be an approval for ever.
        json!({ "durationDays": null }),
        json!({ "duration": null }),
    ] {
        decide(&request, &cast.rita, wrong.clone()).expect(422);
    }
    // Of several durations the shortest holds.
    review(&cast, json!([{ "approvers": { "users": ["rita"] } }, { "approvers": { "users": ["olga"] } }]));
    decide(&request, &cast.rita, json!({ "durationDays": 30 })).expect(200);
    let answer = decide(&request, &cast.olga, json!({ "duration": "P1M" })).expect(200).json();
    assert_eq!(answer["document"]["expiresAt"], "2026-02-13T23:00:00Z");
}

#[test]
fn requester_and_reviewer_see_when_an_approval_would_not_suffice() {
    let cast = cast();
    let world = &cast.world;
    let guardrail = |name: &str, condition: &str| {
        let body = json!({
            "name": name, "type": "guardrail", "level": "entitlements", "condition": condition, "appliesTo": "all"
        });
        put(world, &format!("policies/{name}"), body);
    };
    assert_eq!(cast.ask(&json!({})).expect(201).json()["notices"], json!([]));
    put(world, "groups/Trained", json!({ "name": "Trained" }));
    guardrail("Trained", "@isInGroups('Trained')");
    guardrail("Local", "@hasAttribute('Region','EU')");
    let asked = cast.ask(&json!({ "scope": "write" })).expect(201).json();
    let request = asked["name"].as_str().unwrap().to_owned();
    let shown = world.call_as(&cast.rita, "GET", &format!("{PATH}/{request}"), None).expect(200).json();
    let decided = cast.decide(&cast.rita, &request, "approved").expect(200).json();
    for answer in [asked, shown, decided] {
        let notice = &answer["notices"][0];
        assert_eq!(notice["guardrails"], json!(["Local", "Trained"]), "{answer}");
        assert_eq!(notice["dataSource"], "Orders");
        assert!(notice["message"].as_str().unwrap().contains("blocked by the guardrail `Local`"), "{notice}");
    }
    let eve = json!({ "username": "eve", "groups": ["Trained"], "attributes": { "Region": ["EU"] } });
    put(world, "users/eve", eve);
    let path = format!("{PATH}/{request}");
    assert_eq!(world.call_as(&cast.eve, "GET", &path, None).expect(200).json()["notices"], json!([]));
    // A data source whose policies know no approval.
    let source =
        world.call_as(&cast.eve, "POST", PATH, Some(json!({ "dataSource": "Orders" }))).expect(201).json();
    assert!(source["notices"][0]["message"].as_str().unwrap().contains("level `approval`"), "{source}");
    let grant = json!({ "name": "Ask", "type": "grant", "level": "approval", "appliesTo": "all" });
    put(world, "policies/Ask", grant);
    let path = format!("{PATH}/{}", source["name"].as_str().unwrap());
    assert_eq!(world.call_as(&cast.eve, "GET", &path, None).expect(200).json()["notices"], json!([]));
}
