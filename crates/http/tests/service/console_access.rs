//! The pages of access over HTTP: who sees which, what they show, how lists are filtered, and CSV.

use domesday_model::Kind;
use serde_json::{Value, json};

use crate::console::Browser;
use crate::world::World;

fn id(world: &World, kind: Kind, name: &str) -> i64 {
    world.store().object(kind, name).unwrap().unwrap().id
}

/// The example company, with a key of a user.
fn key_of(world: &World, username: &str) -> String {
    let key = json!({ "name": "test", "owner": username });
    let answer = world.call("POST", "/api/v1/api-keys", Some(key)).expect(201);
    answer.json()["secret"].as_str().unwrap().to_owned()
}

/// The number of rows in the answer of the API.
fn total(world: &World, query: &str) -> u64 {
    world.get(&format!("/api/v1/access?{query}")).expect(200).json()["total"].as_u64().unwrap()
}

/// The number of rows in a list of the console, which its pager shows.
fn shown(page: &str) -> u64 {
    let Some((_, rest)) = page.split_once("<span role=\"status\">") else { return 0 };
    let range = rest.split('<').next().unwrap();
    let count = range.rsplit(" of ").next().unwrap().split(' ').next().unwrap();
    count.replace(',', "").parse().unwrap()
}

#[test]
fn lists_show_what_the_api_answers() {
    let world = World::new();
    world.apply_acme();
    let browser = Browser::sign_in(&world, &world.admin);
    let source = id(&world, Kind::DataSource, "Web Orders");
    let path = format!("/console/access/data-source/{source}");
    for (console, api) in [
        ("", ""),
        ("outcome=GRANTED", "&outcome=GRANTED"),
        ("outcome=BLOCKED&scope=READ", "&outcome=BLOCKED&scope=READ"),
        ("scope=WRITE", "&scope=WRITE"),
    ] {
        let page = browser.get(&format!("{path}?{console}")).expect(200).text;
        assert_eq!(shown(&page), total(&world, &format!("dataSource=Web%20Orders{api}")), "{console}");
    }
    let user = id(&world, Kind::User, "frank.albrecht");
    let page = browser.get(&format!("/console/access/user/{user}")).expect(200).text;
    assert_eq!(shown(&page), total(&world, "user=frank.albrecht"));
    assert!(page.contains("<h1>Frank Albrecht</h1>"), "{page}");

    // Every row is on one page, and each page has its own.
    let first = browser.get(&format!("{path}?sort=-name")).expect(200).text;
    let second = browser.get(&format!("{path}?sort=-name&page=2")).expect(200).text;
    let row = |page: &str| page.split("<tbody>").nth(1).unwrap().split("</th>").next().unwrap().to_owned();
    assert_ne!(row(&first), row(&second));
    assert!(first.contains("aria-sort=\"descending\""));
    let empty = browser.get(&format!("{path}?q=nobody+at+all")).expect(200).text;
    assert!(empty.contains("No row fits the filter."), "{empty}");
    browser.get(&format!("{path}?outcome=SOMETIMES")).expect(422);
    browser.get("/console/access/data-source/999999").expect(404);
    browser.get("/console/access/data-source/x").expect(404);

    let old = world.send("GET", &format!("/data-sources/{source}"), &[], None).expect(303);
    assert_eq!(old.header("location"), path);
}

#[test]
fn a_pair_is_explained_as_the_api_explains_it() {
    let world = World::new();
    world.apply_acme();
    let browser = Browser::sign_in(&world, &world.admin);
    let (user, source) =
        (id(&world, Kind::User, "frank.albrecht"), id(&world, Kind::DataSource, "Dealer Contacts"));
    let path = format!("/console/access/user/{user}/data-source/{source}");
    let page = browser.get(&path).expect(200).text;
    let query = "user=frank.albrecht&dataSource=Dealer%20Contacts";
    let explained = world.get(&format!("/api/v1/access/explain?{query}")).expect(200).json();
    assert_eq!(explained["access"], "BLOCKED");
    assert!(
        page.contains("Frank Albrecht cannot read Dealer Contacts: granted as an owner, but blocked by"),
        "{page}"
    );
    for step in ["grants", "guardrails"] {
        for policy in explained[step].as_array().unwrap() {
            assert!(page.contains(policy["name"].as_str().unwrap()), "{policy}");
        }
    }
    assert!(page.contains("Have the attribute Training = GDPR.2026"), "{page}");
    assert!(
        browser.get(&format!("{path}?scope=WRITE")).expect(200).text.contains("cannot write Dealer Contacts")
    );
    browser.get(&format!("{path}?column=nothing")).expect(404);
    let column = explained["columns"].as_array().and_then(|columns| columns.first()).map(Value::to_string);
    assert_eq!(column, None, "who cannot read sees no column");
}

