//! The same values in files and over HTTP: what a check of a file accepts, a PUT and an apply accept, and no other.

#![expect(clippy::needless_pass_by_value, reason = "the cases are written as values of `json!`")]

use domesday_model::Kind;
use serde_json::{Value, json};

use crate::world::World;

/// What the values refer to.
fn base() -> Value {
    json!({
        "users": [{ "username": "ada" }, { "username": "bob" }],
        "groups": [{ "name": "G" }],
        "dataSources": [{ "name": "L", "platform": "x", "columns": [{ "name": "c", "type": "T" }] }],
        "agreements": [{ "name": "A", "version": 5, "text": "t" }],
    })
}

fn user(fields: Value) -> (Kind, Value) {
    let mut user = json!({ "username": "eve" });
    user.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    (Kind::User, user)
}

fn request(fields: Value) -> (Kind, Value) {
    let mut request = json!({
        "id": "R", "type": "dataAccess", "user": "ada", "dataSource": "L", "status": "approved",
        "createdAt": "2026-01-01T00:00:00Z",
    });
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    (Kind::Request, request)
}

fn decided(days: Value) -> (Kind, Value) {
    request(json!({ "determinations": [
        { "by": "bob", "status": "approved", "durationDays": days, "at": "2026-01-01T00:00:00Z" }
    ] }))
}

fn rounding(precision: Value) -> (Kind, Value) {
    let mask = json!({ "kind": "rounding", "precision": precision });
    (
        Kind::DataPolicy,
        json!({ "name": "M", "mask": mask, "columns": { "names": ["c"] }, "appliesTo": "all" }),
    )
}

fn form(version: Value) -> (Kind, Value) {
    (Kind::RequestForm, json!({ "name": "F", "version": version }))
}

fn agreement(version: Value) -> (Kind, Value) {
    (Kind::Agreement, json!({ "name": "B", "version": version, "text": "t" }))
}

fn column(name: &str) -> (Kind, Value) {
    (Kind::DataSource, json!({ "name": "S", "platform": "x", "columns": [{ "name": name, "type": "T" }] }))
}

fn question(id: &str) -> (Kind, Value) {
    let question = json!({ "id": id, "text": "t", "kind": "text" });
    (Kind::RequestForm, json!({ "name": "F", "version": 1, "questions": [question] }))
}

fn named(kind: Kind, name: &str) -> (Kind, Value) {
    let value = match kind {
        Kind::User => json!({ "username": name }),
        Kind::DataSource => json!({ "name": name, "platform": "x" }),
        Kind::Policy => json!({ "name": name, "type": "grant", "level": "anyone", "appliesTo": "all" }),
        Kind::DataPolicy => {
            json!({ "name": name, "mask": { "kind": "null" }, "columns": { "names": ["c"] }, "appliesTo": "all" })
        }
        Kind::Agreement => json!({ "name": name, "version": 1, "text": "t" }),
        Kind::RequestForm => json!({ "name": name, "version": 1 }),
        Kind::DataProduct => json!({ "name": name, "createdBy": "ada" }),
        Kind::Request => {
            let (_, mut request) = request(json!({}));
            request["id"] = name.into();
            request
        }
        _ => json!({ "name": name }),
    };
    (kind, value)
}

/// Every value with whether it is accepted.
fn cases() -> Vec<(Kind, Value, bool)> {
    let (longest, long) = ("é".repeat(255), "x".repeat(256));
    let mut cases: Vec<((Kind, Value), bool)> = vec![
        (decided(json!(1)), true),
        (decided(json!(36_500)), true),
        (decided(json!(-1)), false),
        (decided(json!(0)), false),
        (decided(json!(36_501)), false),
        (decided(json!(i64::MAX)), false),
        (decided(json!(u64::MAX)), false),
        (decided(json!(1.5)), false),
        (form(json!(1)), true),
        (form(json!(2_147_483_647)), true),
        (form(json!(0)), false),
        (form(json!(-1)), false),
        (form(json!(2_147_483_648_u64)), false),
        (form(json!(i64::MAX)), false),
        (agreement(json!(0)), false),
        (agreement(json!(u64::MAX)), false),
        (agreement(json!(7)), true),
        (
            request(json!({ "agreements": [
            { "name": "A", "version": 0, "acceptedBy": "ada", "acceptedAt": "2026-01-01T00:00:00Z" }
        ] })),
            false,
        ),
        (rounding(json!(10)), true),
        (rounding(json!(0.01)), true),
        (rounding(json!(0)), false),
        (rounding(json!(-5)), false),
        (rounding(json!("10")), false),
        (column(&longest), true),
        (column(&long), false),
        (column(""), false),
        (column("a\nb"), false),
        (question(&long), false),
        (question(""), false),
        (question("why"), true),
        (user(json!({ "email": long })), false),
        (user(json!({ "email": "ada@acme.example" })), true),
        (user(json!({ "identityProvider": long })), false),
        (user(json!({ "title": "a\u{1b}[31m" })), false),
        (user(json!({ "attributes": { &long: ["v"] } })), false),
        (user(json!({ "attributes": { "k": ["v".repeat(1_000)] } })), true),
        (user(json!({ "attributes": { "k": ["v".repeat(1_001)] } })), false),
        (user(json!({ "id": "8f6c9a1e3f0b4f0e9d3c2a1b4c5d6e7f" })), false),
        ((Kind::Group, json!({ "name": "H", "description": "d".repeat(100_000) })), true),
        ((Kind::Group, json!({ "name": "H", "description": "two\nlines\tand a tab" })), true),
        ((Kind::Agreement, json!({ "name": "B", "version": 1, "text": "t".repeat(1_000_000) })), true),
        ((Kind::DataSource, json!({ "name": "S", "platform": "x", "host": long })), false),
    ];
    // The name of a connection is part of addresses, and much shorter.
    for kind in Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::Tenant | Kind::Connection)) {
        cases.push((named(kind, &longest), true));
        cases.push((named(kind, &long), false));
        cases.push((named(kind, &"x".repeat(4_000)), false));
        cases.push((named(kind, " "), false));
        cases.push((named(kind, "a\u{85}b"), false));
        cases.push((named(kind, "O'Brien \"the\" 名前"), true));
    }
    cases.into_iter().map(|((kind, value), accepted)| (kind, value, accepted)).collect()
}

