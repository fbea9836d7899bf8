//! `SHA256SUMS`, in the form that `sha256sum --check` reads.

use super::{Release, file_names, write};
use crate::Failure;
use crate::process::{command, output};

/// Writes the digests of every file of the release.
pub(super) fn make(release: &Release) -> Result<(), Failure> {
    let names = file_names(&release.directory)?;
    let mut sums = command("sha256sum", &["--"]);
    let sums = output(sums.args(names).current_dir(&release.directory))?;
    write(&release.directory.join("SHA256SUMS"), &sums)
}
