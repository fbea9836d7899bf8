//! Running other programs.

use std::process::Command;

use crate::Failure;
use crate::paths::root;

/// Returns a command that runs at the root of the checkout.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

/// Runs a command and shows its output.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let shown = format!("{command:?}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{shown} failed: {status}")),
        Err(error) => Err(format!("cannot start {shown}: {error}")),
    }
}

/// Runs a command and returns what it writes to standard output.
///
/// # Errors
/// When it cannot be started, fails, or writes no text.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let shown = format!("{command:?}");
    let output = command.output().map_err(|error| format!("cannot start {shown}: {error}"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{shown} failed: {}\n{error}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{shown}: {error}"))
}

/// Installs the package of a program unless the program is in the path.
pub(crate) fn apt_install_missing(program: &str, package: &str, purpose: &str) -> Result<(), Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(program).exists()) {
        return Ok(());
    }
    apt_install(package)
        .map_err(|failure| format!("{purpose} need {program}; install it (Debian: {package}). {failure}"))
}

/// Installs packages of Debian.
pub(crate) fn apt_install(package: &str) -> Result<(), Failure> {
    println!("installing {package}");
    let install = || {
        let mut install = command("apt-get", &["install", "-y", "--no-install-recommends", package]);
        // A package that would ask takes its defaults.
        run(install.env("DEBIAN_FRONTEND", "noninteractive"))
    };
    install().or_else(|_| run(&mut command("apt-get", &["update"])).and_then(|()| install()))
}
