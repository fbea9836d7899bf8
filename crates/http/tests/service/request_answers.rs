//! What a request may hold, and how much.

use serde_json::{Value, json};

use crate::requests::{PATH, cast};
use crate::world::World;

/// A world with a product whose form asks one question of each kind.
fn form_of_every_kind() -> (World, String) {
    let world = World::new();
    let eve = world.user("eve", &[]);
    let put = |path: &str, body: Value| world.call("PUT", &format!("/api/v1/{path}"), Some(body)).expect(201);
    put("data-sources/Orders", json!({ "name": "Orders", "platform": "postgres" }));
    let question = |id: &str, kind: &str| json!({ "id": id, "text": "?", "kind": kind });
    put(
        "request-forms/Kinds",
        json!({
            "name": "Kinds", "version": 1,
            "questions": [
                question("text", "text"), question("number", "number"), question("date", "date"),
                question("boolean", "boolean"),
                { "id": "choice", "text": "?", "kind": "choice", "choices": ["a", "b"] }
            ]
        }),
    );
    put(
        "data-products/Kinds",
        json!({ "name": "Kinds", "createdBy": "eve", "dataSources": ["Orders"], "form": "Kinds" }),
    );
    put("data-products/Plain", json!({ "name": "Plain", "createdBy": "eve", "dataSources": ["Orders"] }));
    (world, eve)
}

