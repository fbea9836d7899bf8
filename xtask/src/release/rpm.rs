//! The package for Fedora, Red Hat Enterprise Linux and SUSE, as `[package.metadata.generate-rpm]` of the binary's manifest
//! describes it.

use super::Release;
use crate::Failure;
use crate::paths::target_dir;
use crate::process::{command, run};
use crate::tools::cargo_generate_rpm;

/// Makes `domesday-VERSION-1.ARCHITECTURE.rpm`.
pub(super) fn make(release: &Release) -> Result<(), Failure> {
    let mut rpm = command(cargo_generate_rpm()?, &["generate-rpm", "--package", "crates/domesday"]);
    rpm.args(["--target", &release.target, "--source-date", &release.epoch]);
    rpm.arg("--target-dir").arg(target_dir()).arg("--output").arg(&release.directory);
    run(&mut rpm)
}
