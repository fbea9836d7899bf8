//! The `merged_policy` line decides as the policies do: read back, with its words put to the oracle, it admits
//! exactly whom some grant and every guardrail admit.

use std::sync::Arc;

use domesday_engine::evaluate;
use domesday_model::condition::{Atom, Condition};
use domesday_model::{Level, PolicyKind, Scope, UserStatus};
use proptest::prelude::*;

use super::oracle::config::worlds;
use super::oracle::evaluate::World;
use super::oracle::generate::{at, world};
use super::oracle::print::Printed;
use super::{pairs, snapshot};

#[test]
fn the_merged_line_admits_whom_the_policies_admit() {
    proptest!(worlds(3_000), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let outcomes = evaluate(Arc::clone(&snapshot));
        let oracle = World { catalog: &catalog, at: at() };
        for (user, source, scope) in pairs(&snapshot) {
            let (user_spec, source_spec) = (&catalog.users[user.get()], &catalog.data_sources[source.get()]);
            let line = outcomes.explain(user, source, scope).merged_policy;
            let Some(source_spec) = oracle.enabled_sources().find(|known| known.name == source_spec.name) else {
                prop_assert!(line.is_empty());
                continue;
            };
            if user_spec.status == UserStatus::Disabled {
                continue;
            }
            let parsed: Condition = readable(&line).parse()
                .map_err(|error| TestCaseError::fail(format!("{line}: {error}")))?;
            let admits = |policy| oracle.admits(policy, user_spec, source_spec, scope);
            let grants = oracle.grants_for(source_spec, scope);
            let wanted = grants.iter().any(|grant| admits(grant))
                && oracle.guardrails_for(source_spec, scope).iter().all(|guardrail| admits(guardrail));
            let word = |text: &str| match text.split_once(':') {
                Some(("anyone", _)) => true,
                Some(("approved", _)) => !oracle.covering(user_spec, source_spec, scope).is_empty(),
                Some(("named", name)) => {
                    let policies = catalog.policies.iter().map(|policy| &policy.spec);
                    let named = policies.filter(|policy| {
                        policy.name == name && matches!(policy.level, Level::Individuals { .. })
                    });
                    let mut named = named.peekable();
                    assert!(named.peek().is_some(), "{line} names a policy");
                    named.any(|policy| policy.kind == PolicyKind::Guardrail || !oracle.is_silenced(policy, source_spec)) && {
                        let policies = catalog.policies.iter().map(|policy| &policy.spec);
                        policies.filter(|policy| policy.name == name).any(admits)
                    }
                }
                _ => false,
            };
            let found = holds(&parsed, &|atom| match atom {
                Atom::InGroups(names) if names[0].as_str().starts_with(MARK) => {
                    word(&names[0].as_str()[MARK.len()..])
                }
                atom => oracle.atom_holds(atom, user_spec, source_spec),
            });
            prop_assert_eq!(found, wanted, "{} for {} {}", line, user_spec.username, scope);
        }
    });
}

/// Begins the names of groups that stand for words.
const MARK: &str = "\u{1}";

