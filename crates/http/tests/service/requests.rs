//! Asking for access and deciding on it.

use serde_json::{Value, json};

use crate::world::World;

/// Products that are alike, so that one user may ask for several things at a time.
const PRODUCTS: [&str; 5] = ["Sales", "Sales-1", "Sales-2", "Sales-3", "Sales-4"];

pub(crate) const PATH: &str = "/api/v1/requests";

pub(crate) struct Cast {
    pub(crate) world: World,
    pub(crate) eve: String,
    pub(crate) olga: String,
    pub(crate) rita: String,
}

/// Eve asks; Rita reviews first, then Olga, who owns the data.
pub(crate) fn cast() -> Cast {
    let world = World::new();
    let [eve, olga, rita] = ["eve", "olga", "rita"].map(|name| world.user(name, &[]));
    let put = |path: &str, body: Value| world.call("PUT", &format!("/api/v1/{path}"), Some(body)).expect(201);
    put("data-sources/Orders", json!({ "name": "Orders", "platform": "postgres", "owners": ["olga"] }));
    put("agreements/Care", json!({ "name": "Care", "version": 3, "text": "Handle with care." }));
    put(
        "request-forms/Two%20steps",
        json!({
            "name": "Two steps", "version": 1,
            "questions": [{ "id": "why", "text": "Why?", "kind": "text", "required": true }],
            "review": [{ "approvers": { "users": ["rita"] } }, { "approvers": { "owners": true } }]
        }),
    );
    for name in PRODUCTS {
        put(
            &format!("data-products/{name}"),
            json!({
                "name": name, "createdBy": "olga", "dataSources": ["Orders"], "form": "Two steps",
                "agreements": ["Care"]
            }),
        );
    }
    Cast { world, eve, olga, rita }
}

impl Cast {
    pub(crate) fn ask(&self, more: &Value) -> crate::world::ApiResponse {
        let mut asked =
            json!({ "dataProduct": "Sales", "answers": { "why": "work" }, "agreements": ["Care"] });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.world.call_as(&self.eve, "POST", PATH, Some(asked))
    }

    pub(crate) fn decide(&self, key: &str, id: &str, status: &str) -> crate::world::ApiResponse {
        let decision = json!({ "status": status, "durationDays": 90 });
        self.world.call_as(key, "POST", &format!("{PATH}/{id}/determinations"), Some(decision))
    }

    pub(crate) fn access(&self) -> Value {
        self.world.call_as(&self.eve, "GET", "/api/v1/access?user=eve", None).expect(200).json()["total"]
            .clone()
    }
}

#[test]
fn a_request_goes_through_its_steps_and_gives_access() {
    let cast = cast();
    let asked = cast.ask(&json!({})).expect(201).json();
    let id = asked["name"].as_str().unwrap();
    assert_eq!(asked["document"]["status"], "pending");
    assert_eq!(asked["document"]["agreements"][0]["version"], 3);
    assert_eq!(cast.access(), 0);
    // Olga's turn comes second, Eve's never, and the administrator is nobody who could have decided.
    cast.decide(&cast.olga, id, "approved").expect(403);
    cast.decide(&cast.eve, id, "approved").expect(403);
    cast.decide(&cast.world.admin, id, "approved").expect(403);
    let first = cast.decide(&cast.rita, id, "approved").expect(200).json();
    assert_eq!(first["document"]["status"], "pending");
    cast.decide(&cast.rita, id, "approved").expect(403);
    let second = cast.decide(&cast.olga, id, "approved").expect(200).json();
    assert_eq!(second["document"]["status"], "approved");
    assert_eq!(second["document"]["expiresAt"], "2026-04-14T23:00:00Z");
    assert_eq!(cast.access(), 1);
    cast.decide(&cast.world.user("gov", &["GOVERNANCE"]), id, "denied").expect(409);
}

#[test]
fn a_denial_ends_it_and_governance_decides_for_good() {
    let cast = cast();
    let id = |asked: crate::world::ApiResponse| asked.expect(201).json()["name"].as_str().unwrap().to_owned();
    let denied = id(cast.ask(&json!({})));
    assert_eq!(cast.decide(&cast.rita, &denied, "denied").expect(200).json()["document"]["status"], "denied");
    let governance = cast.world.user("gov", &["GOVERNANCE"]);
    let approved = id(cast.ask(&json!({})));
    let answer = cast.decide(&governance, &approved, "approved").expect(200).json();
    assert_eq!(answer["document"]["status"], "approved");
    let canceled = id(cast.ask(&json!({})));
    let path = format!("{PATH}/{canceled}/cancel");
    cast.world.call_as(&cast.rita, "POST", &path, None).expect(403);
    let answer = cast.world.call_as(&cast.eve, "POST", &path, None).expect(200).json();
    assert_eq!(answer["document"]["status"], "canceled");
    cast.world.call_as(&cast.eve, "POST", &path, None).expect(409);
    // Eve reads what is hers, Rita does not.
    cast.world.call_as(&cast.eve, "GET", &format!("{PATH}/{canceled}"), None).expect(200);
    cast.world.call_as(&cast.rita, "GET", &format!("{PATH}/{canceled}"), None).expect(403);
}