#[test]
fn who_sees_which_access() {
    let world = World::new();
    world.apply_acme();
    let (frank, noah) = (id(&world, Kind::User, "frank.albrecht"), id(&world, Kind::User, "noah.berg"));
    let owned = id(&world, Kind::DataSource, "Dealer Contacts");
    let owner = Browser::sign_in(&world, &key_of(&world, "frank.albrecht"));
    // An owner sees who reaches it, and not by which policy.
    let page = owner.get(&format!("/console/access/data-source/{owned}")).expect(200).text;
    assert!(!page.contains("name=\"policy\""), "{page}");
    for row in page.split("<tr>").filter(|row| row.contains("GDPR training")) {
        assert!(row.contains("frank.albrecht"), "only their own row: {row}");
    }
    let csv = owner.get(&format!("/console/access/data-source/{owned}/csv")).expect(200).text;
    for line in csv.lines().filter(|line| line.contains("GDPR training")) {
        assert!(line.starts_with("frank.albrecht,"), "{line}");
    }
    let policy = id(&world, Kind::Policy, "GDPR training");
    for path in [
        format!("/console/access/data-source/{owned}?policy={policy}"),
        format!("/console/access?policy={policy}"),
    ] {
        owner.get(&path).expect(403);
    }
    // Each user sees themselves, with what stops them.
    let pair = owner.get(&format!("/console/access/user/{frank}/data-source/{owned}")).expect(200).text;
    assert!(pair.contains("GDPR training"), "{pair}");
    owner.get(&format!("/console/access/user/{frank}")).expect(200);
    for path in [
        format!("/console/access/user/{noah}"),
        format!("/console/access/user/{noah}/csv"),
        "/console/access/user/999999".to_owned(),
        "/console/access/data-source/999999".to_owned(),
        "/console/access?group=Sales".to_owned(),
    ] {
        let page = owner.get(&path).expect(403).text;
        assert!(
            page.contains("<h1>Not permitted</h1>") && page.contains("AUDIT or GOVERNANCE"),
            "{path}: {page}"
        );
    }
    let other = Browser::sign_in(&world, &key_of(&world, "noah.berg"));
    // Of other people an owner sees the username alone, as the API answers.
    let list = owner.get(&format!("/console/access/data-source/{owned}")).expect(200).text;
    for user in world.get("/api/v1/users?limit=1000").json()["items"].as_array().unwrap() {
        let name = user["document"]["name"].as_str().unwrap_or("-");
        assert!(name == "Frank Albrecht" || !list.contains(&format!(">{name}<")), "{name}");
    }
    // Ids lead nobody to what they know nothing of.
    let mut unknown = 0;
    for id in 1..60 {
        let answer = other.get(&format!("/console/access/user/{noah}/data-source/{id}"));
        if answer.status == 404 {
            unknown += 1;
        } else {
            let owns = answer.text.contains("granted as an owner");
            assert_eq!(answer.text.contains("<dt>Where</dt>"), owns, "{}", answer.text);
        }
    }
    assert!(unknown > 0);
    // The search finds what one may see.
    let found = other.get("/console/access?q=frank").expect(200).text;
    assert!(!found.contains("Frank Albrecht"), "{found}");
    let suggested = other.get("/console/access/suggest?q=GDPR").expect(200).text;
    assert!(!suggested.contains("GDPR training"), "{suggested}");
    let reader = Browser::sign_in(&world, &world.admin);
    let found = reader.get("/console/access?q=frank").expect(200).text;
    assert!(found.contains(&format!("/console/access/user/{frank}\"")), "{found}");
    assert!(reader.get("/console/access/suggest?q=gdpr").expect(200).text.contains("GDPR training"));
}

#[test]
fn names_are_escaped_on_every_page_and_quoted_in_csv() {
    let world = World::new();
    let hostile = "<script>alert(1)</script>\" onfocus='x' {{7*7}}";
    let group = format!("G {hostile}");
    world.apply(json!({
        "tags": [{ "name": "T" }],
        "groups": [{ "name": group }],
        "users": [{ "username": "eve", "name": format!("=cmd|' /C calc'!A0 {hostile}"), "title": hostile, "groups": [group] }],
        "domains": [{ "name": format!("D {hostile}") }],
        "dataSources": [{
            "name": format!("S {hostile}"), "platform": hostile, "table": hostile, "domain": format!("D {hostile}"),
            "owners": ["eve"], "tags": ["T"], "columns": [{ "name": hostile, "type": "STRING", "description": hostile }]
        }],
        "policies": [{ "name": format!("P {hostile}"), "type": "grant", "scope": "read", "level": "anyone", "appliesTo": { "tagged": ["T"] } }]
    }));
    let browser = Browser::sign_in(&world, &world.admin);
    let (user, source) =
        (id(&world, Kind::User, "eve"), id(&world, Kind::DataSource, &format!("S {hostile}")));
    let escaped = "%3Cscript%3E%22%27";
    for path in [
        format!("/console/access/data-source/{source}"),
        format!("/console/access/data-source/{source}?q={escaped}"),
        format!("/console/access/user/{user}"),
        format!("/console/access/user/{user}/data-source/{source}"),
        "/console/access?q=script".to_owned(),
        format!("/console/access?q={escaped}"),
        "/console/access/suggest?q=script".to_owned(),
        format!("/console/nothing/{escaped}"),
        format!("/console/access?group={escaped}"),
    ] {
        let page = browser.get(&path).text;
        assert!(!page.contains("<script>") && !page.contains("\" onfocus"), "{path}: {page}");
    }
    let csv = browser.get(&format!("/console/access/data-source/{source}/csv")).expect(200);
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(csv.text.contains(",\"'=cmd|' /C calc'!A0 <script>"), "{}", csv.text);
    assert!(csv.text.contains("\"\" onfocus"), "{}", csv.text);
}
