//! What must hold for any input whatever: three functions that panic where a promise is broken.
//!
//! They are asked in two ways. `cargo test` puts every file of `corpus/` to them; `cargo xtask fuzz` builds them
//! with coverage counters, which stable Rust has, and lets libFuzzer look for more. An input that breaks a promise
//! goes into the corpus with the fix.
//!
//! What is not here: no promise of speed, and no input that another test makes better. Whole worlds of sensible
//! names are the property tests' part; here the same worlds are reached from bytes, so that what is covered
//! steers what is tried.

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

/// Longer inputs teach nothing that shorter ones do not, and the oracle is slow by design.
const LONGEST: usize = 16 << 10;

/// The condition parser: any text is read or refused at a place in it, and what is read is printed so that it is
/// read again as the same.
///
/// # Panics
/// When that is not so.
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

/// The catalog loader: any text is loaded or refused with a place for each mistake; what is loaded makes a
/// snapshot, can be written and loaded again, and evaluates as the oracle says.
///
/// The first byte says how the rest is written: JSON when it is `{`, which then belongs to it, else YAML.
///
/// # Panics
/// When that is not so.
pub fn catalog(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.len() > LONGEST {
        return;
    }
    let name = if text.starts_with('{') { "world.json" } else { "world.yaml" };
    match domesday_sources::parse_str(name, text) {
        Ok(loaded) => {
            let again = domesday_sources::parse_str("world.json", &print(&loaded.catalog));
            let again = again.unwrap_or_else(|wrong| panic!("what was loaded does not load again: {wrong}"));
            assert_eq!(print(&again.catalog), print(&loaded.catalog));
            agrees(&loaded.catalog);
        }
        Err(wrong) => {
            assert!(wrong.iter().next().is_some(), "a refusal says why");
            assert!(wrong.iter().all(|wrong| wrong.line >= 1 && wrong.column >= 1), "{wrong}");
        }
    }
}

/// From a snapshot to its outcomes: bytes choose a world and change it, and the engine says of it what the oracle
/// says.
///
/// The first four bytes choose one of the property tests' worlds, the others are changes (module `edits`).
///
/// # Panics
/// When that is not so.
pub fn outcomes(data: &[u8]) {
    let mut bytes = Bytes::new(&data[..data.len().min(LONGEST)]);
    let mut seed = [0; 32];
    let chosen = bytes.take(4);
    seed[..chosen.len()].copy_from_slice(chosen);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let Printed(mut catalog) = world().new_tree(&mut runner).expect("every draw is a world").current();
    edits::apply(&mut catalog, &mut bytes);
    settle(&mut catalog);
    agrees(&catalog);
}

/// Holds the engine's rows, warnings, counts and explanations against the oracle's rows.
fn agrees(catalog: &Catalog) {
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
    // Explaining works out every class anew: a few pairs are enough for one input.
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
