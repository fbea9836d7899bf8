//! The pages of data products, requests and domains over HTTP: what they list, whom they refuse, what a form accepts.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::console::Browser;
use crate::requests::{Cast, cast};
use crate::world::World;

fn key_of(world: &World, username: &str) -> String {
    let key = json!({ "name": "test", "owner": username });
    let answer = world.call("POST", "/api/v1/api-keys", Some(key)).expect(201);
    answer.json()["secret"].as_str().unwrap().to_owned()
}

/// The names in the first column of a CSV file.
fn first_cells(csv: &str) -> BTreeSet<String> {
    csv.lines().skip(1).map(|line| line.split(',').next().unwrap().to_owned()).collect()
}

/// The count beside *Requests* in the navigation.
fn badge(page: &str) -> usize {
    let count = page.split_once("waiting for you: </span>").map(|(_, rest)| rest.split('<').next().unwrap());
    count.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn the_pages_list_what_the_api_lists() {
    let world = World::new();
    let catalog = world.apply_acme();
    let mut seen = [0; 3];
    let decided = catalog.requests.iter().flat_map(|request| &request.spec.determinations);
    let people = catalog.requests.iter().flat_map(|request| [&request.spec.user]);
    let usernames: BTreeSet<&String> = people.chain(decided.map(|given| &given.by)).collect();
    let permitted = catalog.users.iter().filter(|user| !user.spec.permissions.is_empty());
    let usernames: BTreeSet<&String> =
        usernames.into_iter().chain(permitted.map(|user| &user.spec.username)).collect();
    for username in usernames {
        let user = catalog.users.iter().find(|user| user.spec.username == *username).unwrap();
        if user.spec.status == domesday_model::UserStatus::Disabled {
            continue;
        }
        let key = key_of(&world, username);
        let browser = Browser::sign_in(&world, &key);
        for (number, (view, part)) in
            [("mine", "&part=own"), ("waiting", "&part=review"), ("all", "")].into_iter().enumerate()
        {
            let listed =
                world.call_as(&key, "GET", &format!("/api/v1/requests?limit=1000{part}"), None).json();
            let names: BTreeSet<String> = listed["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].as_str().unwrap().to_owned())
                .collect();
            let csv = browser.get(&format!("/console/requests.csv?view={view}")).expect(200).text;
            assert_eq!(first_cells(&csv), names, "{username} {view}");
            let page = browser.get(&format!("/console/requests?view={view}")).expect(200).text;
            if view == "waiting" {
                assert_eq!(badge(&page), names.len(), "{username}");
            }
            seen[number] += names.len();
            for name in &names {
                browser.get(&format!("/console/requests/{name}")).expect(200);
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 3), "{seen:?}");
}

#[test]
fn pages_and_forms_refuse_whom_the_api_refuses() {
    let world = World::new();
    world.apply_acme();
    let stranger = Browser::sign_in(&world, &key_of(&world, "frank.albrecht"));
    let path = "/console/requests/REQ-1012";
    stranger.get(path).expect(403);
    stranger.get(&format!("{path}/cancel")).expect(403);
    stranger.get(&format!("{path}/revoke")).expect(403);
    for (action, fields) in [
        ("decide", "decision=approve&duration=30"),
        ("decide", "decision=deny&reason="),
        ("decide", ""),
        ("cancel", ""),
        ("revoke", "reason=over"),
        ("revoke", ""),
    ] {
        stranger.post(&format!("{path}/{action}"), fields).expect(403);
    }
    // Who asked may cancel, and neither decides nor revokes.
    let own = Browser::sign_in(&world, &key_of(&world, "dennis.wagner"));
    let page = own.get(path).expect(200).text;
    assert!(page.contains("/cancel\"") && !page.contains("name=\"decision\""), "{page}");
    own.post(&format!("{path}/decide"), "decision=approve&duration=").expect(403);
    own.post(&format!("{path}/decide"), "decision=deny&reason=").expect(403);
    own.get("/console/domains").expect(403);
    own.get("/console/domains/Customer").expect(403);
    own.get("/console/domains.csv").expect(403);
    // Nobody asks for somebody else without GOVERNANCE.
    own.get("/console/products/Customer%20360?for=noah.berg").expect(403);
    own.post("/console/products/Customer%20360", "for=noah.berg").expect(403);
    // A form of nobody's session changes nothing.
    let before = world.get("/api/v1/requests/REQ-1012").json()["etag"].clone();
    let forged = [("cookie", own.cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    world.send("POST", &format!("{path}/cancel"), &forged, Some("csrf=x".to_owned())).expect(403);
    assert_eq!(world.get("/api/v1/requests/REQ-1012").json()["etag"], before);
    // The operator sees all, and neither asks nor decides.
    let operator = Browser::sign_in(&world, &world.admin);
    let page = operator.get(path).expect(200).text;
    assert!(page.contains("decides no request") && !page.contains("name=\"decision\""), "{page}");
    operator.post(&format!("{path}/decide"), "decision=approve&duration=").expect(403);
    operator.post(&format!("{path}/decide"), "decision=deny&reason=no").expect(403);
    assert!(operator.get("/console/products").expect(200).text.contains("asks for none"));
    assert!(!operator.get("/console/products/Finance%20Close").expect(200).text.contains("name=\"once\""));
    operator.post("/console/products/Finance%20Close", "once=1&for=noah.berg").expect(403);
    operator.get("/console/requests/nothing").expect(404);
    operator.get("/console/products/nothing").expect(404);
    operator.get("/console/domains/nothing").expect(404);
    for path in
        ["requests?view=x", "requests?sort=x", "requests?status=x", "products?status=x", "domains?sort=x"]
    {
        operator.get(&format!("/console/{path}")).expect(422);
    }
}

fn requests(cast: &Cast) -> Vec<Value> {
    cast.world.get("/api/v1/requests").json()["items"].as_array().unwrap().clone()
}

#[test]
fn a_form_that_is_sent_twice_makes_one_request_and_one_with_a_mistake_none() {
    let cast = cast();
    let eve = Browser::sign_in(&cast.world, &cast.eve);
    let page = eve.get("/console/products/Sales").expect(200).text;
    // Without a policy of level approval the product gives access by itself.
    assert!(page.contains("Approval would let you read Orders."), "{page}");
    let path = "/console/products/Sales";
    let page = eve.post(path, "once=a&answer:why=&agreement=Care").expect(422).text;
    assert!(page.contains("Answer this question."), "{page}");
    let page = eve.post(path, "once=a&answer:why=%3Cb%3Ework").expect(422).text;
    assert!(page.contains("Accept this agreement") && page.contains("&#60;b&#62;work</textarea>"), "{page}");
    let page =
        eve.post(path, &format!("once=a&agreement=Care&answer:why={}", "x".repeat(10_001))).expect(422).text;
    assert!(page.contains("Shorten this"), "{page}");
    assert_eq!(requests(&cast).len(), 0);
    let body = "once=a&answer:why=work&agreement=Care";
    let first = eve.post(path, body).expect(303);
    let second = eve.post(path, body).expect(303);
    assert_eq!(first.header("location"), second.header("location"));
    assert_eq!(requests(&cast).len(), 1);
    // What is asked for already is said instead of a form.
    let page = eve.get(path).expect(200).text;
    assert!(page.contains("is asked for already") && !page.contains("name=\"once\""), "{page}");
    // The approver of the first step, then of the second.
    let made = first.header("location").split('?').next().unwrap().to_owned();
    let rita = Browser::sign_in(&cast.world, &cast.rita);
    assert_eq!(badge(&rita.get(&made).expect(200).text), 1);
    let page = rita.post(&format!("{made}/decide"), "decision=deny&reason=").expect(422).text;
    assert!(page.contains("Say why: eve will read it."), "{page}");
    rita.post(&format!("{made}/decide"), "decision=approve&duration=x").expect(422);
    rita.post(&format!("{made}/decide"), "decision=approve&duration=0").expect(422);
    let done = rita.post(&format!("{made}/decide"), "decision=approve&duration=30").expect(303);
    let page = rita.get(done.header("location")).expect(200).text;
    assert!(page.contains("The review goes on.") && badge(&page) == 0, "{page}");
    rita.post(&format!("{made}/decide"), "decision=approve&duration=30").expect(403);
    let olga = Browser::sign_in(&cast.world, &cast.olga);
    olga.post(&format!("{made}/decide"), "decision=approve&duration=").expect(303);
    assert_eq!(cast.access(), 1);
    assert!(eve.get(path).expect(200).text.contains("You are a member by the request"));
    olga.post(&format!("{made}/revoke"), "reason=+").expect(422);
    eve.post(&format!("{made}/revoke"), "reason=over").expect(403);
    let done = olga.post(&format!("{made}/revoke"), "reason=over").expect(303);
    assert!(olga.get(done.header("location")).expect(200).text.contains("The request is revoked."));
    assert_eq!(cast.access(), 0);
    olga.post(&format!("{made}/revoke"), "reason=over").expect(409);
}

#[test]
fn who_decides_sees_no_more_of_a_user_than_the_api_shows() {
    let cast = cast();
    cast.world.apply(json!({ "users": [{ "username": "eve", "name": "Eve Adams", "title": "Analyst" }] }));
    let asked = cast.ask(&json!({})).expect(201).json();
    let path = format!("/console/requests/{}", asked["name"].as_str().unwrap());
    let rita = Browser::sign_in(&cast.world, &cast.rita);
    let page = rita.get(&path).expect(200).text;
    assert!(
        page.contains("Sales for eve") && !page.contains("Eve Adams") && !page.contains("Analyst"),
        "{page}"
    );
    assert!(page.contains("Approval would give all of the access that is asked for."), "{page}");
    let olga = Browser::sign_in(&cast.world, &cast.olga);
    olga.get(&path).expect(403);
    let auditor = Browser::sign_in(&cast.world, &cast.world.user("audrey", &["AUDIT"]));
    let page = auditor.get(&path).expect(200).text;
    assert!(page.contains("Sales for Eve Adams") && page.contains("Analyst"), "{page}");
    assert!(page.contains("Approval would let Eve Adams read Orders."), "{page}");
}
