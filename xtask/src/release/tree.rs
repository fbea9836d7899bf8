//! The files from which the packages are composed. `crates/domesday/Cargo.toml` says where each is installed.

use std::path::Path;

use super::{Release, VERSION, copy, create, file_names, licenses, read, source, write};
use crate::Failure;
use crate::process::{command, output, run};

/// Puts the files of the packages together.
pub(super) fn make(release: &Release) -> Result<(), Failure> {
    let tree = release.tree();
    let _ = std::fs::remove_dir_all(&tree);
    for folder in ["bin", "changelog", "completions", "doc", "etc", "man", "sysusers", "systemd"] {
        create(&tree.join(folder))?;
    }
    copy(&release.binary(), &tree.join("bin/domesday"))?;
    write_completions(release, &tree.join("completions"))?;
    run(command(release.binary(), &["man", "--quiet", "--out"]).arg(tree.join("man")))?;
    copy_documentation(&tree.join("doc"))?;
    copy(&licenses::file(release), &tree.join("third-party-licenses.txt"))?;
    write(&tree.join("etc/domesday.toml"), &configuration()?)?;
    copy(&source("deploy/domesday.sysusers.conf"), &tree.join("sysusers/domesday.conf"))?;
    write(&tree.join("systemd/domesday.service"), &unit()?)?;
    // The changelog of the project and the one of the package, by the names that Debian gives them.
    copy(&source("CHANGELOG.md"), &tree.join("changelog/changelog"))?;
    write(&tree.join("changelog/changelog.Debian"), &debian_changelog(release)?)?;
    compress(&tree)
}

/// Compresses manual pages and changelogs, as Debian's policy demands (12.1 and 12.7), without a date.
fn compress(tree: &Path) -> Result<(), Failure> {
    let mut gzip = command("gzip", &["--best", "--no-name", "--keep"]);
    for folder in ["changelog", "man"] {
        for name in file_names(&tree.join(folder))? {
            gzip.arg(tree.join(folder).join(name));
        }
    }
    run(&mut gzip)
}

/// Writes the completion scripts, each by the name that its shell looks for.
fn write_completions(release: &Release, folder: &Path) -> Result<(), Failure> {
    for (shell, name) in [("bash", "domesday"), ("zsh", "_domesday"), ("fish", "domesday.fish")] {
        let script = output(&mut command(release.binary(), &["completions", shell]))?;
        write(&folder.join(name), &script)?;
    }
    Ok(())
}

/// Copies the pages for operators and users: the unit refers to one, and that one to others.
fn copy_documentation(folder: &Path) -> Result<(), Failure> {
    for name in file_names(&source("docs"))?.iter().filter(|name| name.ends_with(".md")) {
        copy(&source("docs").join(name), &folder.join(name))?;
    }
    Ok(())
}

/// Returns the configuration of an installed service: it names the store and the key, which only the unit's environment
/// names otherwise, so that commands with `--config` find them too.
fn configuration() -> Result<String, Failure> {
    let text = read(&source("deploy/domesday.toml"))?;
    let text = set(&text, "path", "/var/lib/domesday/governance.db")?;
    set(&text, "key_file", "/etc/domesday/secret.key")
}

/// Returns a configuration in which a setting, commented out with its default, has a value.
fn set(configuration: &str, name: &str, value: &str) -> Result<String, Failure> {
    let prefix = format!("# {name} = ");
    let mut is_set = false;
    let mut lines = Vec::new();
    for line in configuration.lines() {
        match line.strip_prefix(&prefix).and_then(|rest| rest.split_once(" # ")) {
            Some((_, comment)) => {
                lines.push(format!("{name} = \"{value}\"  # {comment}"));
                is_set = true;
            }
            None => lines.push(line.to_owned()),
        }
    }
    if is_set { Ok(lines.join("\n") + "\n") } else { Err(format!("deploy/domesday.toml has no `{prefix}`")) }
}

/// Returns the unit, which starts the binary of the package. Its first lines are for an installation by hand.
fn unit() -> Result<String, Failure> {
    let text = read(&source("deploy/domesday.service"))?;
    let start = text.find("[Unit]").ok_or("deploy/domesday.service has no section [Unit]")?;
    let unit = text[start..].replace("/usr/local/bin/domesday ", "/usr/bin/domesday ");
    if unit.contains("ExecStart=/usr/bin/domesday ") {
        return Ok(unit);
    }
    Err("deploy/domesday.service does not start /usr/local/bin/domesday".to_owned())
}

/// Returns the changelog of the package, which Debian wants beside the one of the project.
fn debian_changelog(release: &Release) -> Result<String, Failure> {
    let date =
        output(&mut command("date", &["--utc", "--rfc-email", "--date", &format!("@{}", release.epoch)]))?;
    let maintainer = manifest_value("maintainer")?;
    Ok(format!(
        "domesday ({VERSION}-1) stable; urgency=medium\n\n  * Release {VERSION}; the file changelog.gz has its changes.\n\n -- \
         {maintainer}  {}\n",
        date.trim()
    ))
}

/// Returns a text of the package's manifest.
fn manifest_value(name: &str) -> Result<String, Failure> {
    let manifest = read(&source("crates/domesday/Cargo.toml"))?;
    let prefix = format!("{name} = \"");
    let value = manifest.lines().find_map(|line| line.strip_prefix(&prefix)?.strip_suffix('"'));
    value.map(str::to_owned).ok_or_else(|| format!("crates/domesday/Cargo.toml has no `{name}`"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
mod tests {
    use super::*;

    #[test]
    fn the_installed_configuration_names_store_and_key() {
        let configuration = configuration().unwrap();
        assert!(configuration.contains("\npath = \"/var/lib/domesday/governance.db\"  # DOMESDAY_STORE"));
        assert!(
            configuration.contains("\nkey_file = \"/etc/domesday/secret.key\"  # DOMESDAY_SECRET_KEY_FILE")
        );
        assert_eq!(
            configuration.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')).count(),
            2
        );
    }

    #[test]
    fn a_setting_that_is_missing_is_an_error() {
        assert!(set("# a = 1 # VARIABLE\n", "b", "2").is_err());
        assert_eq!(set("# a = 1   # VARIABLE\n", "a", "2").unwrap(), "a = \"2\"  # VARIABLE\n");
    }

    #[test]
    fn the_installed_unit_starts_the_binary_of_the_package() {
        let unit = unit().unwrap();
        assert!(unit.starts_with("[Unit]\n") && !unit.contains("/usr/local"));
    }
}
