//! How many worlds a test looks at.

use proptest::test_runner::Config;

/// `most` worlds, or as many as the environment's `PROPTEST_CASES` says when that is fewer: a mutation run asks
/// the same tests hundreds of times. A world that fails is shown, as small as can be, as a catalog document;
/// nothing is kept in files.
pub(crate) fn worlds(most: u32) -> Config {
    let usual = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { most.min(usual.cases) } else { most };
    Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..usual }
}
