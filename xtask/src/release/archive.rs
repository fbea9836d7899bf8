//! The archive for everything that has no package: the binary, completions, manual pages and the files for a service.

use super::{Release, VERSION, copy, create, file_names, licenses, source};
use crate::Failure;
use crate::process::{command, run};

/// Makes `domesday-VERSION-TARGET.tar.gz`.
pub(super) fn make(release: &Release) -> Result<(), Failure> {
    let name = format!("domesday-{VERSION}-{}", release.target);
    let staging = release.profile_dir().join("archive");
    let _ = std::fs::remove_dir_all(&staging);
    let folder = staging.join(&name);
    create(&folder)?;
    copy(&release.tree().join("bin/domesday"), &folder.join("domesday"))?;
    copy(&licenses::file(release), &folder.join("third-party-licenses.txt"))?;
    for file in ["LICENSE", "README.md", "CHANGELOG.md"] {
        copy(&source(file), &folder.join(file))?;
    }
    for (from, to) in [("man", "man/man1"), ("completions", "completions"), ("doc", "docs")] {
        create(&folder.join(to))?;
        let names = file_names(&release.tree().join(from))?;
        for file in names.iter().filter(|name| !name.ends_with(".gz")) {
            copy(&release.tree().join(from).join(file), &folder.join(to).join(file))?;
        }
    }
    create(&folder.join("deploy"))?;
    for file in ["domesday.service", "domesday.sysusers.conf", "domesday.toml"] {
        copy(&source("deploy").join(file), &folder.join("deploy").join(file))?;
    }

    let archive = release.directory.join(format!("{name}.tar"));
    let mut tar = command("tar", &["--create", "--format=ustar", "--sort=name", "--owner=0", "--group=0"]);
    tar.args(["--numeric-owner", "--mode=u+rw,go=rX", &format!("--mtime=@{}", release.epoch)]);
    run(tar.arg("--file").arg(&archive).arg("--directory").arg(&staging).arg(&name))?;
    run(command("gzip", &["--best", "--no-name"]).arg(&archive))
}
