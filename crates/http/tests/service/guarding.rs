//! Nobody gets past a guardrail by editing what it selects, and nobody takes away one that is not theirs.

use serde_json::{Value, json};

use crate::world::World;

/// A data source of `ada`, which guardrails and masks bind by different properties.
fn source() -> Value {
    json!({
        "name": "Ledger", "platform": "snowflake", "host": "eu", "database": "dwh", "schema": "fin", "table": "ledger",
        "domain": "Finance", "owners": ["ada"], "tags": ["PII.Contact"], "optInPolicies": ["Opted"],
        "columns": [
            { "name": "iban", "type": "text", "tags": ["Secret"] },
            { "name": "ssn", "type": "text" },
            { "name": "note", "type": "text" }
        ]
    })
}

/// The catalog, with one guardrail.
#[expect(clippy::needless_pass_by_value, reason = "the cases are written as values of `json!`")]
fn world_with(guardrail: Value) -> (World, String) {
    let world = World::new();
    let ada = world.user("ada", &["CREATE_DATA_SOURCE"]);
    world.user("bob", &[]);
    let mut policy = json!({ "name": "Guard", "type": "guardrail", "condition": "@isInGroups('G')" });
    policy.as_object_mut().unwrap().extend(guardrail.as_object().unwrap().clone());
    world.apply(json!({
        "tags": ["PII.Contact", "Secret", "Public", "G"],
        "groups": [{ "name": "G" }],
        "users": [{ "username": "ada", "permissions": ["CREATE_DATA_SOURCE"] }, { "username": "bob" }],
        "domains": [{ "name": "Finance" }, { "name": "Sales" }],
        "dataSources": [source()],
        "policies": [
            policy,
            { "name": "Opted", "type": "guardrail", "condition": "@isInGroups('G')", "appliesTo": "optIn" }
        ]
    }));
    (world, ada)
}

fn put(world: &World, key: &str, source: &Value) -> u16 {
    world.call_as(key, "PUT", "/api/v1/data-sources/Ledger", Some(source.clone())).status
}

fn edited(field: &str, value: Value) -> Value {
    let mut source = source();
    match value {
        Value::Null => drop(source.as_object_mut().unwrap().remove(field)),
        value => source[field] = value,
    }
    source
}

#[test]
fn an_owner_lifts_no_guardrail_by_an_edit() {
    let cases = [
        (
            json!({ "appliesTo": { "tagged": ["PII"] } }),
            vec![("tags", json!([])), ("tags", json!(["Public"]))],
        ),
        (json!({ "appliesTo": { "columnsTagged": ["Secret"] } }), vec![("columns", json!([]))]),
        (json!({ "appliesTo": { "hosts": ["eu"] } }), vec![("host", json!("us")), ("host", Value::Null)]),
        (json!({ "appliesTo": { "databases": ["dw*"] } }), vec![("database", json!("x"))]),
        (json!({ "appliesTo": { "schemas": ["fin"] } }), vec![("schema", json!("x"))]),
        (json!({ "appliesTo": { "tables": ["ledger"] } }), vec![("table", json!("x"))]),
        (json!({ "appliesTo": { "platforms": ["snowflake"] } }), vec![("platform", json!("x"))]),
        (json!({ "appliesTo": { "owners": ["ada"] } }), vec![("owners", json!(["bob"]))]),
        (
            json!({ "appliesTo": { "tagged": ["PII"], "except": [{ "tagged": ["Public"] }] } }),
            vec![("tags", json!(["PII.Contact", "Public"]))],
        ),
        // What it decides by, where it applies everywhere.
        (
            json!({ "appliesTo": "all", "condition": "@hasTagAsGroup('dataSource')" }),
            vec![("tags", json!(["PII.Contact", "G"]))],
        ),
        (json!({ "appliesTo": "all", "condition": "@isInGroups('@schema')" }), vec![("schema", json!("G"))]),
        // One that is prepared binds as soon as it is active.
        (json!({ "appliesTo": { "tagged": ["PII"] }, "state": "staged" }), vec![("tags", json!([]))]),
        // Whatever else binds it.
        (
            json!({ "appliesTo": "all" }),
            vec![("optInPolicies", json!([])), ("domain", Value::Null), ("domain", json!("Sales"))],
        ),
    ];
    for (guardrail, edits) in cases {
        let (world, ada) = world_with(guardrail.clone());
        for (field, value) in edits {
            let source = edited(field, value.clone());
            assert_eq!(put(&world, &ada, &source), 403, "{guardrail}: {field} = {value}");
            // Nor by way of a data source that is disabled meanwhile.
            let mut disabled = source.clone();
            disabled["status"] = json!("disabled");
            assert_eq!(put(&world, &ada, &disabled), 403, "{guardrail}: {field} = {value}, disabled");
        }
        assert_eq!(put(&world, &ada, &edited("status", json!("disabled"))), 200);
        assert_eq!(put(&world, &ada, &source()), 200);
        // What lifts nothing is theirs to edit.
        let mut more = source();
        more["columns"].as_array_mut().unwrap().push(json!({ "name": "new", "type": "text" }));
        more["owners"] = json!(["ada", "bob"]);
        assert_eq!(put(&world, &ada, &more), 200, "{guardrail}");
        // And GOVERNANCE edits as it likes.
        assert_eq!(put(&world, &world.admin, &edited("domain", json!("Sales"))), 200);
    }
}

