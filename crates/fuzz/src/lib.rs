//! Fuzz targets: three functions that panic when a property that must hold for any input does not.
//!
//! They run in two ways. `cargo test` runs them on every file of `corpus/`; `cargo xtask fuzz` builds them
//! with coverage counters, which stable Rust supports, and lets libFuzzer search for more. An input that breaks a property
//! goes into the corpus with the fix.
//!
//! Speed is not tested here, nor what other tests generate better: the property tests cover whole worlds with sensible
//! names. Here the same worlds are built from bytes, so that coverage guides the search.

#[path = "../../engine/tests/oracle/mod.rs"]
#[allow(dead_code, reason = "of the engine's oracle only worlds and rows are used here")]
mod oracle;

mod edits;

use domesday_model::condition::{Condition, Segment, Template};
use domesday_model::{Catalog, DataSourceIx, Scope, Snapshot, UserIx};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use edits::Bytes;
use oracle::compare::{counts_of, counts_wanted, difference, rows_of, warnings_of, warnings_wanted};
use oracle::evaluate::{World, evaluate};
use oracle::generate::{at, world};
use oracle::print::{Printed, print};
use oracle::settle::settle;

/// The most bytes of an input that are used: longer ones find nothing more, and the oracle is slow by design.
const MAX_INPUT_BYTES: usize = 16 << 10;

/// Tests the condition parser: any text is parsed or refused with a position in it, and a parsed condition is printed so
/// that it parses to the same.
///
/// # Panics
/// When the property does not hold.
pub fn condition(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match text.parse::<Condition>() {
        Ok(condition) => {
            let printed = condition.to_string();
            let again: Condition = printed.parse().expect("what is printed can be read");
            assert_eq!(again, condition, "{printed}");
            assert_eq!(again.to_string(), printed, "printing is canonical");
        }
        Err(error) => {
            assert!(text.is_char_boundary(error.offset), "{error}");
            assert!(error.line >= 1 && error.column >= 1, "{error}");
            assert!(!error.expected.is_empty() && !error.found.is_empty());
        }
    }
    let template = Template::new(text);
    let kept: usize = template
        .segments()
        .map(|segment| match segment {
            Segment::Text(text) => text.len(),
            Segment::Variable(variable) => variable.to_string().len(),
        })
        .sum();
    assert!(kept <= text.len() && text.len() - kept <= text.matches("@@").count());
}

/// Tests the catalog loader: any text is loaded or refused with a position for each mistake. A loaded catalog gives a
/// snapshot, can be written and loaded again, and evaluates as the oracle does.
///
/// The first byte selects the format: JSON when it is `{`, which is then part of the text, else YAML.
///
/// # Panics
/// When the property does not hold.
pub fn catalog(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.len() > MAX_INPUT_BYTES {
        return;
    }
    let name = if text.starts_with('{') { "world.json" } else { "world.yaml" };
    match domesday_sources::parse_str(name, text) {
        Ok(loaded) => {
            let again = domesday_sources::parse_str("world.json", &print(&loaded.catalog));
            let again = again.unwrap_or_else(|wrong| panic!("what was loaded does not load again: {wrong}"));
            assert_eq!(print(&again.catalog), print(&loaded.catalog));
            compare_with_oracle(&loaded.catalog);
        }
        Err(wrong) => {
            assert!(wrong.iter().next().is_some(), "a refusal says why");
            assert!(wrong.iter().all(|wrong| wrong.line >= 1 && wrong.column >= 1), "{wrong}");
        }
    }
}

/// Tests evaluation: bytes choose a world and change it, and the engine agrees with the oracle on it.
///
/// The first four bytes choose one of the property tests' worlds, the others are changes (module `edits`).
///
/// # Panics
/// When the property does not hold.
pub fn outcomes(data: &[u8]) {
    let mut bytes = Bytes::new(&data[..data.len().min(MAX_INPUT_BYTES)]);
    let mut seed = [0; 32];
    let chosen = bytes.take(4);
    seed[..chosen.len()].copy_from_slice(chosen);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let Printed(mut catalog) = world().new_tree(&mut runner).expect("every draw is a world").current();
    edits::apply(&mut catalog, &mut bytes);
    settle(&mut catalog);
    compare_with_oracle(&catalog);
}

/// Compares the engine's rows, warnings, counts and explanations with the oracle's rows.
fn compare_with_oracle(catalog: &Catalog) {
    let snapshot = Snapshot::of_catalog(catalog, at())
        .unwrap_or_else(|error| panic!("a valid catalog makes a snapshot: {error}\n{}", print(catalog)));
    let outcomes = domesday_engine::evaluate(snapshot);
    let (snapshot, rows) = (outcomes.snapshot(), rows_of(&outcomes));
    if let Some(difference) = difference(&rows, &evaluate(catalog, at())) {
        panic!("{difference}\n{}", print(catalog));
    }
    let oracle = World { catalog, at: at() };
    assert_eq!(warnings_of(&outcomes), warnings_wanted(oracle), "{}", print(catalog));
    assert_eq!(counts_of(&outcomes), counts_wanted(oracle), "{}", print(catalog));
    // An explanation evaluates its class again: a few pairs are enough for one input.
    let users = (0..snapshot.users.len().min(3)).map(UserIx::at);
    for (user, source) in users.zip((0..snapshot.data_sources.len()).map(DataSourceIx::at)) {
        for scope in Scope::ALL {
            let told = outcomes.explain(user, source, scope);
            let row = rows.iter().find(|row| {
                row.column.is_none()
                    && (&row.user, &row.source, row.scope) == (&told.user, &told.data_source, scope)
            });
            let reason = row.map(|row| row.reason.as_str()).unwrap_or_default();
            let reasons: Vec<_> = told.reasons.iter().map(|part| part.as_str()).collect();
            assert_eq!(reasons.join("+"), reason, "{}", print(catalog));
        }
        for (column, _) in snapshot.columns_of(source) {
            let _ = outcomes.explain_column(user, source, column);
        }
    }
}
