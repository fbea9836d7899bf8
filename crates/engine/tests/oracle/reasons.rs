//! Worlds for rules 8 and 9; see [`rules`](super::rules).

use serde_json::{Value, json};

use super::rules::{Add, grant, guardrail, product, request, source, users, with};

fn mask(name: &str, fields: Value) -> Value {
    let defaults = json!({ "name": name, "mask": { "kind": "null" }, "columns": { "names": ["*"] } });
    with(with(defaults, json!({ "appliesTo": "all" })), fields)
}

fn exception(id: &str, fields: Value) -> Value {
    with(request(id, json!({ "type": "maskingException", "dataSource": "L" })), fields)
}

/// Rule 8, and what rule 9 says of columns.
pub(super) fn columns(case: Add<'_>) {
    case(
        "8: every mask that does not except the user masks; an exception clears the column it names",
        json!({
            "tags": ["PII.Contact"],
            "groups": [{ "name": "Privacy" }],
            "users": [{ "username": "ada" }, { "username": "bob", "groups": ["Privacy"] }],
            "dataSources": [source("L", json!({ "columns": [
                { "name": "id", "type": "INT" },
                { "name": "email", "type": "STRING", "tags": ["PII.Contact"] },
                { "name": "iban", "type": "STRING" },
            ] }))],
            "policies": [grant("Any", json!({ "level": "anyone" }))],
            "dataPolicies": [
                mask("Contact", json!({
                    "columns": { "tagged": ["PII"] }, "except": "@isInGroups('Privacy')",
                })),
                mask("I", json!({ "columns": { "names": ["e*", "iban"] } })),
                mask("Staged", json!({ "state": "staged" })),
                mask("Elsewhere", json!({ "appliesTo": { "platforms": ["postgres"] } })),
            ],
            "requests": [
                exception("E1", json!({ "columns": ["iban"], "expiresAt": "2026-01-02T00:00:00Z" })),
                exception("E2", json!({ "columns": ["email"], "expiresAt": "2026-01-01T00:00:00Z" })),
                exception("E3", json!({ "columns": ["email"], "user": "bob" })),
            ],
        }),
        &[
            "L READ ada: GRANTED POLICY, grants Any",
            "L READ bob: GRANTED POLICY, grants Any",
            "L.email READ ada: MASKED POLICY, data policies Contact+I",
            "L.iban READ ada: UNMASKED REQUEST, data policies I, request E1, until 2026-01-02T00:00:00Z",
            "L.email READ bob: UNMASKED REQUEST, data policies Contact+I, request E3",
            "L.iban READ bob: MASKED POLICY, data policies I",
        ],
    );
    case(
        "8: only readers have column rows; 9: those that mask, or all that apply, and a needed exception",
        json!({
            "users": users(&["ada", "bob", "cy"]),
            "dataSources": [source("L", json!({
                "owners": ["ada", "bob", "cy"], "columns": [{ "name": "id", "type": "INT" }],
            }))],
            "policies": [guardrail("G", "read", &["ada", "bob"])],
            "dataPolicies": [
                mask("Ada", json!({ "except": "@hasTagAsGroup('column') OR @isInGroups('All Users')" })),
                mask("All", json!({})),
                mask("Opt", json!({ "appliesTo": "optIn" })),
            ],
            "requests": [
                exception("E10", json!({ "columns": ["id"] })),
                exception("E2", json!({ "columns": ["id"], "expiresAt": "2027-01-01T00:00:00Z" })),
                exception("E1", json!({ "columns": ["id"], "scope": "write" })),
            ],
        }),
        &[
            "L READ ada: GRANTED OWNER, guardrails G",
            "L READ bob: GRANTED OWNER, guardrails G",
            "L READ cy: BLOCKED OWNER, guardrails G",
            "L WRITE ada: GRANTED OWNER, guardrails G",
            "L WRITE bob: GRANTED OWNER, guardrails G",
            "L WRITE cy: BLOCKED OWNER, guardrails G",
            "L.id READ ada: UNMASKED REQUEST, data policies Ada+All, request E1",
            "L.id READ bob: MASKED POLICY, data policies All",
        ],
    );
    case(
        "9: an exception that is not needed is no reason",
        json!({
            "users": users(&["ada"]),
            "dataSources": [source("L", json!({
                "owners": ["ada"], "columns": [{ "name": "id", "type": "INT" }], "optInPolicies": ["Opt"],
            }))],
            "dataPolicies": [
                mask("Opt", json!({ "appliesTo": "optIn", "except": "@isInGroups('All Users')" })),
            ],
            "requests": [exception("E1", json!({ "columns": ["id"] }))],
        }),
        &[
            "L READ ada: GRANTED OWNER",
            "L WRITE ada: GRANTED OWNER",
            "L.id READ ada: UNMASKED POLICY, data policies Opt",
        ],
    );
}

