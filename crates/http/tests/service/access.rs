//! Access queries against the engine's own outcomes, and what changes them.

use std::collections::BTreeSet;
use std::sync::Arc;

use domesday_engine::{Outcome, evaluate};
use domesday_model::{Scope, Snapshot};
use serde_json::{Value, json};

use crate::world::{World, instant};

/// A row as both sides tell it.
type Row = (String, String, String, String);

/// Every row that the engine says a catalog has.
fn expected(snapshot: &Arc<Snapshot>) -> BTreeSet<Row> {
    let outcomes = evaluate(Arc::clone(snapshot));
    let mut rows = BTreeSet::new();
    for of in outcomes.sources() {
        let class = outcomes.class(of.class);
        for scope in Scope::ALL {
            let in_scope = class.scope(scope);
            for (user, reason) in in_scope.users.iter().zip(&in_scope.reason_of) {
                let outcome = match in_scope.reasons[*reason as usize].outcome {
                    Outcome::Granted => "GRANTED",
                    Outcome::Blocked => "BLOCKED",
                };
                rows.insert((
                    snapshot.data_sources[of.source.get()].name.to_string(),
                    scope.as_str().to_owned(),
                    snapshot.users[user.get()].username.to_string(),
                    outcome.to_owned(),
                ));
            }
        }
    }
    rows
}

/// Every row of a query, page by page; fails when a total is not what the pages hold.
fn pages(world: &World, query: &str, limit: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/api/v1/access?{query}&limit={limit}{cursor}")).expect(200).json();
        let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
        rows.extend(page["items"].as_array().unwrap().iter().map(|row| {
            (text(row, "dataSource"), text(row, "scope"), text(row, "user"), text(row, "outcome"))
        }));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => {
                assert_eq!(page["total"], rows.len(), "{query}");
                return rows;
            }
        }
    }
}

fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn pages_hold_what_the_engine_says_by_user_and_by_source() {
    let world = World::new();
    let catalog = world.apply_acme();
    let snapshot = Arc::new(Snapshot::of_catalog(&catalog, world.clock.now()).unwrap());
    let wanted = expected(&snapshot);
    assert!(wanted.len() > 500);
    let mut by_user = BTreeSet::new();
    for user in snapshot.users.iter() {
        let rows = pages(&world, &format!("user={}", encoded(&user.username)), 7);
        let count = rows.len();
        let before = by_user.len();
        by_user.extend(rows);
        assert_eq!(by_user.len(), before + count, "a row came twice for {}", user.username);
    }
    assert_eq!(by_user, wanted);
    let mut by_source = BTreeSet::new();
    for source in snapshot.data_sources.iter() {
        by_source.extend(pages(&world, &format!("dataSource={}", encoded(&source.name)), 9));
    }
    assert_eq!(by_source, wanted);
    // The filters, and a pair.
    let (source, scope, user, outcome) = wanted.iter().find(|row| row.3 == "BLOCKED").unwrap();
    let rows = pages(&world, &format!("user={}&outcome=blocked&scope=read", encoded(user)), 3);
    let wanted_rows: BTreeSet<_> = wanted
        .iter()
        .filter(|row| row.2 == *user && row.3 == "BLOCKED" && row.1 == "READ")
        .cloned()
        .collect();
    assert_eq!(rows.into_iter().collect::<BTreeSet<_>>(), wanted_rows);
    let rows = pages(&world, &format!("dataSource={}&outcome=granted&scope=write", encoded(source)), 3);
    assert!(rows.iter().all(|row| row.1 == "WRITE" && row.3 == "GRANTED"));
    let pair = pages(&world, &format!("user={}&dataSource={}", encoded(user), encoded(source)), 3);
    assert!(pair.contains(&(source.clone(), scope.clone(), user.clone(), outcome.clone())));
}

fn small(world: &World) {
    world.apply(json!({
        "groups": [{ "name": "A" }],
        "users": [{ "username": "ada", "groups": ["A"] }, { "username": "bob" }, { "username": "eve" }],
        "dataSources": [
            {
                "name": "S", "platform": "postgres", "owners": ["bob"],
                "columns": [{ "name": "iban", "type": "text" }]
            },
            { "name": "T", "platform": "postgres" }
        ],
        "policies": [
            { "name": "A reads", "type": "grant", "condition": "@isInGroups('A')", "appliesTo": "all" }
        ],
        "dataPolicies": [{
            "name": "Mask", "mask": { "kind": "null" }, "columns": { "names": ["iban"] }, "appliesTo": "all"
        }]
    }));
}

