//! Builds the programs and runs tests against them.

use std::path::PathBuf;

use crate::Failure;
use crate::paths::target_dir;
use crate::process::{command, run};
use crate::tools::python;

/// Runs cargo.
pub(crate) fn cargo(args: &[&str]) -> Result<(), Failure> {
    run(&mut command("cargo", args))
}

/// Runs the tests of the readers against the binary.
pub(crate) fn readers_with(args: &[&str]) -> Result<(), Failure> {
    pytest("tests/readers", args)
}

/// Runs the Python tests of a folder against the binary, in an environment of their own.
pub(crate) fn pytest(tests: &str, args: &[&str]) -> Result<(), Failure> {
    pytest_of(tests, tests, args)
}

/// Runs what `selection` names, with the packages of the tests in the folder `tests`.
pub(crate) fn pytest_of(tests: &str, selection: &str, args: &[&str]) -> Result<(), Failure> {
    let python = python(tests)?;
    let binary = build()?;
    let mut pytest = command(python, &["-m", "pytest", "-q", "-p", "no:cacheprovider", selection]);
    run(pytest.args(args).env("DOMESDAY_BIN", binary).env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Builds the binary and every example, and returns the path of the binary.
///
/// The tests run the same one: a build of the package by itself would enable fewer features in its dependencies, and so
/// compile all of them again.
pub(crate) fn build() -> Result<PathBuf, Failure> {
    cargo(&["test", "--workspace", "--locked", "--no-run", "--quiet"])?;
    let name = format!("domesday{}", std::env::consts::EXE_SUFFIX);
    Ok(target_dir().join("debug").join(name))
}
