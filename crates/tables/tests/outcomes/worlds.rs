//! Random worlds in which policy-outcomes has rows of every kind.

use proptest::prelude::*;
use serde_json::{Value, json};

const GROUPS: [&str; 4] = ["A", "B", "C", "D"];
const TAGS: [&str; 3] = ["T.x", "T.y", "PII"];

/// A catalog as a JSON document: users and sources drawn from a few templates, so that classes are shared.
pub(crate) fn catalog() -> impl Strategy<Value = String> {
    let users = prop::collection::vec((0_u8..16, prop::bool::weighted(0.1)), 0..40);
    // Template, owner, columns that are masked, whether disabled.
    let sources =
        prop::collection::vec((0_usize..4, 0_usize..50, 0_usize..12, prop::bool::weighted(0.1)), 0..30);
    let requests = prop::collection::vec((0_usize..50, 0_usize..30, 0_i64..4, 0_u8..3, any::<bool>()), 0..12);
    let policies = prop::collection::vec((0_usize..4, 0_usize..4, 0_usize..3, any::<bool>(), 0_u8..6), 0..8);
    (users, sources, requests, policies).prop_map(|(users, sources, requests, policies)| {
        let user = |(number, (groups, disabled)): (usize, &(u8, bool))| {
            let of = (0..4).filter(|bit| groups >> bit & 1 == 1).map(|bit| GROUPS[bit]);
            json!({
                "username": format!("u{}{number}", (b'a' + (number * 7 % 26) as u8) as char),
                "groups": of.collect::<Vec<_>>(),
                "status": if *disabled { "disabled" } else { "active" },
            })
        };
        let users: Vec<Value> = users.iter().enumerate().map(user).collect();
        let name = |at: usize| users[at % users.len()]["username"].clone();
        let source =
            |(number, (template, owner, masked, disabled)): (usize, &(usize, usize, usize, bool))| {
                let tags = &TAGS[..*template % TAGS.len()];
                let column = |at: usize| {
                    let tags = if at < *masked { vec![TAGS[2]] } else { vec![] };
                    json!({ "name": format!("c{at}"), "type": "INT", "tags": tags })
                };
                let owners = if users.is_empty() || *owner > 9 { vec![] } else { vec![name(*owner)] };
                json!({
                    "name": format!("s{number}"), "platform": "p", "owners": owners, "tags": tags,
                    "columns": (0..masked + 1).map(column).collect::<Vec<_>>(),
                    "status": if *disabled { "disabled" } else { "enabled" },
                })
            };
        let sources: Vec<Value> = sources.iter().enumerate().map(source).collect();
        let request =
            |(number, (user, source, days, kind, write)): (usize, &(usize, usize, i64, u8, bool))| {
                if users.is_empty() || sources.is_empty() {
                    return None;
                }
                let source = &sources[source % sources.len()];
                let mut request = json!({
                    "id": format!("R{number}"), "user": name(*user), "dataSource": source["name"],
                    "type": if *kind == 0 { "maskingException" } else { "dataAccess" },
                    "scope": if *write { "write" } else { "read" },
                    "status": "approved", "createdAt": "2026-01-01T00:00:00Z",
                });
                if *kind == 0 {
                    request["columns"] = json!(["c0"]);
                }
                if *days > 0 {
                    request["expiresAt"] = json!(format!("2026-06-{:02}T00:00:00Z", 1 + days));
                }
                Some(request)
            };
        let requests: Vec<Value> = requests.iter().enumerate().filter_map(request).collect();
        let policy =
            |(number, (group, other, tag, write, kind)): (usize, &(usize, usize, usize, bool, u8))| {
                let (group, other) = (GROUPS[*group], GROUPS[*other]);
                let mut policy = json!({
                    "name": format!("P{number}"), "type": "grant", "level": "entitlements",
                    "scope": if *write { "write" } else { "read" },
                    "appliesTo": if *kind == 0 { json!("all") } else { json!([{ "tagged": [TAGS[*tag]] }]) },
                });
                match kind {
                    1 => policy["level"] = json!("anyone"),
                    2 => policy["level"] = json!("approval"),
                    3 => {
                        policy["type"] = json!("guardrail");
                        policy["condition"] = json!(format!("@isInGroups('{group}')"));
                    }
                    _ => {
                        let condition = format!("@isInGroups('{group}') OR NOT @isInGroups('{other}')");
                        policy["condition"] = json!(condition);
                    }
                }
                policy
            };
        let policies: Vec<Value> = policies.iter().enumerate().map(policy).collect();
        let mask = |(name, except): (&str, Value)| {
            json!({
                "name": name, "mask": { "kind": "hash" }, "columns": { "tagged": ["PII"] },
                "appliesTo": "all", "except": except,
            })
        };
        let groups: Vec<Value> = GROUPS.iter().map(|name| json!({ "name": name })).collect();
        json!({
            "tags": TAGS.map(|name| json!({ "name": name })), "groups": groups, "users": users,
            "dataSources": sources, "policies": policies, "requests": requests,
            "dataPolicies": [
                mask(("M1", json!("@isInGroups('A')"))),
                mask(("M2", json!("@isInGroups('B') OR @isInGroups('C')"))),
            ],
        })
        .to_string()
    })
}
