//! Generated files: committed, and compared with what the program prints.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::paths::root;
use crate::process::command;
use crate::runner::{build, readers_with};

/// Fails when a generated file is out of date.
pub(crate) fn check() -> Result<(), Failure> {
    for (path, wanted) in files()? {
        let found = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        if found != wanted {
            return Err(format!("{path} is out of date; run `cargo xtask regen`"));
        }
    }
    Ok(())
}

/// Writes every generated file, and the output in the recipes.
pub(crate) fn write() -> Result<(), Failure> {
    for (path, text) in files()? {
        std::fs::write(root().join(path), text).map_err(|error| format!("{path}: {error}"))?;
        println!("wrote {path}");
    }
    readers_with(&["--regen"])
}

fn files() -> Result<Vec<(&'static str, String)>, Failure> {
    let binary = build()?;
    let schema = output(&binary, &["schema"])?;
    let mut reference = String::from(
        "# The command line\n\nThe `--help` of every command; written by `cargo xtask regen`.\n",
    );
    command_help(&binary, &mut Vec::new(), &mut reference)?;
    let openapi = output(&binary, &["openapi"])?;
    Ok(vec![("docs/schema.md", schema), ("docs/cli.md", reference), ("docs/openapi.json", openapi)])
}

/// Adds the help of a command, and of every command below it.
fn command_help(binary: &Path, path: &mut Vec<String>, reference: &mut String) -> Result<(), Failure> {
    let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = output(binary, &args)?;
    let title =
        std::iter::once("domesday").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join(" ");
    let _ = write!(reference, "\n## {title}\n\n```text\n{help}```\n");
    for name in subcommands(&help).filter(|name| *name != "help") {
        path.push(name.to_owned());
        command_help(binary, path, reference)?;
        path.pop();
    }
    Ok(())
}

/// Returns the names in the section `Commands` of a help text: the first word of each line with an indent of two.
fn subcommands(help: &str) -> impl Iterator<Item = &str> {
    let section = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.is_empty());
    lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next())
}

fn output(binary: &Path, args: &[&str]) -> Result<String, Failure> {
    let mut command: Command = command(binary, args);
    // The help must not depend on the environment.
    let output = command
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .env_remove("DOMESDAY_STORE")
        .env_remove("DOMESDAY_CONFIG")
        .output();
    let output = output.map_err(|error| format!("{}: {error}", binary.display()))?;
    if !output.status.success() {
        return Err(format!("domesday {} failed", args.join(" ")));
    }
    let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    Ok(lines.join("\n") + "\n")
}
