//! What a catalog may not say, and how much it costs to say so.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

use domesday_model::Kind;
use domesday_sources::{Diagnostics, STORED, check_json, parse_object, parse_str};

fn refused(name: &str, text: &str) -> Diagnostics {
    match parse_str(name, text) {
        Err(diagnostics) => diagnostics,
        Ok(loaded) => panic!("{text} was taken: {:?}", loaded.catalog),
    }
}

/// Each key without a value, with the object it is in and the field that the mistake is at.
const EMPTY: [(&str, &str); 48] = [
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { tagged: , names: ['*'] } }]",
        "appliesTo.tagged",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { columnsTagged: , names: ['*'] } }]",
        "appliesTo.columnsTagged",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { domains: null, names: ['*'] } }]",
        "appliesTo.domains",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { owners: ~, names: ['*'] } }]",
        "appliesTo.owners",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { platforms: , names: ['*'] } }]",
        "appliesTo.platforms",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { hosts: , names: ['*'] } }]",
        "appliesTo.hosts",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { databases: , names: ['*'] } }]",
        "appliesTo.databases",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { schemas: , names: ['*'] } }]",
        "appliesTo.schemas",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { tables: , names: ['*'] } }]",
        "appliesTo.tables",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: , platforms: ['*'] } }]",
        "appliesTo.names",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { dataSources: , names: ['*'] } }]",
        "appliesTo.dataSources",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: ['*'], except: } }]",
        "appliesTo.except",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: ['*'], except: { tagged: } } }]",
        "appliesTo.except.tagged",
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: [{ tagged: , names: ['*'] }] }]",
        "appliesTo[0].tagged",
    ),
    ("policies: [{ name: P, type: grant, level: anyone, appliesTo: }]", "appliesTo"),
    ("policies: [{ name: P, type: grant, level: anyone, state: , appliesTo: all }]", "state"),
    ("policies: [{ name: P, type: grant, level: anyone, scope: , appliesTo: all }]", "scope"),
    ("policies: [{ name: P, type: , level: anyone, appliesTo: all }]", "type"),
    ("policies: [{ name: , type: grant, level: anyone, appliesTo: all }]", "name"),
    ("policies: [{ name: P, type: grant, level: , appliesTo: all }]", "level"),
    ("policies: [{ name: P, type: grant, condition: , appliesTo: all }]", "condition"),
    (
        "policies: [{ name: P, type: grant, level: individuals, individuals: , appliesTo: all }]",
        "individuals",
    ),
    (
        "policies: [{ name: P, type: grant, level: individuals, individuals: { users: , groups: [All Users] }, appliesTo: all }]",
        "individuals.users",
    ),
    ("policies: [{ name: P, type: grant, level: anyone, owner: , appliesTo: all }]", "owner"),
    ("policies: [{ name: P, type: grant, level: anyone, createdAt: , appliesTo: all }]", "createdAt"),
    (
        "dataPolicies: [{ name: D, mask: { kind: hash }, columns: { tagged: , names: [a] }, appliesTo: all }]",
        "columns.tagged",
    ),
    (
        "dataPolicies: [{ name: D, mask: { kind: hash }, columns: { names: , tagged: [] }, appliesTo: all }]",
        "columns.names",
    ),
    ("dataPolicies: [{ name: D, mask: { kind: hash }, columns: , appliesTo: all }]", "columns"),
    (
        "dataPolicies: [{ name: D, mask: { kind: hash }, columns: { names: [a] }, except: , appliesTo: all }]",
        "except",
    ),
    ("dataPolicies: [{ name: D, mask: , columns: { names: [a] }, appliesTo: all }]", "mask"),
    (
        "dataPolicies: [{ name: D, mask: { kind: constant, value: }, columns: { names: [a] }, appliesTo: all }]",
        "mask.value",
    ),
    ("users: [{ username: u, status: }]", "status"),
    ("users: [{ username: u, groups: }]", "groups"),
    ("users: [{ username: u, permissions: }]", "permissions"),
    ("users: [{ username: u, attributes: }]", "attributes"),
    ("users: [{ username: u, attributes: { Region: } }]", "attributes.Region"),
    ("groups: [{ name: g, attributes: { Region: ~ } }]", "attributes.Region"),
    ("domains: [{ name: d, permissions: }]", "permissions"),
    ("dataSources: [{ name: s, platform: p, status: }]", "status"),
    ("dataSources: [{ name: s, platform: p, optInPolicies: }]", "optInPolicies"),
    ("dataSources: [{ name: s, platform: p, levelChoice: }]", "levelChoice"),
    (
        "dataSources: [{ name: s, platform: p, columns: [{ name: c, type: t, nullable: }] }]",
        "columns[0].nullable",
    ),
    (
        "requestForms: [{ name: f, version: 1, review: [{ approvers: { users: , owners: true } }] }]",
        "review[0].approvers.users",
    ),
    (
        "requestForms: [{ name: f, version: 1, review: [{ approvers: { owners: } }] }]",
        "review[0].approvers.owners",
    ),
    ("requestForms: [{ name: f, version: 1, review: [{ approvers: {}, need: }] }]", "review[0].need"),
    (
        "dataProducts: [{ name: p, createdBy: u, dataSources: [{ name: s, columns: }] }]\nusers: [{ username: u }]\ndataSources: [{ name: s, platform: p }]",
        "dataSources[0].columns",
    ),
    ("dataProducts: [{ name: p, createdBy: u, status: }]\nusers: [{ username: u }]", "status"),
    (
        "requests: [{ id: R, type: dataAccess, user: u, dataSource: s, status: approved, createdAt: '2026-01-01T00:00:00Z', expiresAt: }]\nusers: [{ username: u }]\ndataSources: [{ name: s, platform: p }]",
        "expiresAt",
    ),
];

