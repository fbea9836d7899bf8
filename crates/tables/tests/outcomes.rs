//! policy-outcomes read back against the obvious expansion of the engine's classes.

#[path = "outcomes/expand.rs"]
mod expand;
#[path = "outcomes/parts.rs"]
mod parts;
mod world;
#[path = "outcomes/worlds.rs"]
mod worlds;

use std::sync::Arc;

use domesday_engine::evaluate;
use domesday_tables::Settings;
use parquet::file::reader::FileReader as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use world::{Files, Row, encoded, open, settings, snapshot, table};

/// Encodes a world and compares every row, group by group and part by part, with the expansion.
fn check(catalog: &str, settings: &Settings) -> Files {
    let snapshot = snapshot(catalog);
    let (encoded, files) = encoded(&snapshot, settings);
    let rows: Vec<Row> = table(&files, "policy-outcomes");
    let wanted = expand::rows(&evaluate(Arc::clone(&snapshot)));
    assert_eq!(rows.len(), wanted.len());
    for (at, (row, wanted)) in rows.iter().zip(&wanted).enumerate() {
        assert_eq!(row, wanted, "row {at}");
    }
    let counts = encoded.outcomes;
    let of = |outcome: &str| wanted.iter().filter(|row| row["outcome"] == outcome).count() as u64;
    assert_eq!(
        [counts.granted, counts.blocked, counts.masked, counts.unmasked],
        ["GRANTED", "BLOCKED", "MASKED", "UNMASKED"].map(of)
    );
    for ((name, _), bytes) in files.iter().filter(|((name, _), _)| *name == "policy-outcomes") {
        statistics_hold(name, bytes);
    }
    files
}

/// The statistics of groups and pages are those of the values in them.
fn statistics_hold(name: &str, bytes: &[u8]) {
    let reader = open(bytes);
    for (number, group) in reader.metadata().row_groups().iter().enumerate() {
        let rows: Vec<Row> = world::group_rows(bytes, number);
        for column in group.columns() {
            let field = column.column_path().string();
            let values: Vec<&Value> = rows.iter().map(|row| &row[&field]).collect();
            let statistics = column.statistics().expect("every column has statistics");
            let nulls = values.iter().filter(|value| value.is_null()).count() as u64;
            assert_eq!(statistics.null_count_opt(), Some(nulls), "{name}.{field}");
            if let Some(bounds) = world::bounds(statistics) {
                for value in values.iter().filter(|value| !value.is_null()) {
                    let value = world::sortable(value);
                    assert!(bounds.0 <= value && value <= bounds.1, "{name}.{field}: {value:?} {bounds:?}");
                }
            } else {
                assert_eq!(nulls as usize, values.len(), "{name}.{field}");
            }
        }
    }
}

fn with_groups(rows: usize, part_bytes: usize) -> Settings {
    Settings { outcome_group_rows: rows, outcome_group_rows_per_user: 0, part_bytes, ..settings() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_evaluation_says(catalog in worlds::catalog(), rows in 1_usize..300) {
        check(&catalog, &Settings::default());
        check(&catalog, &with_groups(rows, 4096));
    }
}

/// `users` users, of whom every third is in group A, and `sources` sources of which each third is masked.
fn large(users: usize, sources: usize, columns: usize) -> String {
    let user = |number: usize| {
        let groups = if number.is_multiple_of(3) { vec!["A"] } else { vec![] };
        json!({ "username": format!("u{:06}", number * 7919 % users), "groups": groups })
    };
    let column = |at: usize| json!({ "name": format!("c{at}"), "type": "INT", "tags": ["PII"] });
    let source = |number: usize| {
        let columns = if number.is_multiple_of(3) { columns } else { 0 };
        json!({
            "name": format!("s{number}"), "platform": "p",
            "columns": (0..columns).map(column).collect::<Vec<_>>(),
        })
    };
    json!({
        "tags": [{ "name": "PII" }], "groups": [{ "name": "A" }],
        "users": (0..users).map(user).collect::<Vec<_>>(),
        "dataSources": (0..sources).map(source).collect::<Vec<_>>(),
        "policies": [
            { "name": "All", "type": "grant", "level": "anyone", "scope": "read", "appliesTo": "all" },
            { "name": "A only", "type": "grant", "level": "entitlements", "scope": "write",
              "condition": "@isInGroups('A')", "appliesTo": "all" },
        ],
        "dataPolicies": [
            { "name": "Mask", "mask": { "kind": "hash" }, "columns": { "tagged": ["PII"] },
              "appliesTo": "all", "except": "@isInGroups('A')" },
        ],
    })
    .to_string()
}

/// Dictionary positions of users take one bit more at each of these.
#[test]
fn every_width_of_users() {
    for users in [1, 2, 3, 4, 5, 8, 9, 255, 256, 257, 1023, 1025] {
        check(&large(users, 4, 2), &settings());
    }
}

/// More users than sixteen bits number, and one source larger than pages, pieces and row groups.
#[test]
fn more_users_than_sixteen_bits() {
    let catalog = large(66_000, 1, 2);
    let files = check(&catalog, &with_groups(100_000, 200_000));
    let parts = files.keys().filter(|(name, _)| *name == "policy-outcomes").count();
    assert!(parts > 1, "{parts}");
}

/// Users who stand in many rows one after the other, counted instead of repeated.
#[test]
fn many_masked_columns() {
    check(&large(50, 7, 30), &settings());
    check(&large(50, 7, 30), &with_groups(77, 1 << 20));
}

/// The same bytes whatever the number of threads.
#[test]
fn threads_do_not_show() {
    let catalog = large(300, 40, 3);
    let files = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| encoded(&snapshot(&catalog), &with_groups(5_000, 20_000)).1)
    };
    assert_eq!(files(1), files(4));
}
