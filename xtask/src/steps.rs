//! The steps of the gate, cheapest first.

use crate::cache::{cargo_deny, command, postgresql, python, root, run, target};
use crate::{Failure, fuzz, generated};

/// One step.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> Result<(), Failure>,
}

/// Every step in order. All of them build in the one profile, so that nothing is built twice.
pub(crate) const STEPS: [Step; 11] = [
    Step { name: "fmt", about: "formatting", run: fmt },
    Step { name: "lint", about: "clippy, warnings denied", run: lint },
    Step { name: "test", about: "unit, property, integration and documentation tests", run: test },
    Step { name: "doc", about: "documentation builds without a warning", run: doc },
    Step { name: "files", about: "generated files are fresh", run: generated::check },
    Step { name: "readers", about: "the tables, read by DuckDB, pyarrow and Polars", run: readers },
    Step {
        name: "spark",
        about: "the tables and scripts, read by Apache Spark, parquet-java and ClickHouse, where Java is",
        run: spark,
    },
    Step { name: "s3", about: "deliveries to S3 servers that check rights and fail on purpose", run: s3 },
    Step { name: "service", about: "the service over HTTP: walks of the guide, an attack", run: service },
    Step { name: "fuzz", about: "coverage-guided fuzzing, a quarter of a minute a target", run: fuzz::fuzz },
    Step { name: "deny", about: "dependencies: licences, sources, bans", run: deny },
];

fn cargo(args: &[&str]) -> Result<(), Failure> {
    run(&mut command("cargo", args))
}

fn fmt() -> Result<(), Failure> {
    cargo(&["fmt", "--all", "--check"])
}

fn lint() -> Result<(), Failure> {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

fn test() -> Result<(), Failure> {
    postgresql()?;
    cargo(&["test", "--workspace", "--locked"])
}

fn doc() -> Result<(), Failure> {
    // A module's page may point at the private parts it is made of: these pages are for who changes the code.
    let args = ["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"];
    run(command("cargo", &args).env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private-intra-doc-links"))
}

fn deny() -> Result<(), Failure> {
    run(&mut command(cargo_deny()?, &["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
}

/// Apart from the gate: the database comes over the network and changes without us.
pub(crate) fn advisories() -> Result<(), Failure> {
    run(&mut command(cargo_deny()?, &["check", "advisories"]))
}

fn readers() -> Result<(), Failure> {
    readers_with(&[])
}

/// Runs the readers' tests against the real binary.
pub(crate) fn readers_with(args: &[&str]) -> Result<(), Failure> {
    pytest("tests/readers", args)
}

/// Spark brings parquet-java and its own Python, but no Java: without one there is nothing to run.
fn spark() -> Result<(), Failure> {
    if run(&mut command("java", &["-version"])).is_err() {
        println!("no Java (17 or newer) is installed: the tables are not read by Spark");
        return Ok(());
    }
    pytest("tests/spark", &[])
}

fn s3() -> Result<(), Failure> {
    pytest("tests/s3", &[])
}

/// Runs the service's tests: nights pass in them, so they start it with a clock that they set.
fn service() -> Result<(), Failure> {
    postgresql()?;
    let python = python("tests/service")?;
    let binary = build()?;
    let name = format!("standing_clock{}", std::env::consts::EXE_SUFFIX);
    let program = absolute(target().join("debug/examples").join(name));
    let mut pytest = command(python, &["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/service"]);
    pytest.env("DOMESDAY_BIN", binary).env("DOMESDAY_STANDING_CLOCK", program);
    run(pytest.env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Runs a folder's tests against the real binary, in an environment of their own.
fn pytest(tests: &str, args: &[&str]) -> Result<(), Failure> {
    let python = python(tests)?;
    let binary = build()?;
    let mut pytest = command(python, &["-m", "pytest", "-q", "-p", "no:cacheprovider", tests]);
    run(pytest.args(args).env("DOMESDAY_BIN", binary).env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// The binary of this checkout, built, and with it every example.
///
/// It is the one that the tests run: building the package by itself would ask its dependencies for fewer features,
/// and so build them all a second time.
pub(crate) fn build() -> Result<std::path::PathBuf, Failure> {
    cargo(&["test", "--workspace", "--locked", "--no-run", "--quiet"])?;
    let name = format!("domesday{}", std::env::consts::EXE_SUFFIX);
    Ok(absolute(target().join("debug").join(name)))
}

/// A path of a build product, which cargo may name from the checkout.
fn absolute(path: std::path::PathBuf) -> std::path::PathBuf {
    if path.is_absolute() { path } else { root().join(path) }
}
