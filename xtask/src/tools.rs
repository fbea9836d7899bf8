//! The tools of the steps: installed into the cache directory, or by the system's package manager.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::paths::{cache_dir, root};
use crate::process::{apt_install, command, run};

/// Returns cargo-deny, which checks the dependencies.
pub(crate) fn cargo_deny() -> Result<PathBuf, Failure> {
    cargo_tool("cargo-deny", "0.20.2", &["--no-default-features"])
}

/// Returns cargo-deb. Without its features it compresses with the system's xz.
pub(crate) fn cargo_deb() -> Result<PathBuf, Failure> {
    cargo_tool("cargo-deb", "3.8.0", &["--no-default-features"])
}

/// Returns cargo-generate-rpm, which needs no tools of rpm.
pub(crate) fn cargo_generate_rpm() -> Result<PathBuf, Failure> {
    cargo_tool("cargo-generate-rpm", "0.21.1", &[])
}

/// Returns a program of crates.io from the path or the cache; builds it when it is in neither.
fn cargo_tool(name: &str, version: &str, options: &[&str]) -> Result<PathBuf, Failure> {
    let is_installed = |program: &Path| {
        let output = Command::new(program).arg("--version").output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(version))
    };
    let tools = cache_dir().join("tools");
    for program in [PathBuf::from(name), tools.join("bin").join(name)] {
        if is_installed(&program) {
            return Ok(program);
        }
    }
    println!("installing {name} {version} into {}", tools.display());
    let mut install = command("cargo", &["install", name, "--version", version, "--locked"]);
    install.args(options).args(["--force", "--root"]).arg(&tools);
    // It runs for seconds and is built on small machines: fast to compile is better than fast to run.
    install
        .env("CARGO_TARGET_DIR", tools.join("target"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    run(&mut install)?;
    // The build products are not needed again.
    let _ = std::fs::remove_dir_all(tools.join("target"));
    Ok(tools.join("bin").join(name))
}

/// Returns the spelling checker, from its Python package: a binary that needs no compiling.
pub(crate) fn typos() -> Result<PathBuf, Failure> {
    let python = python("xtask")?;
    Ok(python.with_file_name(format!("typos{}", std::env::consts::EXE_SUFFIX)))
}

/// Installs PostgreSQL's server unless it is installed: the tests of the store start one of their own.
pub(crate) fn postgresql() -> Result<(), Failure> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).chain(debian).any(|folder| folder.join("initdb").exists()) {
        return Ok(());
    }
    apt_install("postgresql").map_err(|failure| {
        format!("the tests need the server of PostgreSQL; install it (Debian: postgresql). {failure}")
    })
}

/// Installs OpenLDAP's server and its commands unless they are installed: the tests of the sources start one of their own.
pub(crate) fn slapd() -> Result<(), Failure> {
    // Not on the path of everybody.
    let folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];
    let has = |name: &str| folders.iter().any(|folder| Path::new(folder).join(name).exists());
    for (program, package) in [("slapd", "slapd"), ("ldapmodify", "ldap-utils")] {
        if !has(program) {
            apt_install(package).map_err(|failure| {
                format!("the tests need OpenLDAP; install it (Debian: slapd, ldap-utils). {failure}")
            })?;
        }
    }
    Ok(())
}

/// Installs Samba as a domain controller unless it is installed: the only one that runs everywhere.
pub(crate) fn samba() -> Result<(), Failure> {
    if Path::new("/usr/sbin/samba").exists() && Path::new("/usr/share/samba/setup").exists() {
        return Ok(());
    }
    let packages = ["samba-ad-dc", "samba-dsdb-modules", "samba-ad-provision", "winbind"];
    packages.into_iter().try_for_each(apt_install).map_err(|failure| {
        format!(
            "the tests of Active Directory need Samba; install it (Debian: {}). {failure}",
            packages.join(", ")
        )
    })
}

/// The version of Java that Spark runs on.
const JAVA: &str = "openjdk-17-jre-headless";

/// Installs Java unless it is installed.
pub(crate) fn java() -> Result<(), Failure> {
    let installed = Command::new("java").arg("-version").output();
    if installed.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    apt_install(JAVA)
        .map_err(|failure| format!("Spark needs Java 17 or newer; install it (Debian: {JAVA}). {failure}"))
}

/// Installs Chromium unless it is installed.
pub(crate) fn chromium() -> Result<(), Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser"];
    if std::env::split_paths(&path).any(|folder| names.iter().any(|name| folder.join(name).exists())) {
        return Ok(());
    }
    apt_install("chromium").map_err(|failure| {
        format!("the tests of the console need Chromium; install it (Debian: chromium). {failure}")
    })
}

/// Installs a C++ compiler unless there is one: libFuzzer is built from its sources.
pub(crate) fn cpp_compiler() -> Result<(), Failure> {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if Command::new(&compiler).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    apt_install("g++").map_err(|failure| {
        format!("libFuzzer is written in C++; install a compiler for it (Debian: g++). {failure}")
    })
}

/// Returns a Python with the packages in the `requirements.txt` of a folder, from the cache or created now.
pub(crate) fn python(folder: &str) -> Result<PathBuf, Failure> {
    let requirements = root().join(folder).join("requirements.txt");
    let text = std::fs::read_to_string(&requirements).map_err(|error| error.to_string())?;
    // Each list of packages has an environment of its own.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let venv = cache_dir().join(format!("venv-{hash:016x}"));
    let (python, complete) = (venv.join("bin/python"), venv.join("complete"));
    if complete.exists() {
        return Ok(python);
    }
    println!("creating a Python environment in {}", venv.display());
    let _ = std::fs::remove_dir_all(&venv);
    let create = || run(command("python3", &["-m", "venv"]).arg(&venv));
    if create().is_err() {
        // Debian has the module in a package of its own.
        apt_install("python3-venv").map_err(|failure| {
            format!("python3 cannot create environments; install its venv module (python3-venv). {failure}")
        })?;
        create()?;
    }
    let install = || {
        run(command(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&requirements))
    };
    install().or_else(|_| install())?;
    std::fs::write(&complete, "").map_err(|error| error.to_string())?;
    Ok(python)
}
