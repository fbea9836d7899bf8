//! What users install, all made from one release build: `cargo xtask release`.
//!
//! Files are dated by the commit (`SOURCE_DATE_EPOCH`) and name no folder of the machine, so that the same commit gives
//! the same files again.

mod archive;
pub(crate) mod chart;
mod checksums;
mod deb;
pub(crate) mod image;
mod licenses;
mod rpm;
mod tree;
mod wheel;

use std::path::{Path, PathBuf};

use crate::Failure;
use crate::paths::{root, target_dir};
use crate::process::{apt_install_missing, command, output, run};
use crate::tools::python;

/// The version of the packages: the one of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The packages, in the order in which one is made from another: the wheel's build is the only one that compiles.
const PACKAGES: [Part; 6] = [
    Part { name: "licenses", make: licenses::make },
    Part { name: "wheel", make: wheel::make },
    Part { name: "contents of packages", make: tree::make },
    Part { name: "archive", make: archive::make },
    Part { name: "deb", make: deb::make },
    Part { name: "rpm", make: rpm::make },
];

/// What a release has beside packages, made after them.
const OTHERS: [Part; 3] = [
    Part { name: "image", make: |release| image::build(&release.binary(), &release.directory) },
    Part { name: "chart", make: |release| chart::package(&release.directory) },
    // Last, since it covers every file before it.
    Part { name: "checksums", make: checksums::make },
];

/// What the gate builds with, where minutes count and speed does not: the packages are the same but for it.
const QUICK_BUILD: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
];

/// A part of a release.
struct Part {
    name: &'static str,
    make: fn(&Release) -> Result<(), Failure>,
}

/// A release under construction.
struct Release {
    /// Where the finished files are put; absolute.
    directory: PathBuf,
    /// The target that is built for, which is this machine's, such as `x86_64-unknown-linux-gnu`.
    target: String,
    /// The time of the commit, in seconds since 1970, which dates every file.
    epoch: String,
    /// Variables that change how the binary is compiled.
    build: &'static [(&'static str, &'static str)],
}

impl Release {
    fn new(directory: PathBuf, build: &'static [(&'static str, &'static str)]) -> Result<Self, Failure> {
        if !cfg!(target_os = "linux") {
            return Err("packages are built on Linux, of the architecture that they are for".to_owned());
        }
        let rustc = output(&mut command("rustc", &["-vV"]))?;
        let target = rustc.lines().find_map(|line| line.strip_prefix("host: "));
        let target = target.ok_or("`rustc -vV` names no host")?.to_owned();
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(epoch) => epoch,
            Err(_) => output(&mut command("git", &["log", "-1", "--format=%ct"])).map_err(|failure| {
                format!("{failure}\nthe date of the files is unknown; outside of a repository, set SOURCE_DATE_EPOCH")
            })?,
        };
        Ok(Self { directory, target, epoch: epoch.trim().to_owned(), build })
    }

    /// Returns the directory into which cargo builds for the target.
    fn profile_dir(&self) -> PathBuf {
        target_dir().join(&self.target).join("release")
    }

    /// Returns the binary, which only the wheel's build compiles.
    fn binary(&self) -> PathBuf {
        self.profile_dir().join("domesday")
    }

    /// Returns the directory of the files from which packages are composed. The manifests name it `target/release/package`.
    fn tree(&self) -> PathBuf {
        self.profile_dir().join("package")
    }

    fn make(&self, parts: &[Part]) -> Result<(), Failure> {
        for part in parts {
            println!("--> {}", part.name);
            (part.make)(self).map_err(|failure| format!("{}: {failure}", part.name))?;
        }
        Ok(())
    }
}

/// Makes a release, in `target/packages` or in a directory that is given.
pub(crate) fn release(directory: Option<&str>) -> Result<(), Failure> {
    let directory = directory.map_or_else(own_directory, given_directory)?;
    let release = Release::new(directory, &[])?;
    release.make(&PACKAGES)?;
    release.make(&OTHERS)?;
    println!("\n{}:", release.directory.display());
    for name in file_names(&release.directory)? {
        println!("  {name}");
    }
    Ok(())
}

/// Makes the packages, then installs, uses and removes each.
pub(crate) fn packages() -> Result<(), Failure> {
    // What judges the packages.
    apt_install_missing("lintian", "lintian", "the tests of the deb")?;
    apt_install_missing("rpm", "rpm", "the tests of the rpm")?;
    let release = Release::new(own_directory()?, &QUICK_BUILD)?;
    release.make(&PACKAGES)?;
    release.make(&OTHERS)?;
    let python = python("tests/packages")?;
    let mut pytest =
        command(python, &["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "tests/packages"]);
    pytest.env("DOMESDAY_PACKAGES", &release.directory).env("DOMESDAY_BIN", release.binary());
    if let Some(helm) = chart::helm()? {
        pytest.env("DOMESDAY_HELM", helm);
    }
    run(pytest.env("PYTHONDONTWRITEBYTECODE", "1"))
}

/// Returns `target/packages`, empty: what an earlier release left there is not of this one.
fn own_directory() -> Result<PathBuf, Failure> {
    let directory = target_dir().join("packages");
    let _ = std::fs::remove_dir_all(&directory);
    create(&directory)?;
    Ok(directory)
}

/// Returns the directory that a user named; nothing in it is overwritten.
fn given_directory(directory: &str) -> Result<PathBuf, Failure> {
    let directory = std::path::absolute(directory).map_err(|error| format!("{directory}: {error}"))?;
    create(&directory)?;
    if file_names(&directory)?.is_empty() {
        return Ok(directory);
    }
    Err(format!("{} is not empty; name a directory that is, or is missing", directory.display()))
}

/// Returns the names in a directory, sorted.
fn file_names(directory: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}

fn create(directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns the path of a file of the checkout.
fn source(path: &str) -> PathBuf {
    root().join(path)
}