/// The line with its words as atoms that the parser knows.
fn readable(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            let end = rest[1..].find('\'').map_or(rest.len(), |end| end + 2);
            text.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let words = [("ANYONE", "anyone:"), ("APPROVED", "approved:"), ("OWNER OR REQUEST", "nobody:")];
        if let Some((word, name)) = words.iter().find(|(word, _)| rest.starts_with(word)) {
            text.push_str(&format!("@isInGroups('{MARK}{name}')"));
            rest = &rest[word.len()..];
        } else if let Some(after) = rest.strip_prefix("NAMED IN '") {
            let end = after.find('\'').expect("the name is closed");
            text.push_str(&format!("@isInGroups('{MARK}named:{}')", &after[..end]));
            rest = &after[end + 1..];
        } else {
            text.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    text
}

fn holds(condition: &Condition, atom: &dyn Fn(&Atom) -> bool) -> bool {
    match condition {
        Condition::Atom(fact) => atom(fact),
        Condition::Not(inner) => !holds(inner, atom),
        Condition::And(parts) => parts.iter().all(|part| holds(part, atom)),
        Condition::Or(parts) => parts.iter().any(|part| holds(part, atom)),
    }
}

#[test]
fn the_line_is_written_as_the_tables_say() {
    let policies = serde_json::json!([
        { "name": "A", "type": "grant", "level": "anyone", "appliesTo": { "dataSources": ["L"] } },
        { "name": "B", "type": "grant", "level": "approval", "appliesTo": { "dataSources": ["L"] } },
        { "name": "Bob's", "type": "grant", "level": "individuals", "individuals": { "users": ["ada"] },
          "appliesTo": { "dataSources": ["L"] } },
        { "name": "C", "type": "grant", "scope": "write", "level": "entitlements", "condition": "@isInGroups('x') or @isInGroups('y')",
          "appliesTo": { "dataSources": ["L", "M"] } },
        { "name": "C again", "type": "grant", "level": "entitlements", "condition": "@isInGroups('x') OR @isInGroups('y')",
          "appliesTo": { "dataSources": ["L"] } },
        { "name": "G", "type": "guardrail", "level": "entitlements", "condition": "@isInGroups('x') OR @isInGroups('z')",
          "appliesTo": { "dataSources": ["L", "M", "N"] } },
        { "name": "H", "type": "guardrail", "scope": "write", "level": "individuals",
          "individuals": { "users": ["ada"] }, "appliesTo": { "dataSources": ["L", "M"] } },
        { "name": "S", "type": "grant", "level": "anyone", "appliesTo": { "dataSources": ["O", "P"] } },
        { "name": "T", "type": "grant", "level": "approval", "appliesTo": { "dataSources": ["P"] } },
        { "name": "I", "type": "guardrail", "level": "individuals", "individuals": { "users": ["ada"] },
          "appliesTo": { "dataSources": ["O"] } },
        { "name": "Loud", "type": "grant", "level": "anyone", "appliesTo": { "names": ["K"] } },
        { "name": "Strict", "type": "grant", "level": "approval", "appliesTo": { "names": ["K"] } },
    ]);
    let source = |name: &str| serde_json::json!({ "name": name, "platform": "p", "owners": ["ada"] });
    let catalog = super::oracle::print::parse(&serde_json::json!({
        "groups": [{ "name": "x" }, { "name": "y" }, { "name": "z" }],
        "users": [{ "username": "ada" }],
        "dataSources": [source("L"), source("M"), source("N"), source("K"), source("O"), source("P")],
        "policies": policies,
    }));
    let snapshot = snapshot(&catalog);
    let outcomes = evaluate(Arc::clone(&snapshot));
    let ada = snapshot.user("ada").unwrap();
    let (xy, xz) = ("@isInGroups('x') OR @isInGroups('y')", "(@isInGroups('x') OR @isInGroups('z'))");
    let table = [
        ("L", Scope::Read, format!("(ANYONE OR APPROVED OR NAMED IN 'Bob''s' OR {xy}) AND {xz}")),
        ("L", Scope::Write, format!("({xy}) AND {xz} AND NAMED IN 'H'")),
        ("M", Scope::Read, format!("({xy}) AND {xz}")),
        ("N", Scope::Read, format!("(OWNER OR REQUEST) AND {xz}")),
        ("N", Scope::Write, format!("(OWNER OR REQUEST) AND {xz}")),
        // Parentheses only where they are needed.
        ("O", Scope::Read, "ANYONE AND NAMED IN 'I'".to_owned()),
        ("P", Scope::Read, "ANYONE OR APPROVED".to_owned()),
        ("K", Scope::Read, "APPROVED".to_owned()),
        ("K", Scope::Write, "OWNER OR REQUEST".to_owned()),
    ];
    for (name, scope, wanted) in table {
        let told = outcomes.explain(ada, snapshot.data_source(name).unwrap(), scope);
        assert_eq!(told.merged_policy, wanted, "{name} {scope}");
        // The same line as the row's.
        let position = outcomes
            .sources()
            .iter()
            .find(|of| *snapshot.data_sources[of.source.get()].name == *name)
            .unwrap();
        assert_eq!(outcomes.class(position.class).scope(scope).merged_policy, wanted, "{name} {scope}");
    }
}