#[test]
fn an_owner_lifts_no_mask_by_an_edit() {
    let (world, ada) = world_with(json!({ "appliesTo": { "domains": ["Finance"] } }));
    for mask in [
        json!({ "name": "Tagged", "mask": { "kind": "hash" }, "columns": { "tagged": ["Secret"] }, "appliesTo": "all" }),
        json!({
            "name": "Named", "mask": { "kind": "null" }, "columns": { "names": ["ssn"] }, "appliesTo": "all",
            "except": "@hasTagAsGroup('dataSource')"
        }),
    ] {
        world.call("POST", "/api/v1/data-policies", Some(mask)).expect(201);
    }
    let columns = |columns: Value| put(&world, &ada, &edited("columns", columns));
    let [iban, ssn, note] = [0, 1, 2].map(|at| source()["columns"][at].clone());
    assert_eq!(columns(json!([{ "name": "iban", "type": "text" }, ssn, note])), 403, "the tag goes");
    assert_eq!(columns(json!([iban, { "name": "ssn2", "type": "text" }, note])), 403, "the name goes");
    assert_eq!(columns(json!([iban, note])), 403, "the column goes");
    assert_eq!(put(&world, &ada, &edited("tags", json!(["PII.Contact", "G"]))), 403, "its exception changes");
    assert_eq!(columns(json!([iban, ssn])), 200, "no mask goes");
}

#[test]
fn what_is_deleted_or_let_go_of_is_not_registered_anew_without_its_guardrails() {
    let (world, ada) = world_with(json!({ "appliesTo": { "domains": ["Finance"] } }));
    world.call_as(&ada, "DELETE", "/api/v1/data-sources/Ledger", None).expect(403);
    assert_eq!(put(&world, &ada, &edited("table", json!("other"))), 403);
    let copy = |table: &str| {
        json!({
            "name": "Copy", "platform": "SNOWFLAKE", "host": "eu", "database": "dwh", "schema": "Fin", "table": table,
            "owners": ["ada"]
        })
    };
    let create = |body: Value| world.call_as(&ada, "POST", "/api/v1/data-sources", Some(body));
    create(copy("LEDGER")).expect(403);
    create(copy("other")).expect(201);
    // Nor is one moved to where another is.
    world.call_as(&ada, "PUT", "/api/v1/data-sources/Copy", Some(copy("ledger"))).expect(403);
    world.call_as(&ada, "PUT", "/api/v1/data-sources/Copy", Some(copy("third"))).expect(200);
    world.call_as(&ada, "DELETE", "/api/v1/data-sources/Copy", None).expect(204);
}

