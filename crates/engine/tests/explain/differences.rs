//! Two worlds compared.

use std::collections::{BTreeMap, BTreeSet};

use domesday_engine::{Access, AccessChange, ColumnChange, Effect, diff, evaluate};
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
        let difference = diff(&evaluate(&snapshot), &evaluate(&snapshot), usize::MAX);
        prop_assert!(difference.is_empty() && difference.access().next().is_none());
    });
}

#[test]
fn comparing_worlds_finds_exactly_the_rows_that_differ() {
    proptest!(worlds(2_000), |(Printed(before) in world(), Printed(after) in world())| {
        let (left, right) = (snapshot(&before), snapshot(&after));
        let found = diff(&evaluate(&left), &evaluate(&right), usize::MAX);
        let (then, now) = (rows(&before), rows(&after));
        let keys: BTreeSet<_> = then.keys().chain(now.keys()).cloned().collect();
        let wanted: BTreeMap<_, _> = keys
            .into_iter()
            .map(|key| (key.clone(), (access_of(then.get(&key)), access_of(now.get(&key)))))
            .filter(|(_, (from, to))| from != to)
            .collect();
        let told: BTreeMap<_, _> = found
            .access()
            .map(|change| {
                let scope = if change.scope == "READ" { Scope::Read } else { Scope::Write };
                ((change.user.to_owned(), change.data_source.to_owned(), scope), (change.from, change.to))
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
            .columns()
            .map(|change| [change.data_source, change.user, change.column].map(str::to_owned).into())
            .collect();
        prop_assert_eq!(told, wanted);
    });
}

#[test]
fn what_is_counted_is_what_the_whole_list_holds_and_a_limit_cuts_the_list_only() {
    proptest!(worlds(2_000), |(Printed(before) in world(), Printed(after) in world(), listed in 0_usize..6)| {
        let (before, after) = (snapshot(&before), snapshot(&after));
        let (before, after) = (evaluate(&before), evaluate(&after));
        let whole = diff(&before, &after, usize::MAX);
        let (access, columns): (Vec<_>, Vec<_>) = (whole.access().collect(), whole.columns().collect());
        let place = |change: &AccessChange<'_>| [change.data_source, change.scope, change.user].map(str::to_owned);
        prop_assert!(access.is_sorted_by_key(place));
        let place = |change: &ColumnChange<'_>| [change.data_source, change.user, change.column].map(str::to_owned);
        prop_assert!(columns.is_sorted_by_key(place));

        let mut counts = BTreeMap::<_, usize>::new();
        let mut by = [(); 3].map(|()| BTreeMap::<&str, BTreeMap<Effect, usize>>::new());
        let access_told = access.iter().map(|one| (one.effect, one.data_source, one.user, one.behind));
        let columns_told = columns.iter().map(|one| (one.effect(), one.data_source, one.user, one.behind));
        for (effect, source, user, behind) in access_told.chain(columns_told) {
            *counts.entry(effect).or_default() += 1;
            let rights = behind.rights.iter().filter(|_| behind.policies.is_empty());
            let policies: Vec<&str> = behind.policies.iter().chain(rights).copied().collect();
            for (tally, keys) in by.iter_mut().zip([&policies[..], &[source], &[user]]) {
                keys.iter().for_each(|key| *tally.entry(key).or_default().entry(effect).or_default() += 1);
            }
        }
        let limited = diff(&before, &after, listed);
        for difference in [&whole, &limited] {
            prop_assert_eq!(difference.counts().iter().collect::<BTreeMap<_, _>>(), counts.clone());
            prop_assert_eq!(difference.access_changes(), access.len());
            prop_assert_eq!(difference.column_changes(), columns.len());
            let gained = access.iter().filter(|change| change.effect.gains()).count();
            prop_assert_eq!(difference.gained(), gained + columns.iter().filter(|change| change.clear).count());
            let told = [difference.by_policy(), difference.by_data_source(), difference.by_user()];
            for (told, wanted) in told.into_iter().zip(&by) {
                let told: BTreeMap<&str, BTreeMap<_, _>> =
                    told.iter().map(|(name, counts)| (*name, counts.iter().collect())).collect();
                prop_assert_eq!(&told, wanted);
            }
        }
        prop_assert_eq!(limited.access().collect::<Vec<_>>(), &access[..access.len().min(listed)]);
        prop_assert_eq!(limited.columns().collect::<Vec<_>>(), &columns[..columns.len().min(listed)]);
        prop_assert_eq!(limited.is_listed_in_full(), access.len() <= listed && columns.len() <= listed);
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
    let found = diff(&evaluate(&left), &evaluate(&right), usize::MAX);
    let told: Vec<_> = found
        .access()
        .map(|change| (change.user, change.effect, change.effect.gains(), change.behind.policies.len()))
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
    let clear: Vec<_> = found.columns().map(|change| (change.user, change.clear)).collect();
    assert_eq!(clear, [("ada", true)]);
    assert_eq!(found.gained(), 3);
    let counts: Vec<_> = found.counts().iter().collect();
    let wanted = [
        (Effect::Added, 1),
        (Effect::Unblocked, 1),
        (Effect::Removed, 1),
        (Effect::Blocked, 1),
        (Effect::Idle, 2),
        (Effect::ColumnsClear, 1),
    ];
    assert_eq!(counts, wanted);
    assert!(!found.is_empty() && diff(&evaluate(&left), &evaluate(&left), 0).is_empty());
}
