//! One small world per clause of the rules, with its rows written by hand from the text.

use domesday_model::Catalog;
use serde_json::{Value, json};

use super::print::parse;
use super::reasons;

/// A world at 2026-01-01T00:00:00Z and the rows it must have.
pub(crate) struct Case {
    /// The rule and the clause.
    pub(crate) name: &'static str,
    pub(crate) world: Catalog,
    pub(crate) rows: &'static [&'static str],
}

/// Every case, in the order of the rules.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name, world: Value, rows| cases.push(Case { name, world: parse(&world), rows });
    whose_policies_count(&mut case);
    conflicts(&mut case);
    coverage(&mut case);
    admission(&mut case);
    reasons::columns(&mut case);
    reasons::reasons(&mut case);
    cases
}

/// Takes a case's name, world and rows.
pub(super) type Add<'a> = &'a mut dyn FnMut(&'static str, Value, &'static [&'static str]);

/// `fields` over `defaults`.
pub(super) fn with(mut defaults: Value, fields: Value) -> Value {
    let (Value::Object(object), Value::Object(fields)) = (&mut defaults, fields) else { panic!("mappings") };
    object.extend(fields);
    defaults
}

pub(super) fn users(names: &[&str]) -> Value {
    names.iter().map(|name| json!({ "username": name })).collect()
}

pub(super) fn source(name: &str, fields: Value) -> Value {
    with(json!({ "name": name, "platform": "snowflake" }), fields)
}

pub(super) fn grant(name: &str, fields: Value) -> Value {
    with(json!({ "name": name, "type": "grant", "appliesTo": "all" }), fields)
}

pub(super) fn guardrail(name: &str, scope: &str, admits: &[&str]) -> Value {
    let level = json!({ "level": "individuals", "individuals": { "users": admits } });
    with(json!({ "name": name, "type": "guardrail", "scope": scope, "appliesTo": "all" }), level)
}

pub(super) fn request(id: &str, fields: Value) -> Value {
    let defaults = json!({ "id": id, "type": "dataAccess", "user": "ada", "status": "approved" });
    with(with(defaults, json!({ "createdAt": "2025-01-01T00:00:00Z" })), fields)
}

pub(super) fn product(name: &str, status: &str, sources: &[&str]) -> Value {
    json!({ "name": name, "createdBy": "ada", "status": status, "dataSources":
        sources.iter().map(|name| json!({ "name": name })).collect::<Value>() })
}

/// Rules 1 and 7.
fn whose_policies_count(case: Add<'_>) {
    case(
        "1: a write grant is for both scopes, a read guardrail too, a write guardrail for writing only",
        json!({
            "users": users(&["ada"]),
            "dataSources": [source("L", json!({}))],
            "policies": [
                grant("R", json!({ "level": "anyone" })),
                grant("W", json!({ "level": "anyone", "scope": "write" })),
                guardrail("GW", "write", &["ada"]),
                guardrail("GR", "read", &["ada"]),
            ],
        }),
        &[
            "L READ ada: GRANTED POLICY, grants R+W, guardrails GR",
            "L WRITE ada: GRANTED POLICY, grants W, guardrails GW+GR",
        ],
    );
    case(
        "1: only active policies count; 7: only active users and enabled sources",
        json!({
            "users": [{ "username": "ada" }, { "username": "off", "status": "disabled" }],
            "dataSources": [
                source("L", json!({ "owners": ["off"] })),
                source("M", json!({ "owners": ["ada"], "status": "disabled" })),
            ],
            "policies": [
                grant("S", json!({ "level": "anyone", "scope": "write", "state": "staged" })),
                grant("D", json!({ "level": "anyone", "scope": "write", "state": "disabled" })),
                grant("A", json!({ "level": "anyone" })),
                with(guardrail("G", "read", &["off"]), json!({ "state": "staged" })),
            ],
        }),
        &["L READ ada: GRANTED POLICY, grants A"],
    );
}

/// Rule 2.
fn conflicts(case: Add<'_>) {
    let anyone = || grant("Any", json!({ "level": "anyone" }));
    let named = || grant("Named", json!({ "level": "individuals", "individuals": { "users": ["ada"] } }));
    let by_condition = || {
        let condition = "@isInGroups('All Users')";
        grant("Cond", json!({ "level": "entitlements", "condition": condition }))
    };
    case(
        "2: the most restrictive level counts; entitlements and local grants take no part",
        json!({
            "users": users(&["ada", "bob"]),
            "dataSources": [source("L", json!({})), source("M", json!({}))],
            "policies": [
                anyone(),
                named(),
                grant("Local", json!({ "level": "anyone", "appliesTo": { "dataSources": ["M"] } })),
            ],
        }),
        &[
            "L READ ada: GRANTED POLICY, grants Named",
            "M READ ada: GRANTED POLICY, grants Named+Local",
            "M READ bob: GRANTED POLICY, grants Local",
        ],
    );
    case(
        "2: approval outranks anyone, and admits nobody who did not ask",
        json!({
            "users": users(&["ada", "bob"]),
            "dataSources": [source("L", json!({}))],
            "policies": [anyone(), grant("Ask", json!({ "level": "approval" }))],
            "requests": [request("R1", json!({ "dataSource": "L" }))],
        }),
        &["L READ ada: GRANTED REQUEST, grants Ask, request R1"],
    );
    case(
        "2: the level that levelChoice names counts; a policy outside the conflict settles nothing",
        json!({
            "users": users(&["ada", "bob"]),
            "dataSources": [
                source("L", json!({ "levelChoice": "Any" })),
                source("M", json!({ "levelChoice": "Cond" })),
            ],
            "policies": [anyone(), named(), by_condition()],
        }),
        &[
            "L READ ada: GRANTED POLICY, grants Any+Cond",
            "L READ bob: GRANTED POLICY, grants Any+Cond",
            "M READ ada: GRANTED POLICY, grants Named+Cond",
            "M READ bob: GRANTED POLICY, grants Cond",
        ],
    );
    case(
        "2: grants of different scopes are in no conflict",
        json!({
            "users": users(&["ada", "bob"]),
            "dataSources": [source("L", json!({}))],
            "policies": [anyone(), with(named(), json!({ "scope": "write" }))],
        }),
        &[
            "L READ ada: GRANTED POLICY, grants Any+Named",
            "L READ bob: GRANTED POLICY, grants Any",
            "L WRITE ada: GRANTED POLICY, grants Named",
        ],
    );
    case(
        "2: a silenced approval grant lets no request stand behind access",
        json!({
            "users": users(&["ada", "bob"]),
            "dataSources": [source("L", json!({}))],
            "policies": [
                grant("Ask", json!({ "level": "approval" })),
                grant("Bob", json!({ "level": "individuals", "individuals": { "users": ["bob"] } })),
            ],
            "requests": [request("R1", json!({ "dataSource": "L" }))],
        }),
        &["L READ bob: GRANTED POLICY, grants Bob"],
    );
}

/// Rule 3.
fn coverage(case: Add<'_>) {
    case(
        "3: approved, for the user, not ended at the instant, of scope write for writing",
        json!({
            "users": users(&["ada", "bob", "cy", "dee"]),
            "dataSources": [source("L", json!({}))],
            "policies": [grant("Ask", json!({ "level": "approval", "scope": "write" }))],
            "requests": [
                request("pending", json!({ "dataSource": "L", "status": "pending", "scope": "write" })),
                request("revoked", json!({ "dataSource": "L", "status": "revoked", "scope": "write" })),
                request("for bob", json!({ "dataSource": "L", "user": "bob", "requester": "ada" })),
                request("ended", json!({
                    "dataSource": "L", "user": "cy", "scope": "write", "expiresAt": "2026-01-01T00:00:00Z",
                })),
                request("ends", json!({
                    "dataSource": "L", "user": "dee", "scope": "write",
                    "expiresAt": "2026-01-01T00:00:00.000001Z",
                })),
            ],
        }),
        &[
            "L READ bob: GRANTED REQUEST, grants Ask, request for bob",
            "L READ dee: GRANTED REQUEST, grants Ask, request ends, until 2026-01-01T00:00:00.000001Z",
            "L WRITE dee: GRANTED REQUEST, grants Ask, request ends, until 2026-01-01T00:00:00.000001Z",
        ],
    );
    case(
        "3: a product request covers what a published product holds",
        json!({
            "users": users(&["ada"]),
            "dataSources": [source("L", json!({})), source("M", json!({})), source("N", json!({}))],
            "dataProducts": [product("P", "published", &["L"]), product("S", "suspended", &["M"])],
            "requests": [
                request("R1", json!({ "dataProduct": "P", "scope": "write" })),
                request("R2", json!({ "dataProduct": "S" })),
            ],
        }),
        &["L READ ada: GRANTED REQUEST, request R1", "L WRITE ada: GRANTED REQUEST, request R1"],
    );
}

/// Rules 4 to 7.
fn admission(case: Add<'_>) {
    case(
        "4: each level; 5: a request for the source itself needs an approval grant",
        json!({
            "groups": [{ "name": "A", "attributes": { "Region": ["EU"] } }],
            "users": [{ "username": "ada", "groups": ["A"] }, { "username": "bob" }],
            "dataSources": [source("L", json!({})), source("M", json!({}))],
            "policies": [
                grant("Group", json!({
                    "level": "individuals", "individuals": { "groups": ["A"] },
                    "appliesTo": { "dataSources": ["L"] },
                })),
                grant("All", json!({
                    "level": "individuals", "individuals": { "groups": ["All Users"] },
                    "appliesTo": { "dataSources": ["L"] },
                })),
                grant("EU", json!({ "level": "entitlements", "condition": "@hasAttribute('Region', 'EU')" })),
            ],
            "requests": [request("R1", json!({ "user": "bob", "dataSource": "M" }))],
        }),
        &[
            "L READ ada: GRANTED POLICY, grants Group+All+EU",
            "L READ bob: GRANTED POLICY, grants All",
            "M READ ada: GRANTED POLICY, grants EU",
        ],
    );
    case(
        "6, 7: guardrails bind owners, requesters and writers of what only reading is guarded",
        json!({
            "users": users(&["ada", "bob", "cy"]),
            "dataSources": [source("L", json!({ "owners": ["ada", "bob"] }))],
            "policies": [
                guardrail("Bob", "read", &["bob"]),
                guardrail("Both", "write", &["ada", "bob"]),
                guardrail("Nobody", "write", &["cy"]),
            ],
            "dataProducts": [product("P", "published", &["L"])],
            "requests": [request("R1", json!({ "user": "cy", "dataProduct": "P" }))],
        }),
        &[
            "L READ ada: BLOCKED OWNER, guardrails Bob",
            "L READ bob: GRANTED OWNER, guardrails Bob",
            "L READ cy: BLOCKED REQUEST, guardrails Bob, request R1",
            "L WRITE ada: BLOCKED OWNER, guardrails Bob+Nobody",
            "L WRITE bob: BLOCKED OWNER, guardrails Nobody",
        ],
    );
}