#[test]
fn a_guardrail_of_governance_is_not_a_domain_managers_to_change() {
    let world = World::new();
    let manager = world.user("mia", &[]);
    let second = world.user("max", &[]);
    let manages = |user: &str| json!({ "user": user, "permission": "MANAGE_POLICIES" });
    world.apply(json!({
        "groups": [{ "name": "G" }],
        "users": [{ "username": "mia" }, { "username": "max" }],
        "domains": [{ "name": "Finance", "permissions": [manages("mia"), manages("max")] }]
    }));
    let governor = world.user("gus", &["GOVERNANCE"]);
    let policy = |name: &str, condition: &str| {
        json!({
            "name": name, "type": "guardrail", "condition": condition, "appliesTo": { "domains": ["Finance"] }
        })
    };
    let put = |key: &str, name: &str, condition: &str| {
        world.call_as(key, "PUT", &format!("/api/v1/policies/{name}"), Some(policy(name, condition))).status
    };
    let delete = |key: &str, name: &str| {
        world.call_as(key, "DELETE", &format!("/api/v1/policies/{name}"), None).status
    };
    let (strict, loose) = ("@isInGroups('G')", "@isInGroups('G') OR NOT @isInGroups('G')");

    assert_eq!(put(&governor, "Theirs", strict), 201);
    assert_eq!(put(&manager, "Theirs", loose), 403);
    assert_eq!(delete(&manager, "Theirs"), 403);
    // The managers' own are theirs together, until GOVERNANCE changes one.
    assert_eq!(put(&manager, "Ours", strict), 201);
    assert_eq!(put(&second, "Ours", loose), 200);
    assert_eq!(put(&manager, "Ours", strict), 200);
    assert_eq!(put(&governor, "Ours", "@isInGroups('G') AND @isInGroups('G')"), 200);
    assert_eq!(put(&manager, "Ours", loose), 403);
    assert_eq!(delete(&second, "Ours"), 403);
    // One from a file is GOVERNANCE's as well.
    world.apply(json!({
        "groups": [{ "name": "G" }], "domains": [{ "name": "Finance", "permissions": [manages("mia"), manages("max")] }],
        "users": [{ "username": "mia" }, { "username": "max" }], "policies": [policy("Filed", strict)]
    }));
    assert_eq!(put(&manager, "Filed", loose), 403);
    assert_eq!(put(&manager, "Mine", strict), 201);
    assert_eq!(delete(&second, "Mine"), 204);

    let mask = |key: &str, except: &str| {
        let body = json!({
            "name": "M", "mask": { "kind": "hash" }, "columns": { "names": ["*"] }, "except": except,
            "appliesTo": { "domains": ["Finance"] }
        });
        world.call_as(key, "PUT", "/api/v1/data-policies/M", Some(body)).status
    };
    assert_eq!(mask(&governor, strict), 201);
    assert_eq!(mask(&manager, loose), 403);
    world.call_as(&manager, "DELETE", "/api/v1/data-policies/M", None).expect(403);
}

#[test]
fn a_data_source_is_registered_in_a_domain_with_a_right_inside_it() {
    let world = World::new();
    let ada = world.user("ada", &["CREATE_DATA_SOURCE"]);
    let mia = world.user("mia", &["CREATE_DATA_SOURCE"]);
    world.apply(json!({
        "users": [
            { "username": "ada", "permissions": ["CREATE_DATA_SOURCE"] },
            { "username": "mia", "permissions": ["CREATE_DATA_SOURCE"] }
        ],
        "domains": [{ "name": "Finance", "permissions": [{ "user": "mia", "permission": "REGISTER" }] }]
    }));
    let create = |key: &str, name: &str| {
        let body = json!({ "name": name, "platform": "postgres", "domain": "Finance" });
        world.call_as(key, "POST", "/api/v1/data-sources", Some(body)).status
    };
    assert_eq!(create(&ada, "A"), 403);
    assert_eq!(create(&mia, "B"), 201);
    let body = json!({ "name": "C", "platform": "postgres", "domain": "Finance" });
    world.call_as(&ada, "PUT", "/api/v1/data-sources/C", Some(body)).expect(403);
}
