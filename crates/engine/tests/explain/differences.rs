//! Two worlds compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domesday_engine::{Access, AccessChange, Causes, ColumnChange, Effect, diff, evaluate};
use domesday_model::Scope;
use proptest::prelude::*;

use super::oracle::config::worlds;
use super::oracle::generate::world;
use super::oracle::print::Printed;
use super::oracle::row::{Row, Verdict};
use super::{access_of, column_rows, rows, snapshot};

#[test]
fn a_world_differs_from_itself_in_nothing() {
    proptest!(worlds(300), |(Printed(catalog) in world())| {
        let snapshot = snapshot(&catalog);
        let (before, after) = (evaluate(Arc::clone(&snapshot)), evaluate(snapshot));
        let difference = diff(&before, &after, usize::MAX);
        prop_assert!(difference.is_empty() && difference.access().next().is_none());
    });
}

#[test]
fn comparing_worlds_finds_exactly_the_rows_that_differ_and_what_is_behind() {
    proptest!(worlds(2_000), |(Printed(before) in world(), Printed(after) in world())| {
        let (left, right) = (evaluate(snapshot(&before)), evaluate(snapshot(&after)));
        let found = diff(&left, &right, usize::MAX);
        let (then, now) = (rows(&before), rows(&after));
        let wanted: BTreeMap<_, _> = keys(&then, &now)
            .map(|key| (key, [then.get(key), now.get(key)]))
            .filter(|(_, [from, to])| access_of(*from) != access_of(*to))
            .map(|(key, [from, to])| (key.clone(), (access_of(from), access_of(to), apart(from, to))))
            .collect();
        let told: BTreeMap<_, _> = found
            .access()
            .map(|change| {
                let key = (change.user.to_owned(), change.data_source.to_owned(), change.scope);
                (key, (change.from, change.to, names(change.causes)))
            })
            .collect();
        prop_assert_eq!(&told, &wanted);
        let (seen_then, seen_now) = (column_rows(&before), column_rows(&after));
        let reads = |rows: &BTreeMap<_, Row>, user: &str, source: &str| {
            access_of(rows.get(&(user.to_owned(), source.to_owned(), Scope::Read))) == Access::Granted
        };
        let is_clear = |row: Option<&Row>| row.is_none_or(|row| row.verdict == Verdict::Unmasked);
        let wanted: BTreeMap<_, _> = keys(&seen_then, &seen_now)
            .filter(|(user, source, _)| reads(&then, user, source) && reads(&now, user, source))
            .map(|key| (key, [seen_then.get(key), seen_now.get(key)]))
            .filter(|(_, [from, to])| is_clear(*from) != is_clear(*to))
            .map(|(key, [from, to])| (key.clone(), (is_clear(to), apart(from, to))))
            .collect();
        let told: BTreeMap<_, _> = found
            .columns()
            .map(|change| {
                let [user, source, column] = [change.user, change.data_source, change.column].map(str::to_owned);
                ((user, source, column), (change.clear, names(change.causes)))
            })
            .collect();
        prop_assert_eq!(told, wanted);
    });
}

fn keys<'a, K: Ord>(then: &'a BTreeMap<K, Row>, now: &'a BTreeMap<K, Row>) -> impl Iterator<Item = &'a K> {
    then.keys().chain(now.keys().filter(|key| !then.contains_key(key)))
}

/// What decides on one side only: of policies and of rights.
fn apart(then: Option<&Row>, now: Option<&Row>) -> [BTreeSet<String>; 2] {
    let [then, now] = [then, now].map(|row| row.map(deciding).unwrap_or_default());
    [&then[0] ^ &now[0], &then[1] ^ &now[1]]
}

fn deciding(row: &Row) -> [BTreeSet<String>; 2] {
    let policies = match row.verdict {
        Verdict::Granted => row.grants.clone(),
        Verdict::Blocked => [&*row.grants, &*row.guardrails].concat(),
        Verdict::Masked => row.data_policies.clone(),
        Verdict::Unmasked => Vec::new(),
    };
    let rights: BTreeSet<_> = match row.column {
        None => row.reason.split('+').filter(|part| *part != "POLICY").map(str::to_owned).collect(),
        Some(_) => row.request.iter().map(|_| "REQUEST".to_owned()).collect(),
    };
    [policies.into_iter().collect(), rights]
}

fn names(causes: &Causes<'_>) -> [BTreeSet<String>; 2] {
    [
        causes.policies.iter().copied().map(str::to_owned).collect(),
        causes.rights.iter().map(|right| right.as_str().to_owned()).collect(),
    ]
}