/// Sends a request with these answers as they are written.
fn ask(world: &World, key: &str, answers: &str) -> crate::world::ApiResponse {
    let body = format!(r#"{{ "dataProduct": "Kinds", "answers": {answers} }}"#);
    world.send("POST", PATH, &[("authorization", key)], Some(body))
}

#[test]
fn only_the_questions_of_the_form_are_answered_each_in_its_kind() {
    let (world, eve) = form_of_every_kind();
    let nested = format!("{}1{}", "[".repeat(124), "]".repeat(124));
    let long = "x".repeat(10_001);
    for wrong in [
        r#"{ "other": "x" }"#.to_owned(),
        r#"{ "text": 1 }"#.to_owned(),
        r#"{ "text": ["x"] }"#.to_owned(),
        r#"{ "text": { "a": 1 } }"#.to_owned(),
        r#"{ "text": "\ud800" }"#.to_owned(),
        format!(r#"{{ "text": {nested} }}"#),
        format!(r#"{{ "text": "{long}" }}"#),
        r#"{ "number": "1" }"#.to_owned(),
        r#"{ "number": 1e400 }"#.to_owned(),
        format!(r#"{{ "number": {} }}"#, "1".repeat(200_000)),
        r#"{ "date": "2026-02-30" }"#.to_owned(),
        r#"{ "date": "2026-02-03T00:00:00Z" }"#.to_owned(),
        r#"{ "boolean": "yes" }"#.to_owned(),
        r#"{ "choice": "c" }"#.to_owned(),
    ] {
        let answer = ask(&world, &eve, &wrong);
        assert!([400, 422].contains(&answer.status), "{}: {}", &wrong[..wrong.len().min(60)], answer.text);
        assert!(answer.text.len() < 2_000, "a refusal does not send the body back");
    }
    assert_eq!(world.get(PATH).expect(200).json()["total"], 0);
    for target in [json!({ "dataSource": "Orders" }), json!({ "dataProduct": "Plain" })] {
        let mut body = target;
        body["answers"] = json!({ "why": "x" });
        let answer = world.call_as(&eve, "POST", PATH, Some(body)).expect(422);
        assert!(answer.text.contains("takes no answers"), "{}", answer.text);
    }
}

#[test]
fn answers_come_out_as_they_were_written() {
    let (world, eve) = form_of_every_kind();
    for (number, text) in [("12345678901234567890", "a"), ("1.10", "b"), ("0.1000000000000000055", "c")] {
        let written = format!(r#"{{"boolean":true,"number":{number},"text":"{text}"}}"#);
        let key = [("authorization", eve.as_str()), ("idempotency-key", number)];
        let body = format!(r#"{{ "dataProduct": "Kinds", "answers": {written} }}"#);
        let asked = world.send("POST", PATH, &key, Some(body.clone())).expect(201);
        assert!(asked.text.contains(&written), "{}", asked.text);
        let again = world.send("POST", PATH, &key, Some(body)).expect(201);
        assert_eq!(again.text, asked.text, "the same answer to the same call");
        let id = asked.json()["name"].as_str().unwrap().to_owned();
        let path = format!("{PATH}/{id}");
        let shown = world.call_as(&eve, "GET", &path, None).expect(200);
        assert!(shown.text.contains(&written), "{}", shown.text);
        let listed = world.call_as(&eve, "GET", PATH, None).expect(200);
        assert!(listed.text.contains(&written), "{}", listed.text);
        let canceled = world.call_as(&eve, "POST", &format!("{path}/cancel"), None).expect(200);
        assert!(canceled.text.contains(&written), "{}", canceled.text);
        // Written as a document, and as part of a catalog.
        let start = canceled.text.find(r#""document":"#).unwrap() + r#""document":"#.len();
        let end = canceled.text.find(r#","notices""#).unwrap();
        let document = canceled.text[start..end].replace(number, &format!("{number}0"));
        let written = written.replace(number, &format!("{number}0"));
        let admin = [("authorization", world.admin.as_str())];
        let put = world.send("PUT", &path, &admin, Some(document)).expect(200);
        assert!(put.text.contains(&written), "{}", put.text);
        let start = put.text.find(r#""document":"#).unwrap() + r#""document":"#.len();
        let end = put.text.find(r#","notices""#).unwrap();
        let document = put.text[start..end].replace(&format!("{number}0"), &format!("{number}00"));
        let written = written.replace(&format!("{number}0"), &format!("{number}00"));
        world.send("POST", "/api/v1/apply", &admin, Some(world.catalog(&document))).expect(200);
        let shown = world.send("GET", &path, &admin, None).expect(200);
        assert!(shown.text.contains(&written), "{}", shown.text);
    }
}

#[test]
fn the_size_of_a_request_is_bounded() {
    let world = World::new();
    let eve = world.user("eve", &[]);
    let put = |path: &str, body: Value| world.call("PUT", &format!("/api/v1/{path}"), Some(body)).expect(201);
    put("data-sources/Orders", json!({ "name": "Orders", "platform": "postgres" }));
    let questions: Vec<_> =
        (0..20).map(|n| json!({ "id": format!("q{n}"), "text": "?", "kind": "text" })).collect();
    put("request-forms/Long", json!({ "name": "Long", "version": 1, "questions": questions }));
    put(
        "data-products/Long",
        json!({ "name": "Long", "createdBy": "eve", "dataSources": ["Orders"], "form": "Long" }),
    );
    let ask = |answers: usize, characters: usize| {
        let answers: serde_json::Map<String, Value> =
            (0..answers).map(|n| (format!("q{n}"), "x".repeat(characters).into())).collect();
        world.call_as(&eve, "POST", PATH, Some(json!({ "dataProduct": "Long", "answers": answers })))
    };
    ask(20, 10_000).expect(422);
    ask(1, 600_000).expect(413);
    ask(6, 10_000).expect(201);
}

#[test]
fn nobody_floods_reviewers_with_requests() {
    let cast = cast();
    let world = &cast.world;
    let first = cast.ask(&json!({})).expect(201).json()["name"].as_str().unwrap().to_owned();
    // Once more the same is refused and names the first; another scope, or another user, is another thing.
    let second = cast.ask(&json!({})).expect(409);
    assert_eq!(second.problem(), "conflict");
    assert_eq!(second.json()["request"], first.as_str());
    assert!(second.text.contains(&first), "{}", second.text);
    cast.ask(&json!({ "scope": "write" })).expect(201);
    let governance = world.user("gov", &["GOVERNANCE"]);
    let for_eve =
        json!({ "dataProduct": "Sales", "answers": { "why": "x" }, "agreements": ["Care"], "user": "eve" });
    world.call_as(&governance, "POST", PATH, Some(for_eve)).expect(409);
    // Decided, it may be asked for again.
    cast.decide(&cast.rita, &first, "denied").expect(200);
    cast.ask(&json!({})).expect(201);

    let sources: Vec<_> = (0..101).map(|n| json!({ "name": format!("s{n:03}"), "platform": "p" })).collect();
    world.apply(json!({ "dataSources": sources }));
    let ask =
        |n: usize| world.call_as(&cast.olga, "POST", PATH, Some(json!({ "dataSource": format!("s{n:03}") })));
    (0..100).for_each(|n| drop(ask(n).expect(201)));
    let refused = ask(100).expect(409);
    assert!(refused.text.contains("100 pending requests"), "{}", refused.text);
}

#[test]
fn a_page_is_bounded_in_bytes_and_total_stays_exact() {
    let world = World::new();
    let text = "x".repeat(900_000);
    for n in 0..12 {
        let name = format!("A{n:02}");
        let body = json!({ "name": name, "version": 1, "text": text });
        world.call("PUT", &format!("/api/v1/agreements/{name}"), Some(body)).expect(201);
    }
    let (mut names, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = world.get(&format!("/api/v1/agreements?limit=1000{cursor}")).expect(200);
        assert!(page.text.len() < 5 << 20, "{} bytes", page.text.len());
        let page = page.json();
        assert_eq!(page["total"], 12);
        let items = page["items"].as_array().unwrap();
        assert!(!items.is_empty());
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        pages += 1;
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(names, (0..12).map(|n| format!("A{n:02}")).collect::<Vec<_>>());
    assert!(pages > 2, "{pages}");
}