/// Rule 9 on table rows.
pub(super) fn reasons(case: Add<'_>) {
    let ask = |user: &str, source: &str| {
        let end = "2026-02-01T00:00:00Z";
        let fields = json!({ "user": user, "dataSource": source, "expiresAt": end });
        request(&format!("{user} {source}"), fields)
    };
    let requests = json!([ask("ada", "L"), ask("bob", "L"), ask("ada", "M"), ask("bob", "M")]);
    case(
        "9: reasons unite; access ends only when a request alone stands behind it",
        json!({
            "users": users(&["ada", "bob"]),
            "dataSources": [
                source("L", json!({ "owners": ["ada"] })),
                source("M", json!({ "owners": ["ada"] })),
            ],
            "policies": [
                grant("Ask", json!({ "level": "approval" })),
                grant("Cond", json!({
                    "level": "entitlements", "condition": "@isInGroups('All Users')",
                    "appliesTo": { "dataSources": ["M"] },
                })),
            ],
            "requests": requests,
        }),
        &[
            "L READ ada: GRANTED OWNER+REQUEST, grants Ask, request ada L",
            "L READ bob: GRANTED REQUEST, grants Ask, request bob L, until 2026-02-01T00:00:00Z",
            "L WRITE ada: GRANTED OWNER",
            "M READ ada: GRANTED POLICY+OWNER+REQUEST, grants Ask+Cond, request ada M",
            "M READ bob: GRANTED POLICY+REQUEST, grants Ask+Cond, request bob M",
            "M WRITE ada: GRANTED OWNER",
        ],
    );
    let until = |id: &str, user: &str, target: &str, end: Option<&str>| {
        let mut fields = json!({ "user": user, target: if target == "dataProduct" { "P" } else { "L" } });
        if let Some(end) = end {
            fields = with(fields, json!({ "expiresAt": end }));
        }
        request(id, fields)
    };
    let (soon, late) = (Some("2026-02-01T00:00:00Z"), Some("2026-03-01T00:00:00Z"));
    let requests = json!([
        until("a2", "ada", "dataSource", late),
        until("a10", "ada", "dataProduct", late),
        until("a0", "ada", "dataSource", soon),
        until("b1", "bob", "dataSource", late),
        until("b2", "bob", "dataProduct", None),
        until("c1", "cy", "dataSource", None),
        until("c0", "cy", "dataProduct", soon),
    ]);
    let world = |policies: Value| {
        json!({
            "users": users(&["ada", "bob", "cy"]),
            "dataSources": [source("L", json!({}))],
            "policies": policies,
            "dataProducts": [product("P", "published", &["L"])],
            "requests": requests,
        })
    };
    case(
        "9: with an approval grant, of all requests that cover the one that ends last; ties by id as text",
        world(json!([grant("Ask", json!({ "level": "approval" }))])),
        &[
            "L READ ada: GRANTED REQUEST, grants Ask, request a10, until 2026-03-01T00:00:00Z",
            "L READ bob: GRANTED REQUEST, grants Ask, request b2",
            "L READ cy: GRANTED REQUEST, grants Ask, request c1",
        ],
    );
    case(
        "9: without one, of the product requests",
        world(json!([])),
        &[
            "L READ ada: GRANTED REQUEST, request a10, until 2026-03-01T00:00:00Z",
            "L READ bob: GRANTED REQUEST, request b2",
            "L READ cy: GRANTED REQUEST, request c0, until 2026-02-01T00:00:00Z",
        ],
    );
}
