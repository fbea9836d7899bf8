//! The steps of the gate, cheapest first.

use crate::paths::target_dir;
use crate::process::{command, run};
use crate::runner::{build, cargo, pytest, pytest_of, readers_with};
use crate::tools::{self, cargo_deny, chromium, java, python, samba, slapd, typos};
use crate::{Failure, dependencies, fuzz, generated, postgresql, release, simulate};

/// One step.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn() -> Result<(), Failure>,
}

/// Every step in order. All build with one profile, so that nothing is compiled twice.
pub(crate) const STEPS: [Step; 19] = [
    Step { name: "fmt", about: "formatting", run: fmt },
    Step { name: "typos", about: "spelling", run: spelling },
    Step { name: "unused", about: "dependencies that no source uses", run: dependencies::check_used },
    Step { name: "lint", about: "clippy, warnings denied", run: lint },
    Step { name: "test", about: "unit, property, integration and documentation tests", run: test },
    Step {
        name: "postgres",
        about: "privileges, drift and repair on PostgreSQL 13 and 18",
        run: postgresql::gate,
    },
    Step { name: "doc", about: "documentation builds without a warning", run: doc },
    Step { name: "files", about: "generated files are fresh", run: generated::check },
    Step { name: "readers", about: "the tables, read by DuckDB, pyarrow and Polars", run: readers },
    Step {
        name: "spark",
        about: "the tables and scripts, read by Apache Spark, parquet-java and ClickHouse; a batch on a Spark cluster",
        run: spark,
    },
    Step { name: "s3", about: "deliveries to S3 servers that check permissions and inject faults", run: s3 },
    Step { name: "service", about: "the service over HTTP: the guide, an attack", run: service },
    Step { name: "scim", about: "SCIM as identity providers push it, and the standard's tester", run: scim },
    Step { name: "dbt", about: "the files of a dbt project, made by dbt-core on PostgreSQL", run: dbt },
    Step { name: "console", about: "the console in a browser", run: console },
    Step {
        name: "packages",
        about: "the wheel, the deb and the rpm: built, installed, used and removed",
        run: release::packages,
    },
    Step { name: "fuzz", about: "coverage-guided fuzzing, 15 seconds for each target", run: fuzz::fuzz },
    Step {
        name: "simulate",
        about: "10,000 simulated nights of the service, with faults",
        run: simulate::gate,
    },
    Step { name: "deny", about: "dependencies: licences, sources, bans", run: deny },
];

fn fmt() -> Result<(), Failure> {
    cargo(&["fmt", "--all", "--check"])
}

/// The words that are right in this repository are listed in `typos.toml`.
fn spelling() -> Result<(), Failure> {
    run(&mut command(typos()?, &[]))
}

fn lint() -> Result<(), Failure> {
    cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])
}

fn test() -> Result<(), Failure> {
    tools::postgresql()?;
    slapd()?;
    cargo(&["test", "--workspace", "--locked"])?;
    // A domain controller answers on no other port than LDAP's own.
    if std::net::TcpListener::bind(("127.0.0.77", 636)).is_err() {
        println!("skipped: the tests of Active Directory open port 636, which this user may not");
        return Ok(());
    }
    // The only tests that the rest of the gate does without: not every machine may install a domain controller.
    if let Err(failure) = samba() {
        println!("skipped: the tests of Active Directory: {failure}");
        return Ok(());
    }
    cargo(&["test", "--workspace", "--locked", "--test", "ldap", "--", "--ignored"])
}

fn doc() -> Result<(), Failure> {
    // The documentation is for developers: pages may link to private items.
    let args = ["doc", "--workspace", "--no-deps", "--locked", "--document-private-items"];
    run(command("cargo", &args).env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private-intra-doc-links"))
}

fn deny() -> Result<(), Failure> {
    run(&mut command(cargo_deny()?, &["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]))
}

/// Checks the dependencies against the advisory database. Not a step of the gate: the database comes from the network
/// and changes without a commit.
pub(crate) fn advisories() -> Result<(), Failure> {
    run(&mut command(cargo_deny()?, &["check", "advisories"]))
}

fn readers() -> Result<(), Failure> {
    tools::postgresql()?;
    readers_with(&[])
}

/// The package of Spark contains parquet-java, but not Java.
fn spark() -> Result<(), Failure> {
    java()?;
    pytest("tests/spark", &[])
}

fn s3() -> Result<(), Failure> {
    pytest("tests/s3", &[])
}

/// Runs the tests of the service. Nights pass in them, so they start it with a clock that they control.
fn service() -> Result<(), Failure> {
    tools::postgresql()?;
    slapd()?;
    let python = python("tests/service")?;
    let binary = build()?;
    let name = format!("standing_clock{}", std::env::consts::EXE_SUFFIX);
    let program = target_dir().join("debug/examples").join(name);
    let mut pytest = command(python, &["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/service"]);
    pytest.env("DOMESDAY_BIN", binary).env("DOMESDAY_STANDING_CLOCK", program);
    run(pytest.env("PYTHONDONTWRITEBYTECODE", "1"))
}

fn scim() -> Result<(), Failure> {
    pytest("tests/scim", &[])
}

fn dbt() -> Result<(), Failure> {
    tools::postgresql()?;
    pytest("tests/dbt", &[])
}

fn console() -> Result<(), Failure> {
    chromium()?;
    slapd()?;
    tools::postgresql()?;
    pytest("tests/console", &[])
}

/// Takes the pictures in `docs/pictures` again.
pub(crate) fn screenshots() -> Result<(), Failure> {
    chromium()?;
    tools::postgresql()?;
    pytest_of("tests/console", "tests/console/screenshots.py", &[])
}
