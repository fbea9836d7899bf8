//! The cache folder: build products and tools that outlive a checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The folder: `DOMESDAY_CACHE`, else the user's cache directory.
pub(crate) fn folder() -> PathBuf {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    of("DOMESDAY_CACHE")
        .or_else(|| of("XDG_CACHE_HOME").map(|cache| cache.join("domesday")))
        .or_else(|| of("HOME").map(|home| home.join(".cache/domesday")))
        .unwrap_or_else(|| root().join("target/cache"))
}

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// Where cargo builds: as the caller says, else `target` in the checkout.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A command in the checkout.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// Runs a command to its end, its output shown.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown} ended with {status}")),
        Err(error) => Err(format!("{shown} did not start: {error}")),
    }
}

/// cargo-deny, from the path or the cache; built once when it is in neither.
pub(crate) fn cargo_deny() -> Result<PathBuf, Failure> {
    const VERSION: &str = "0.20.2";
    let is_there = |program: &Path| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(VERSION))
    };
    let tools = folder().join("tools");
    for program in [PathBuf::from("cargo-deny"), tools.join("bin/cargo-deny")] {
        if is_there(&program) {
            return Ok(program);
        }
    }
    println!("installing cargo-deny {VERSION} into {}", tools.display());
    let mut install = command("cargo", &["install", "cargo-deny", "--version", VERSION, "--locked"]);
    install.args(["--no-default-features", "--force", "--root"]).arg(&tools);
    // It runs for seconds and is built on small machines: fast to compile beats fast to run.
    install
        .env("CARGO_TARGET_DIR", folder().join("tools/target"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    run(&mut install)?;
    // Its build products would only take room.
    let _ = std::fs::remove_dir_all(folder().join("tools/target"));
    Ok(tools.join("bin/cargo-deny"))
}

/// Sees to it that PostgreSQL's programs are installed: the store's tests start a server of their own.
pub(crate) fn postgresql() -> Result<(), Failure> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).chain(debian).any(|folder| folder.join("initdb").exists()) {
        return Ok(());
    }
    println!("installing PostgreSQL");
    let install =
        || run(&mut command("apt-get", &["install", "-y", "--no-install-recommends", "postgresql"]));
    install().or_else(|_| run(&mut command("apt-get", &["update"])).and_then(|()| install())).map_err(
        |failure| {
            format!("the store's tests need PostgreSQL's server; install it (Debian: postgresql). {failure}")
        },
    )
}

/// A Python with the packages that the `requirements.txt` of a folder names, made when it is not there yet.
pub(crate) fn python(tests: &str) -> Result<PathBuf, Failure> {
    let requirements = root().join(tests).join("requirements.txt");
    let text = std::fs::read_to_string(&requirements).map_err(|error| error.to_string())?;
    // Another set of packages is another environment.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let venv = folder().join(format!("venv-{hash:016x}"));
    let (python, done) = (venv.join("bin/python"), venv.join("complete"));
    if done.exists() {
        return Ok(python);
    }
    println!("making a Python environment in {}", venv.display());
    let _ = std::fs::remove_dir_all(&venv);
    let make = || run(command("python3", &["-m", "venv"]).arg(&venv));
    if make().is_err() {
        // Debian keeps what `venv` needs in a package of its own.
        run(&mut command("apt-get", &["install", "-y", "python3-venv"])).map_err(|failure| {
            format!("python3 cannot make environments; install its venv module (python3-venv). {failure}")
        })?;
        make()?;
    }
    let install = || {
        run(command(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements))
    };
    install().or_else(|_| install())?;
    std::fs::write(&done, "").map_err(|error| error.to_string())?;
    Ok(python)
}
