//! Two worlds compared.

use std::collections::{BTreeMap, BTreeSet};

use domesday_engine::{Access, Effect, diff, evaluate};
use domesday_model::{Catalog, Scope};
use proptest::prelude::*;

use super::oracle;
use super::oracle::config::worlds;
use super::oracle::generate::{at, world};
use super::oracle::print::Printed;
use super::oracle::row::{Row, Verdict};
use super::{access_of, rows, snapshot};

#[test]
fn a_world_differs_from_itself_in_nothing() {
    proptest!(worlds(300), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        prop_assert!(diff(&evaluate(&snapshot), &evaluate(&snapshot)).is_empty());
    });
}

#[test]
fn comparing_worlds_finds_exactly_the_rows_that_differ() {
    proptest!(worlds(2_000), |(Printed(before) in world(), Printed(after) in world())| {
        let (left, right) = (snapshot(&before), snapshot(&after));
        let found = diff(&evaluate(&left), &evaluate(&right));
        let (then, now) = (rows(&before), rows(&after));
        let keys: BTreeSet<_> = then.keys().chain(now.keys()).cloned().collect();
        let wanted: BTreeMap<_, _> = keys
            .into_iter()
            .map(|key| (key.clone(), (access_of(then.get(&key)), access_of(now.get(&key)))))
            .filter(|(_, (from, to))| from != to)
            .collect();
        let told: BTreeMap<_, _> = found
            .access
            .iter()
            .map(|change| {
                let scope = if change.scope == "READ" { Scope::Read } else { Scope::Write };
                ((change.user.clone(), change.data_source.clone(), scope), (change.from, change.to))
            })
            .collect();
        prop_assert_eq!(&told, &wanted);
        let clear = |catalog: &Catalog| -> BTreeMap<(String, String, String), bool> {
            let rows = oracle::evaluate::evaluate(catalog, at()).into_iter();
            rows.filter_map(|row| {
                let clear = row.verdict == Verdict::Unmasked;
                Some(((row.source, row.user, row.column?), clear))
            })
            .collect()
        };
        let (seen_then, seen_now) = (clear(&before), clear(&after));
        let reads = |rows: &BTreeMap<_, Row>, user: &str, source: &str| {
            access_of(rows.get(&(user.to_owned(), source.to_owned(), Scope::Read))) == Access::Granted
        };
        let keys: BTreeSet<_> = seen_then.keys().chain(seen_now.keys()).cloned().collect();
        let wanted: BTreeSet<_> = keys
            .into_iter()
            .filter(|(source, user, _)| reads(&then, user, source) && reads(&now, user, source))
            .filter(|key| seen_then.get(key).unwrap_or(&true) != seen_now.get(key).unwrap_or(&true))
            .collect();
        let told: BTreeSet<_> = found
            .columns
            .iter()
            .map(|change| (change.data_source.clone(), change.user.clone(), change.column.clone()))
            .collect();
        prop_assert_eq!(told, wanted);
    });
}

#[test]
fn effects_are_told_apart_and_gains_are_counted() {
    let worlds = [
        // Who is in, and whom the guardrail admits: bob comes in, cy is let through, dee is put out, eve blocked.
        (["ada", "cy", "dee", "eve", "fay"], ["ada", "bob", "dee", "eve"]),
        (["ada", "bob", "cy", "eve", "gus"], ["ada", "bob", "cy", "dee"]),
    ];
    let everyone = ["ada", "bob", "cy", "dee", "eve", "fay", "gus"];
    let everyone = everyone.map(|name| serde_json::json!({ "username": name }));
    let [before, after] = worlds.map(|(named, admitted)| {
        super::oracle::print::parse(&serde_json::json!({
            "users": everyone,
            "dataSources": [{ "name": "L", "platform": "p", "columns": [{ "name": "id", "type": "INT" }] }],
            "policies": [
                { "name": "In", "type": "grant", "level": "individuals", "individuals": { "users": named },
                  "appliesTo": "all" },
                { "name": "Through", "type": "guardrail", "level": "individuals",
                  "individuals": { "users": admitted }, "appliesTo": "all" },
            ],
            "dataPolicies": [{ "name": "M", "mask": { "kind": "null" }, "columns": { "names": ["id"] },
                "appliesTo": if named.contains(&"fay") { "all" } else { "optIn" } }],
        }))
    });
    let (left, right) = (snapshot(&before), snapshot(&after));
    let found = diff(&evaluate(&left), &evaluate(&right));
    let told: Vec<_> = found
        .access
        .iter()
        .map(|change| (change.user.as_str(), change.effect, change.effect.gains(), change.policies.len()))
        .collect();
    assert_eq!(
        told,
        [
            ("bob", Effect::Added, true, 1),
            ("cy", Effect::Unblocked, true, 1),
            ("dee", Effect::Removed, false, 1),
            ("eve", Effect::Blocked, false, 1),
            // Behind the guardrail before and after.
            ("fay", Effect::Idle, false, 2),
            ("gus", Effect::Idle, false, 2),
        ]
    );
    let clear: Vec<_> = found.columns.iter().map(|change| (change.user.as_str(), change.clear)).collect();
    assert_eq!(clear, [("ada", true)]);
    assert_eq!(found.gained(), 3);
    let counts: Vec<_> = found.counts().into_iter().collect();
    let wanted = [
        (Effect::Added, 1),
        (Effect::Unblocked, 1),
        (Effect::Removed, 1),
        (Effect::Blocked, 1),
        (Effect::Idle, 2),
    ];
    assert_eq!(counts, wanted);
    assert!(!found.is_empty() && diff(&evaluate(&left), &evaluate(&left)).is_empty());
}