#[test]
fn a_change_of_policy_shows_in_the_next_answer() {
    let world = World::new();
    small(&world);
    let total = || world.get("/api/v1/access?user=ada").expect(200).json()["total"].clone();
    assert_eq!(total(), 2);
    for (condition, wanted) in [("@isInGroups('A') AND NOT @isInGroups('A')", 0), ("@isInGroups('A')", 2)] {
        let policy =
            json!({ "name": "A reads", "type": "grant", "condition": condition, "appliesTo": "all" });
        world.call("PUT", "/api/v1/policies/A%20reads", Some(policy)).expect(200);
        assert_eq!(total(), wanted);
    }
    world.call("DELETE", "/api/v1/policies/A%20reads", None).expect(204);
    assert_eq!(total(), 0);
}

#[test]
fn a_row_says_why_and_what_is_masked() {
    let world = World::new();
    small(&world);
    let page = world.get("/api/v1/access?dataSource=S&scope=read").expect(200).json();
    assert_eq!(page["total"], 2);
    let ada = &page["items"][0];
    assert_eq!(ada["user"], "ada");
    assert_eq!((&ada["reasons"], &ada["grants"]), (&json!(["POLICY"]), &json!(["A reads"])));
    assert_eq!(ada["maskedColumns"], json!(["iban"]));
    assert_eq!(page["items"][1]["reasons"], json!(["OWNER"]));
    let why = world.get("/api/v1/access/explain?user=eve&dataSource=S").expect(200).json();
    assert_eq!(why["access"], "NONE");
    assert_eq!(why["grants"][0]["condition"]["holds"], false);
    assert!(!why["ways"].as_array().unwrap().is_empty());
    let column = |user: &str| format!("/api/v1/access/explain?user={user}&dataSource=S&column=iban");
    let seen = world.get(&column("ada")).expect(200).json();
    assert_eq!((&seen["sight"], &seen["policies"][0]["name"]), (&json!("MASKED"), &json!("Mask")));
    assert_eq!((&seen["read"]["user"], &seen["read"]["access"]), (&json!("ada"), &json!("GRANTED")));
    assert_eq!(world.get(&column("eve")).expect(200).json()["sight"], "UNREADABLE");
    world.get(&format!("{}&scope=read", column("eve"))).expect(200);
    world.get(&format!("{}&scope=write", column("eve"))).expect(422);
    world.get("/api/v1/access/explain?user=eve&dataSource=S&column=no").expect(404);
}

#[test]
fn an_approval_ends_without_any_change() {
    let world = World::new();
    small(&world);
    let policy = json!({ "name": "Ask", "type": "grant", "level": "approval", "appliesTo": "all" });
    world.call("PUT", "/api/v1/policies/Ask", Some(policy)).expect(201);
    let request = json!({
        "id": "R1", "type": "dataAccess", "user": "eve", "dataSource": "T", "status": "approved",
        "createdAt": "2026-01-01T00:00:00Z", "expiresAt": "2026-01-20T00:00:00Z"
    });
    world.call("PUT", "/api/v1/requests/R1", Some(request)).expect(201);
    let page = || world.get("/api/v1/access?user=eve").expect(200).json();
    assert_eq!(page()["items"][0]["requestId"], "R1");
    world.clock.set(instant("2026-01-19T23:59:59Z"));
    assert_eq!(page()["total"], 1);
    world.clock.set(instant("2026-01-20T00:00:00Z"));
    assert_eq!(page()["total"], 0);
}

#[test]
fn everybody_asks_for_themselves_and_owners_for_their_sources() {
    let world = World::new();
    small(&world);
    let [ada, bob] = ["ada", "bob"].map(|name| {
        let key = json!({ "name": "test", "owner": name });
        let answer = world.call("POST", "/api/v1/api-keys", Some(key)).expect(201);
        answer.json()["secret"].as_str().unwrap().to_owned()
    });
    let ask = |key: &str, query: &str| world.call_as(key, "GET", &format!("/api/v1/access{query}"), None);
    ask(&ada, "?user=ada").expect(200);
    ask(&ada, "?user=ada&dataSource=S").expect(200);
    ask(&ada, "/explain?user=ada&dataSource=S").expect(200);
    ask(&ada, "/explain?user=ada&dataSource=S&column=iban").expect(200);
    ask(&ada, "/explain?user=bob&dataSource=S&column=iban").expect(403);
    ask(&ada, "/explain?user=bob&dataSource=S&column=no").expect(403);
    ask(&ada, "?user=bob").expect(403);
    ask(&ada, "?user=nobody").expect(403);
    ask(&ada, "?dataSource=S").expect(403);
    ask(&ada, "?dataSource=nothing").expect(403);
    ask(&bob, "?dataSource=S").expect(200);
    ask(&bob, "?dataSource=S&user=ada").expect(200);
    ask(&bob, "/explain?user=ada&dataSource=S").expect(200);
    ask(&bob, "?dataSource=T").expect(403);
    ask(&world.admin, "?user=nobody").expect(404);
    ask(&world.admin, "?dataSource=nothing").expect(404);
    ask(&world.admin, "").expect(422);
    ask(&world.admin, "?datasource=S&user=ada").expect(400);
}

