//! Two worlds compared.

use std::collections::{BTreeMap, BTreeSet};

use domesday_engine::{Access, diff, evaluate};
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