fn name_of(kind: Kind, value: &Value) -> String {
    let key = match kind {
        Kind::User => "username",
        Kind::Request => "id",
        _ => "name",
    };
    value[key].as_str().unwrap().to_owned()
}

fn path_of(kind: Kind) -> &'static str {
    match kind {
        Kind::DataSource => "data-sources",
        Kind::DataPolicy => "data-policies",
        Kind::RequestForm => "request-forms",
        Kind::DataProduct => "data-products",
        other => other.key(),
    }
}

/// A name as a segment of a path.
fn encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[test]
fn files_an_apply_and_a_put_accept_the_same_values() {
    let world = World::new();
    world.apply(base());
    for (kind, value, accepted) in cases() {
        let shown: String = value.to_string().chars().take(200).collect();
        let mut catalog = base();
        let list = catalog.as_object_mut().unwrap().entry(kind.key()).or_insert_with(|| json!([]));
        list.as_array_mut().unwrap().push(value.clone());
        let of_file = domesday_sources::parse_str("a.json", &catalog.to_string());
        assert_eq!(of_file.is_ok(), accepted, "as a file: {kind} {shown}: {of_file:?}");

        let status = if accepted { 200 } else { 422 };
        let applied = world.call("POST", "/api/v1/apply?dryRun=true", Some(catalog));
        assert_eq!(applied.status, status, "applied: {kind} {shown}: {}", applied.text);

        let path = format!("/api/v1/{}/{}", path_of(kind), encoded(&name_of(kind, &value)));
        let put = world.call("PUT", &path, Some(value));
        let expected = if accepted { [200, 201] } else { [422, 422] };
        assert!(expected.contains(&put.status), "put: {kind} {shown}: {} {}", put.status, put.text);
        if accepted {
            world.call("DELETE", &path, None).expect(204);
        }
    }
}

#[test]
fn a_tenant_has_the_same_bounds_in_files_and_configuration() {
    let world = World::new();
    for (zone, accepted) in [
        ("Europe/Berlin", true),
        ("UTC", true),
        ("EST5EDT", true),
        ("europe/berlin", false),
        ("Etc/Unknown", false),
        ("Factory", false),
        ("Local", false),
        ("posix/Europe/Berlin", false),
        ("EST5EDT,M3.2.0,M11.1.0", false),
        ("+02:00", false),
    ] {
        let catalog = json!({ "tenant": { "name": "Acme", "timeZone": zone } });
        let of_file = domesday_sources::parse_str("a.json", &catalog.to_string());
        assert_eq!(of_file.is_ok(), accepted, "{zone}");
        let status = if accepted { 200 } else { 422 };
        world.call("POST", "/api/v1/apply?dryRun=true", Some(catalog)).expect(status);
        let config = domesday_service::Config::read(None, |name| match name {
            "DOMESDAY_TIME_ZONE" => Some(zone.to_owned()),
            "DOMESDAY_STORE" => Some("x.db".to_owned()),
            _ => None,
        });
        assert_eq!(config.is_ok(), accepted, "{zone}");
    }
    for (name, accepted) in
        [("Acme", true), (&*"x".repeat(255), true), (&*"x".repeat(256), false), ("a\nb", false)]
    {
        let catalog = json!({ "tenant": { "name": name, "timeZone": "UTC" } });
        assert_eq!(domesday_sources::parse_str("a.json", &catalog.to_string()).is_ok(), accepted, "{name}");
        let config = domesday_service::Config::read(None, |variable| match variable {
            "DOMESDAY_TENANT_NAME" => Some(name.to_owned()),
            "DOMESDAY_STORE" => Some("x.db".to_owned()),
            _ => None,
        });
        assert_eq!(config.is_ok(), accepted, "{name}");
    }
}