#[test]
fn a_key_without_a_value_is_the_one_mistake_wherever_it_is() {
    for (text, field) in EMPTY {
        let wrong = refused("a.yaml", text);
        let list: Vec<_> = wrong.iter().collect();
        assert_eq!(list.len(), 1, "{text}: {wrong}");
        let (_, of_object) = list[0].field.split_once("[0].").unwrap();
        assert_eq!(of_object, field, "{text}");
        assert!(list[0].message.starts_with("expected a value, found nothing"), "{text}: {wrong}");
    }
}

#[test]
fn null_over_http_is_as_wrong_as_in_a_file() {
    let table = [
        (
            Kind::Policy,
            r#"{"name":"P","type":"grant","level":"anyone","appliesTo":{"tagged":null,"names":["*"]}}"#,
            "appliesTo.tagged",
        ),
        (Kind::User, r#"{"username":"u","status":null}"#, "status"),
        (Kind::User, r#"{"username":"u","attributes":{"Region":null}}"#, "attributes.Region"),
        (Kind::Group, r#"{"name":null}"#, "name"),
    ];
    for (kind, text, field) in table {
        let wrong = parse_object(kind, text).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, [field], "{text}");
    }
}

#[test]
fn an_empty_list_selects_nothing_and_an_empty_root_declares_nothing() {
    let loaded = parse_str(
        "a.yaml",
        "users:\ntags:\npolicies: [{ name: P, type: grant, level: anyone, appliesTo: { tagged: [], names: ['*'] } }]",
    );
    let loaded = loaded.unwrap();
    assert_eq!(loaded.catalog.policies.len(), 1);
    let about: Vec<_> = loaded.warnings.iter().map(|warning| warning.field.as_str()).collect();
    assert_eq!(about, ["users", "tags"]);
}

#[test]
fn values_of_another_notation_are_not_read_as_something_else() {
    let form = |version: &str| format!("requestForms: [{{ name: f, version: {version} }}]");
    for version in
        ["1.0", "1e3", "0x10", "0o17", "010", "+1", "1_000", "9223372036854775808", ".inf", "'1'", "true"]
    {
        let wrong = refused("a.yaml", &form(version));
        assert!(wrong.to_string().contains("expected a whole number"), "{version}: {wrong}");
    }
    assert!(parse_str("a.yaml", &form("2147483647")).is_ok());
    for word in ["yes", "no", "on", "off", "y", "1", "'true'", "\"false\""] {
        let text = format!(
            "dataSources: [{{ name: s, platform: p, columns: [{{ name: c, type: t, nullable: {word} }}] }}]"
        );
        assert!(refused("a.yaml", &text).to_string().contains("expected true or false"), "{word}");
    }
    // Of YAML 1.1: there these are false, 1.2, a date, and 12345 to the base of 60.
    let text = "users: [{ username: no, attributes: { a: [NO, 1.20, 2026-01-01, 1:23, 007] } }]";
    let user = &parse_str("a.yaml", text).unwrap().catalog.users[0];
    assert_eq!(user.username, "no");
    assert!(user.attributes["a"].iter().eq(["007", "1.20", "1:23", "2026-01-01", "NO"]));
    for json in ["1.0", "1e3", "01", "\"1\"", "null"] {
        assert!(
            parse_object(Kind::RequestForm, &format!("{{\"name\":\"f\",\"version\":{json}}}")).is_err(),
            "{json}"
        );
    }
}

#[test]
fn a_number_that_would_lose_digits_is_refused() {
    let mask = |value: &str| {
        format!(
            "dataPolicies: [{{ name: m, mask: {{ kind: constant, value: {value} }}, columns: {{ names: ['*'] }}, \
             appliesTo: all }}]"
        )
    };
    for value in ["1.10", "-0.5e3", "0.1", "1e21", "9223372036854775807", "123456789012345.6", "0.0"] {
        assert!(parse_str("a.yaml", &mask(value)).is_ok(), "{value}");
    }
    for value in ["12345678901234567890", "0.12345678901234567890", "9007199254740993.5"] {
        let wrong = refused("a.yaml", &mask(value)).to_string();
        assert!(wrong.contains("more digits than can be stored"), "{value}: {wrong}");
    }
}

#[test]
fn texts_that_cannot_be_represented_are_refused_and_pairs_are_one_character() {
    for (name, text, column) in [
        ("a.yaml", r#"users: [{ username: "A \ud800 B" }]"#, 24),
        ("a.json", r#"{"users": [{"username": "A \ud800 B"}]}"#, 28),
        ("a.JSON", r#"{"users": [{"username": "A \udfff"}]}"#, 28),
    ] {
        let wrong = refused(name, text);
        assert_eq!(wrong.iter().next().unwrap().column, column, "{wrong}");
        assert!(!wrong.is_syntax());
    }
    for (name, text) in [
        ("a.yaml", r#"users: [{ username: "\uD83D\uDE00" }]"#),
        ("a.json", r#"{"users": [{"username": "\uD83D\uDE00"}]}"#),
        ("a.Json", r#"{"users": [{"username": "😀"}]}"#),
    ] {
        assert_eq!(parse_str(name, text).unwrap().catalog.users[0].username, "\u{1f600}");
    }
    let body = r#"{"username":"A","title":"\ud800"}"#;
    assert_eq!(parse_object(Kind::User, body).unwrap_err().iter().next().unwrap().column, 26);
    assert!(check_json(r#"{"a":"\udc00"}"#).is_err_and(|wrong| !wrong.is_syntax()));
    assert!(check_json(r#"{"a":"\ud83d\ude00"}"#).is_ok());
    assert!(check_json(r#"{"a":1,"a":2}"#).is_err_and(|wrong| !wrong.is_syntax()));
    assert!(check_json("{").is_err_and(|wrong| wrong.is_syntax()));
    assert!(check_json(r#"{"a":"b\\u0000"}"#).is_ok(), "a backslash that was meant");
}

/// Bodies of 2 MiB on one line, each full of mistakes of one kind. With any work per mistake that grows with the body,
/// these do not end within the time that a test has.
#[test]
fn a_long_line_of_mistakes_is_counted_whole_and_listed_in_part() {
    const BODY: usize = 2 << 20;
    let repeated = |part: &str| part.repeat(BODY / part.len());
    let list = |key: &str, part: &str| format!("{{\"{key}\":[{}0]}}", repeated(part));
    let unknown_keys: String = (0..BODY / 20).map(|index| format!("\"group{index}\":{{}},")).collect();
    let unknown_groups: String = (0..BODY / 16).map(|index| format!("\"Analyst{index}\",")).collect();
    let groups: String = (0..BODY / 40).map(|index| format!("{{\"name\":\"Analysts{index}\"}},")).collect();
    let bodies = [
        ("numbers where objects belong", list("users", "1,"), BODY / 2),
        ("objects without names", list("users", "{},"), BODY / 3),
        ("the same tag again", list("tags", "\"a\","), BODY / 4),
        (
            "wrong conditions",
            list("policies", r#"{"name":"P","type":"grant","appliesTo":"all","condition":"@isIn"},"#),
            BODY / 70,
        ),
        ("unknown keys", format!("{{\"groups\":[{{{unknown_keys}\"name\":\"g\"}}]}}"), BODY / 20),
        (
            "unknown groups",
            format!(
                "{{\"groups\":[{groups}\"A\"],\"users\":[{{\"username\":\"u\",\"groups\":[{unknown_groups}\"A\"]}}]}}"
            ),
            BODY / 16,
        ),
        (
            "the long key of many mistakes",
            format!(
                "{{\"groups\":[{{\"name\":\"g\",\"attributes\":{{\"{}\":[{}0]}}}}]}}",
                "k".repeat(BODY / 2),
                "{},".repeat(BODY / 8)
            ),
            BODY / 8,
        ),
        (
            "one long name",
            format!(
                "{{\"users\":[{{\"username\":\"{}\",\"status\":\"{}\"}}]}}",
                repeated("u"),
                repeated("é")
            ),
            1,
        ),
        ("one long tag", format!("{{\"tags\":[\"{}\"]}}", repeated("a.")), 1),
    ];
    for (what, body, at_least) in bodies {
        let wrong = refused("body.json", &body);
        assert!(wrong.mistakes() >= at_least, "{what}: {} mistakes", wrong.mistakes());
        assert!(wrong.iter().count() <= STORED, "{what}");
        assert!(
            wrong.iter().all(|one| one.message.len() + one.field.len() + one.snippet.len() < 2000),
            "{what}"
        );
    }
}

#[test]
fn references_to_columns_are_looked_up_not_searched() {
    let columns: String =
        (0..100_000).map(|index| format!("{{\"name\":\"c{index}\",\"type\":\"t\"}},")).collect();
    let chosen: String = (0..100_000).map(|index| format!("\"c{}\",", 99_999 - index)).collect();
    let text = format!(
        "{{\"users\":[{{\"username\":\"u\"}}],\"dataSources\":[{{\"name\":\"s\",\"platform\":\"p\",\"columns\":[{columns}{{\"name\":\"z\",\"type\":\"t\"}}]}}],\
         \"dataProducts\":[{{\"name\":\"P\",\"createdBy\":\"u\",\"dataSources\":[{{\"name\":\"s\",\"columns\":[{chosen}\"none\"]}}]}}]}}"
    );
    let wrong = refused("body.json", &text);
    assert_eq!(wrong.mistakes(), 1);
    assert!(wrong.to_string().contains("no column `none`"));
}

#[test]
fn an_object_is_refused_with_fields_and_columns_of_its_own() {
    let wrong = parse_object(Kind::User, "{\"username\":\"u\",\n  \"groups\":[1,2]}").unwrap_err();
    let places: Vec<_> = wrong.iter().map(|one| (one.field.as_str(), one.line, one.column)).collect();
    assert_eq!(places, [("groups[0]", 2, 13), ("groups[1]", 2, 15)]);
    // What would break out of a list around it.
    assert!(parse_object(Kind::User, r#"{"username":"u"},{"username":"v"}"#).unwrap_err().is_syntax());
    assert!(parse_object(Kind::Tag, r#""PII.Contact""#).is_ok());
    assert!(parse_object(Kind::User, "null").is_err());
    assert!(parse_object(Kind::User, "").unwrap_err().is_syntax());
}

#[test]
fn a_data_source_that_only_a_connection_lists_may_be_named() {
    let objects = r#"
users: [{ username: ada }]
policies:
  - { name: P, type: grant, scope: read, level: anyone, appliesTo: [{ dataSources: [fin.public.orders] }] }
dataProducts:
  - { name: D, createdBy: ada, dataSources: [{ name: fin.public.orders, columns: [id] }, fin.public.t] }
requests:
  - { id: R, type: dataAccess, user: ada, dataSource: fin.public.orders, status: approved, createdAt: 2026-01-01T00:00:00Z }
dataSources:
  - { name: fin.public.t, platform: postgres, database: fin, schema: public, table: t }
  - { name: Known, platform: postgres, columns: [{ name: id, type: int }] }
"#;
    let masking = "  - { id: M, type: maskingException, user: ada, dataSource: Known, columns: [email], status: approved, \
                   createdAt: 2026-01-01T00:00:00Z }\n";
    let objects =
        objects.replace("dataSources:\n  - { name: fin", &format!("{masking}dataSources:\n  - {{ name: fin"));
    let warehouse = "connections: [{ name: warehouse, kind: postgres, url: postgres://r@db/fin }]\n";
    let loaded = domesday_sources::parse_str("c.yaml", &format!("{warehouse}{objects}")).unwrap();
    let pending = |it: &&domesday_sources::Diagnostic| {
        it.message.contains("counts once the connection `warehouse` lists it")
    };
    let pending: Vec<_> = loaded.warnings.iter().filter(pending).map(|it| it.field.as_str()).collect();
    assert_eq!(pending.len(), 4, "{:?}", loaded.warnings);
    // Nothing else can bring them.
    for none in ["", "connections: [{ name: okta, kind: scim }]\n"] {
        let refused = domesday_sources::parse_str("c.yaml", &format!("{none}{objects}")).unwrap_err();
        assert_eq!(refused.iter().count(), 4, "{refused}");
    }
    // A policy, tag or user that is not there is a mistake all the same.
    for wrong in [objects.replace("createdBy: ada", "createdBy: bob"), objects.replace("dataProducts:", "dataPolicies: [{ name: M, mask: { kind: hash }, columns: { tagged: [No] }, appliesTo: all }]\ndataProducts:")] {
        let text = format!("{warehouse}{wrong}");
        let refused = domesday_sources::parse_str("c.yaml", &text).unwrap_err();
        let mistakes = refused.iter().filter(|it| it.severity == domesday_model::validate::Severity::Error);
        assert_eq!(mistakes.count(), 1, "{refused}");
    }
}
