//! The engine against a slow and obvious evaluator written from `docs/access.md` alone (`oracle`).

mod oracle;

use domesday_model::validate::{Severity, validate};
use domesday_model::{Catalog, Snapshot};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

use oracle::compare::{counts_of, counts_wanted, difference, rows_of, warnings_of, warnings_wanted};
use oracle::config::worlds;
use oracle::coverage::Coverage;
use oracle::evaluate::{World, evaluate};
use oracle::expected::EXPECTED;
use oracle::generate::{at, world};
use oracle::print::{Printed, parse, print};
use oracle::rules::cases;
use oracle::widen::widen;

/// Fails when the engine says anything else of a world than the oracle.
fn compare(catalog: &Catalog) -> Result<(), TestCaseError> {
    let snapshot =
        Snapshot::of_catalog(catalog, at()).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let outcomes = domesday_engine::evaluate(snapshot);
    if let Some(difference) = difference(&rows_of(&outcomes), &evaluate(catalog, at())) {
        return Err(TestCaseError::fail(difference));
    }
    let world = World { catalog, at: at() };
    prop_assert_eq!(warnings_of(&outcomes), warnings_wanted(world));
    prop_assert_eq!(counts_of(&outcomes), counts_wanted(world));
    Ok(())
}

#[test]
fn the_oracle_follows_the_rules() {
    for case in cases() {
        assert_valid(&case.world);
        let rows: Vec<_> = evaluate(&case.world, at()).iter().map(ToString::to_string).collect();
        assert_eq!(rows, case.rows, "{}", case.name);
    }
}

#[test]
fn the_engine_follows_the_rules() {
    for case in cases() {
        let snapshot = Snapshot::of_catalog(&case.world, at()).unwrap();
        let rows = rows_of(&domesday_engine::evaluate(snapshot));
        assert_eq!(rows.iter().map(ToString::to_string).collect::<Vec<_>>(), case.rows, "{}", case.name);
    }
}

#[test]
fn the_engine_agrees_on_small_worlds() {
    proptest!(worlds(20_000), |(Printed(catalog) in world())| compare(&catalog)?);
}

#[test]
fn the_engine_agrees_on_wide_worlds() {
    proptest!(worlds(200), |(Printed(catalog) in world(), users in 20_usize..50)| {
        compare(&widen(&catalog, users, 3))?;
    });
}

#[test]
fn generated_worlds_are_valid_and_printed_whole() {
    proptest!(worlds(500), |(Printed(catalog) in world())| {
        assert_valid(&catalog);
        let printed = print(&catalog);
        prop_assert_eq!(&parse(&serde_json::from_str(&printed).unwrap()), &catalog);
        // What a failing test shows is a catalog as users write them.
        let loaded = domesday_sources::parse_str("world.json", &printed);
        prop_assert_eq!(loaded.map_err(|wrong| wrong.to_string()).unwrap().catalog, catalog);
    });
}

/// Over the same worlds at every run, everything in [`EXPECTED`] occurs often enough to be tested.
#[test]
fn generated_worlds_are_interesting() {
    let mut coverage = Coverage::default();
    let mut runner = TestRunner::new_with_rng(worlds(1), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    for _ in 0..2000 {
        let Printed(catalog) = world().new_tree(&mut runner).unwrap().current();
        coverage.add(&catalog, at());
    }
    println!("{coverage}");
    assert_eq!(coverage.rare(10), Vec::<String>::new(), "{coverage}");
    let rare: Vec<_> = EXPECTED.iter().filter(|name| coverage.of(name) < 10).collect();
    assert!(rare.is_empty(), "seldom or never seen: {rare:#?}\n{coverage}");
}

fn assert_valid(catalog: &Catalog) {
    let problems = validate(catalog).into_iter().filter(|problem| problem.severity == Severity::Error);
    let problems: Vec<_> = problems.collect();
    assert!(problems.is_empty(), "{problems:#?}\n{}", print(catalog));
}
