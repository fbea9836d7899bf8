//! The package for Debian and Ubuntu, as `[package.metadata.deb]` of the binary's manifest describes it.

use super::Release;
use crate::Failure;
use crate::paths::target_dir;
use crate::process::{apt_install_missing, command, run};
use crate::tools::cargo_deb;

/// Makes `domesday_VERSION-1_ARCHITECTURE.deb`.
pub(super) fn make(release: &Release) -> Result<(), Failure> {
    apt_install_missing("xz", "xz-utils", "the compression of the deb")?;
    // The binary is the wheel's: nothing is built or stripped here.
    let mut deb = command(cargo_deb()?, &["--no-build", "--no-strip", "--quiet", "--locked"]);
    deb.args(["--package", "domesday", "--target", &release.target]);
    deb.arg("--output").arg(&release.directory);
    run(deb.env("CARGO_TARGET_DIR", target_dir()).env("SOURCE_DATE_EPOCH", &release.epoch))
}
