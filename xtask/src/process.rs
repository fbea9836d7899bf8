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
