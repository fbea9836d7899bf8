//! `domesday init DIR`: creates a catalog directory to begin with.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::cli::{Format, InitArgs};
use crate::output::{DIM, GOOD, Output, STRONG};

/// The files of the catalog with their texts.
const FILES: [(&str, &str); 4] = [
    ("data-sources.yaml", include_str!("../../templates/catalog/data-sources.yaml")),
    ("people.yaml", include_str!("../../templates/catalog/people.yaml")),
    ("policies.yaml", include_str!("../../templates/catalog/policies.yaml")),
    ("tenant.yaml", include_str!("../../templates/catalog/tenant.yaml")),
];

pub(crate) fn run(args: &InitArgs, output: &Output) -> anyhow::Result<()> {
    let directory = &args.directory;
    refuse_files(directory)?;
    let mut created = Created::default();
    let cannot_write = || format!("cannot create a catalog in `{}`", directory.display());
    created.directory(directory).with_context(cannot_write)?;
    for (name, text) in FILES {
        created.file(&directory.join(name), text).with_context(cannot_write)?;
    }
    created.keep();
    let shown = quoted(&directory.display().to_string());
    let next = [
        format!("domesday check {shown}"),
        format!("domesday access --catalog {shown} --data-source Customers"),
        format!("domesday explain --catalog {shown} --user ben --data-source Customers"),
    ];
    if output.format == Format::Json {
        let files: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
        output.json(&serde_json::json!({ "directory": directory, "files": files, "next": next }));
    } else if !output.is_quiet() {
        let names: Vec<_> = FILES.iter().map(|(name, _)| *name).collect();
        output.result(format_args!(
            "{GOOD}Created{GOOD:#} a catalog in {STRONG}{}{STRONG:#}: {}\n\nNext:",
            directory.display(),
            names.join(", ")
        ));
        next.iter().for_each(|command| output.result(format_args!("  {command}")));
        output.result(format_args!("\n{DIM}docs/tutorial.md goes on from here.{DIM:#}"));
    }
    Ok(())
}

/// Refuses a directory that contains something other than a Git repository without files, and what is no directory.
fn refuse_files(directory: &Path) -> anyhow::Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", directory.display())),
    };
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read `{}`", directory.display()))?;
        if entry.file_name() != ".git" {
            bail!(
                "the directory `{}` is not empty: it contains `{}`; nothing was changed\nhelp: name a new directory",
                directory.display(),
                entry.file_name().display()
            );
        }
    }
    Ok(())
}

/// What was created so far. Dropped before the end, it deletes that again.
#[derive(Default)]
struct Created {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

impl Created {
    /// Creates a directory and those above it that are missing.
    fn directory(&mut self, path: &Path) -> std::io::Result<()> {
        let missing = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let missing: Vec<_> = missing.map(Path::to_path_buf).collect();
        for directory in missing.into_iter().rev() {
            fs::create_dir(&directory)?;
            self.directories.push(directory);
        }
        Ok(())
    }

    /// Creates a file, which must not exist.
    fn file(&mut self, path: &Path, text: &str) -> std::io::Result<()> {
        let mut file = fs::File::create_new(path)?;
        self.files.push(path.to_path_buf());
        file.write_all(text.as_bytes())
    }

    fn keep(mut self) {
        self.files.clear();
        self.directories.clear();
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        // Whatever cannot be deleted stays; the error that is reported says why nothing more was created.
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
        for directory in self.directories.iter().rev() {
            let _ = fs::remove_dir(directory);
        }
    }
}

/// Quotes a word of a command for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+:,".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("./governance"), "./governance");
        assert_eq!(quoted("Bob's files"), r"'Bob'\''s files'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn what_cannot_be_completed_is_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let mut created = Created::default();
        created.directory(&dir.path().join("a/b")).unwrap();
        created.file(&dir.path().join("a/b/c.yaml"), "groups: []").unwrap();
        assert!(created.file(&dir.path().join("a/b/c.yaml"), "").is_err());
        drop(created);
        assert!(!dir.path().join("a").exists());
        assert!(dir.path().exists());
    }
}
