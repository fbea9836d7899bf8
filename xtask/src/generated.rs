//! Files that the program itself writes: committed, and compared with what it says today.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::cache::{command, root};
use crate::steps::{build, readers_with};

/// Every command, for the reference of the command line.
const COMMANDS: [&[&str]; 32] = [
    &[],
    &["check"],
    &["apply"],
    &["export"],
    &["explain"],
    &["diff"],
    &["policy"],
    &["policy", "export"],
    &["schema"],
    &["serve"],
    &["config"],
    &["config", "check"],
    &["audit"],
    &["audit", "verify"],
    &["audit", "export"],
    &["backup"],
    &["restore"],
    &["key"],
    &["key", "new"],
    &["key", "rotate"],
    &["key", "admin"],
    &["openapi"],
    &["destination"],
    &["destination", "verify"],
    &["destination", "audit"],
    &["setup"],
    &["setup", "iam-policy"],
    &["setup", "bucket-policy"],
    &["setup", "trust-policy"],
    &["setup", "key-policy"],
    &["setup", "lifecycle"],
    &["setup", "ddl"],
];

/// Fails when a generated file differs from what would be written.
pub(crate) fn check() -> Result<(), Failure> {
    for (path, wanted) in files()? {
        let found = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        if found != wanted {
            return Err(format!("{path} is stale; `cargo xtask regen` rewrites it"));
        }
    }
    Ok(())
}

/// Writes every generated file, and the output that the recipes show.
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
        "# The command line\n\nEvery command as its `--help` tells it; written by `cargo xtask regen`.\n",
    );
    for path in COMMANDS {
        let mut args = path.to_vec();
        args.push("--help");
        let title = std::iter::once("domesday").chain(path.iter().copied()).collect::<Vec<_>>().join(" ");
        let _ = write!(reference, "\n## {title}\n\n```text\n{}```\n", output(&binary, &args)?);
    }
    let openapi = output(&binary, &["openapi"])?;
    Ok(vec![("docs/schema.md", schema), ("docs/cli.md", reference), ("docs/openapi.json", openapi)])
}

fn output(binary: &Path, args: &[&str]) -> Result<String, Failure> {
    let mut command: Command = command(binary, args);
    // What a help text shows must not depend on who runs it.
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