/// A bait: a data source of `eve`, registered to learn about others.
fn bait(world: &World) -> String {
    world.apply(json!({
        "groups": [{ "name": "Board", "attributes": { "Clearance": ["violet"] } }, { "name": "Auditors" }, { "name": "Nobody" }],
        "users": [
            { "username": "ada", "groups": ["Board"], "attributes": { "Region": ["Atlantis"] } },
            { "username": "eve", "permissions": ["CREATE_DATA_SOURCE"], "groups": ["Auditors"] }
        ],
        "policies": [
            { "name": "By group", "type": "grant", "condition": "@isInGroups('Board')", "appliesTo": "all" },
            { "name": "By region", "type": "grant", "condition": "@hasAttribute('Region', 'Atlantis')", "appliesTo": "all" },
            { "name": "Own way", "type": "grant", "condition": "@isInGroups('Auditors')", "appliesTo": "all" },
            {
                "name": "Cleared", "type": "guardrail", "condition": "@hasAttribute('Clearance', 'violet')",
                "appliesTo": { "tagged": ["Shut"] }
            },
            { "name": "Open", "type": "guardrail", "condition": "NOT @isInGroups('Nobody')", "appliesTo": "all" }
        ],
        "tags": ["Shut"]
    }));
    let key = json!({ "name": "test", "owner": "eve" });
    let eve = world.call("POST", "/api/v1/api-keys", Some(key)).expect(201).json();
    let eve = eve["secret"].as_str().unwrap().to_owned();
    for (name, tags) in [("Bait", json!([])), ("Shut", json!(["Shut"]))] {
        let source = json!({
            "name": name, "platform": "postgres", "owners": ["eve"], "tags": tags,
            "columns": [{ "name": "c", "type": "text" }]
        });
        world.call_as(&eve, "POST", "/api/v1/data-sources", Some(source)).expect(201);
    }
    eve
}

#[test]
fn an_owner_sees_who_reaches_their_source_and_nothing_of_what_those_have() {
    let world = World::new();
    let eve = bait(&world);
    let get = |path: &str| world.call_as(&eve, "GET", path, None).expect(200);
    for source in ["Bait", "Shut"] {
        let page = get(&format!("/api/v1/access?dataSource={source}")).json();
        let rows = page["items"].as_array().unwrap();
        let ada = rows.iter().find(|row| row["user"] == "ada").unwrap();
        assert_eq!((&ada["outcome"], &ada["reasons"]), (&json!("GRANTED"), &json!(["POLICY"])));
        assert_eq!((&ada["grants"], &ada["guardrails"]), (&json!([]), &json!([])));
        for query in ["", "&column=c"] {
            for user in ["ada", "eve"] {
                let answer = get(&format!("/api/v1/access/explain?dataSource={source}&user={user}{query}"));
                let text = &answer.text;
                for secret in ["Board", "Atlantis", "Region", "By group", "By region"] {
                    assert!(!text.contains(secret), "{source}, {user}: {secret} in {text}");
                }
                if user == "ada" {
                    assert!(!text.contains("violet") && !text.contains("Cleared"), "{text}");
                }
            }
        }
    }
    // What becomes of oneself is shown with what admits and what stops.
    let own = get("/api/v1/access/explain?dataSource=Shut&user=eve").json();
    assert_eq!(own["access"], "BLOCKED");
    let names =
        |list: &Value| list.as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&own["grants"]), ["Own way"]);
    assert_eq!(names(&own["guardrails"]), ["Cleared"]);
    assert!(own.get("mergedPolicy").is_none());
    let rows = get("/api/v1/access?user=eve").json();
    assert_eq!(rows["items"][0]["grants"], json!(["Own way"]));
    // Who may see everything does.
    let whole = world.get("/api/v1/access/explain?dataSource=Bait&user=ada").expect(200);
    assert!(whole.text.contains("Atlantis") && whole.text.contains("By group"));
}