#[test]
fn everybody_lists_what_they_have_a_part_in() {
    let cast = cast();
    let [zoe, auditor, governance] = [("zoe", &[][..]), ("audrey", &["AUDIT"]), ("gov", &["GOVERNANCE"])]
        .map(|(name, permissions)| cast.world.user(name, permissions));
    let ask = |product: &str| {
        let asked = cast.ask(&json!({ "dataProduct": product })).expect(201);
        asked.json()["name"].as_str().unwrap().to_owned()
    };
    let mut asked: Vec<String> = PRODUCTS.into_iter().map(ask).collect();
    asked.sort_unstable();
    let list = |key: &str, query: &str| {
        let mut names = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("{PATH}?limit=2{query}{cursor}");
            let page = cast.world.call_as(key, "GET", &path, None).expect(200).json();
            let items = page["items"].as_array().unwrap();
            names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => {
                    assert_eq!(page["total"], names.len(), "{query}");
                    return names;
                }
            }
        }
    };
    // The first step is Rita's, and Olga waits for it.
    for (key, all) in [
        (&cast.eve, true),
        (&cast.rita, true),
        (&cast.olga, false),
        (&zoe, false),
        (&auditor, true),
        (&governance, true),
    ] {
        assert_eq!(list(key, ""), if all { asked.clone() } else { vec![] });
    }
    cast.decide(&cast.rita, &asked[0], "approved").expect(200);
    cast.decide(&cast.rita, &asked[1], "denied").expect(200);
    // Who decided goes on seeing what they decided.
    assert_eq!(list(&cast.rita, ""), asked);
    assert_eq!(list(&cast.rita, "&part=review"), asked[2..]);
    assert_eq!(list(&cast.rita, "&status=denied"), asked[1..2]);
    assert_eq!(list(&cast.rita, "&part=own"), Vec::<String>::new());
    assert_eq!(list(&cast.olga, "&part=review"), asked[..1]);
    cast.world.call_as(&cast.olga, "GET", &format!("{PATH}/{}", asked[0]), None).expect(200);
    cast.world.call_as(&cast.rita, "GET", &format!("{PATH}/{}", asked[0]), None).expect(200);
    cast.world.call_as(&zoe, "GET", &format!("{PATH}/{}", asked[0]), None).expect(403);
    assert_eq!(list(&cast.eve, "&part=own"), asked);
    assert_eq!(list(&cast.eve, "&status=denied"), asked[1..2]);
    assert_eq!(list(&cast.eve, "&part=review"), Vec::<String>::new());
    assert_eq!(list(&auditor, "&status=pending").len(), 4);
    assert_eq!(list(&auditor, "&part=review"), Vec::<String>::new());
    assert_eq!(list(&governance, "&part=review&status=pending").len(), 4);
    assert_eq!(list(&governance, "&part=review&status=denied"), Vec::<String>::new());
    assert_eq!(list(&cast.world.admin, ""), asked);
    assert_eq!(list(&cast.world.admin, "&part=review"), Vec::<String>::new(), "it is no user");
    cast.world.call_as(&cast.eve, "GET", &format!("{PATH}?status=lost"), None).expect(400);
}

#[test]
fn what_is_incomplete_is_refused() {
    let cast = cast();
    for (wrong, word) in [
        (json!({ "answers": {} }), "answers.why"),
        (json!({ "agreements": [] }), "Care"),
        (json!({ "dataSource": "Orders" }), "one of"),
        (json!({ "dataProduct": "Nothing" }), "Nothing"),
        (json!({ "columns": ["x"], "type": "maskingException" }), "names a data source"),
        (json!({ "columns": ["x"] }), "columns"),
    ] {
        let answer = cast.ask(&wrong).expect(422);
        assert!(answer.text.contains(word), "{wrong}: {}", answer.text);
    }
    cast.ask(&json!({ "user": "olga" })).expect(403);
}
