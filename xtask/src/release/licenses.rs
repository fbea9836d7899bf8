//! The licenses of what is linked, which come with every package.

use std::path::PathBuf;

use super::{Release, create};
use crate::Failure;
use crate::process::{command, run};
use crate::tools::python;

/// Collects the texts.
pub(super) fn make(release: &Release) -> Result<(), Failure> {
    create(&release.profile_dir())?;
    let mut collect = command(python("packaging")?, &["packaging/third_party.py", &release.target]);
    run(collect.arg(file(release)))
}

/// Returns the file with all of them.
pub(super) fn file(release: &Release) -> PathBuf {
    release.profile_dir().join("third-party-licenses.txt")
}