#[test]
fn what_is_counted_is_what_the_whole_list_holds_and_a_limit_cuts_the_list_only() {
    proptest!(worlds(2_000), |(Printed(before) in world(), Printed(after) in world(), listed in 0_usize..6)| {
        let (before, after) = (snapshot(&before), snapshot(&after));
        let (before, after) = (evaluate(before), evaluate(after));
        let whole = diff(&before, &after, usize::MAX);
        let (access, columns): (Vec<_>, Vec<_>) = (whole.access().collect(), whole.columns().collect());
        let place = |change: &AccessChange<'_>| [change.data_source, change.scope.as_str(), change.user].map(str::to_owned);
        prop_assert!(access.is_sorted_by_key(place));
        let place = |change: &ColumnChange<'_>| [change.data_source, change.user, change.column].map(str::to_owned);
        prop_assert!(columns.is_sorted_by_key(place));

        let mut counts = BTreeMap::<_, usize>::new();
        let mut by = [(); 3].map(|()| BTreeMap::<&str, BTreeMap<Effect, usize>>::new());
        let access_told = access.iter().map(|one| (one.effect, one.data_source, one.user, one.causes));
        let columns_told = columns.iter().map(|one| (one.effect(), one.data_source, one.user, one.causes));
        for (effect, source, user, behind) in access_told.chain(columns_told) {
            *counts.entry(effect).or_default() += 1;
            let rights = behind.rights.iter().filter(|_| behind.policies.is_empty()).map(|right| right.as_str());
            let policies: Vec<&str> = behind.policies.iter().copied().chain(rights).collect();
            for (tally, keys) in by.iter_mut().zip([&policies[..], &[source], &[user]]) {
                keys.iter().for_each(|key| *tally.entry(key).or_default().entry(effect).or_default() += 1);
            }
        }
        let limited = diff(&before, &after, listed);
        for difference in [&whole, &limited] {
            prop_assert_eq!(difference.counts().iter().collect::<BTreeMap<_, _>>(), counts.clone());
            prop_assert_eq!(difference.access_changes(), access.len());
            prop_assert_eq!(difference.column_changes(), columns.len());
            let gained = access.iter().filter(|change| change.effect.is_gain()).count();
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
    let (left, right) = (evaluate(snapshot(&before)), evaluate(snapshot(&after)));
    let found = diff(&left, &right, usize::MAX);
    let told: Vec<_> = found
        .access()
        .map(|change| (change.user, change.effect, change.effect.is_gain(), change.causes.policies.len()))
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
    assert!(!found.is_empty() && diff(&left, &left, 0).is_empty());
}

#[test]
fn sources_that_differ_alike_are_counted_each_and_keep_their_names() {
    let [before, after] = [["ada", "cy"].as_slice(), &["ada", "bob", "cy"]].map(|named| {
        let applies = if named.len() == 2 { "all" } else { "optIn" };
        super::oracle::print::parse(&serde_json::json!({
            // Not in the order in which changes are told.
            "users": [{ "username": "cy" }, { "username": "bob" }, { "username": "ada" }],
            "dataSources": [
                { "name": "L", "platform": "p", "columns": [{ "name": "id", "type": "INT" }] },
                { "name": "N", "platform": "p", "columns": [{ "name": "key", "type": "INT" }] },
            ],
            "policies": [{ "name": "In", "type": "grant", "level": "individuals",
                "individuals": { "users": named }, "appliesTo": "all" }],
            "dataPolicies": [{ "name": "M", "mask": { "kind": "null" }, "columns": { "names": ["id", "key"] },
                "appliesTo": applies }],
        }))
    });
    let (left, right) = (evaluate(snapshot(&before)), evaluate(snapshot(&after)));
    let found = diff(&left, &right, usize::MAX);
    let access: Vec<_> = found.access().map(|change| (change.data_source, change.user)).collect();
    assert_eq!(access, [("L", "bob"), ("N", "bob")]);
    let columns: Vec<_> =
        found.columns().map(|change| (change.data_source, change.user, change.column)).collect();
    assert_eq!(columns, [("L", "ada", "id"), ("L", "cy", "id"), ("N", "ada", "key"), ("N", "cy", "key")]);
    let by_user = |user: &str| found.by_user()[user].iter().collect::<Vec<_>>();
    assert_eq!(by_user("ada"), [(Effect::ColumnsClear, 2)]);
    assert_eq!(by_user("bob"), [(Effect::Added, 2)]);
    let by_policy = |policy: &str| found.by_policy()[policy].iter().collect::<Vec<_>>();
    assert_eq!(by_policy("In"), [(Effect::Added, 2)]);
    assert_eq!(by_policy("M"), [(Effect::ColumnsClear, 4)]);
}
