//! The Python wheel of the binary, and the bill of materials that the wheel's builder writes.

use std::path::PathBuf;

use super::{Release, VERSION, file_names, licenses, source};
use crate::Failure;
use crate::paths::{cache_dir, root, target_dir};
use crate::process::{command, run};
use crate::tools::python;

/// Compiles the binary and makes the wheel of it.
///
/// Zig links against the symbols of glibc 2.17, whatever glibc the machine has, so that the binary runs on every
/// distribution since 2014.
pub(super) fn make(release: &Release) -> Result<(), Failure> {
    let python = python("packaging")?;
    let mut build = command(python.with_file_name("maturin"), &["build", "--release", "--locked"]);
    build.args(["--zig", "--compatibility", "manylinux2014", "--target", &release.target]);
    build.arg("--out").arg(&release.directory).current_dir(source("packaging/python"));
    // Zig is found as a module of the first Python in the path.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = python.parent().map(PathBuf::from).into_iter().chain(std::env::split_paths(&path));
    build.env("PATH", std::env::join_paths(paths).map_err(|error| error.to_string())?);
    build.env("CARGO_TARGET_DIR", target_dir());
    build.env("ZIG_GLOBAL_CACHE_DIR", cache_dir().join("zig"));
    build.env("CARGO_ZIGBUILD_CACHE_DIR", cache_dir().join("zig/wrappers"));
    build.env("SOURCE_DATE_EPOCH", &release.epoch).env("RUSTFLAGS", flags());
    build.envs(release.build.iter().copied());
    run(&mut build)?;

    let names = file_names(&release.directory)?;
    let wheel = names.iter().find(|name| name.ends_with(".whl")).ok_or("maturin wrote no wheel")?;
    let bill = release.directory.join(format!("domesday-{VERSION}.cdx.json"));
    let mut finish = command(python, &["packaging/python/finish_wheel.py"]);
    finish.arg(release.directory.join(wheel)).arg(root());
    run(finish.arg(licenses::file(release)).arg(bill))
}

/// Returns the flags of the compiler: those of the environment, and one that leaves the home of cargo out of the binary.
fn flags() -> String {
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let remap = home.map(|home| format!("--remap-path-prefix={}=/cargo", home.display()));
    format!("{flags} {}", remap.unwrap_or_default()).trim().to_owned()
}
