//! The progress line, on a real terminal.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
#![allow(clippy::print_stdout, reason = "what is left out is reported")]
// Other systems have another `script`.
#![cfg(target_os = "linux")]

mod cli;

use std::path::Path;
use std::process::{Command, Stdio};

use cli::write;

const BINARY: &str = env!("CARGO_BIN_EXE_domesday");

/// Runs a command on a terminal, and returns everything that was written to it.
fn on_terminal(command: &str, dir: &Path) -> String {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("'{BINARY}' {command}"), "/dev/null"]);
    let script =
        script.current_dir(dir).env("TERM", "xterm").env_remove("DOMESDAY_STORE").stdin(Stdio::null());
    let output = script.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command}: {text}");
    text
}

#[test]
fn commands_show_what_they_do_on_a_terminal_and_nowhere_else() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("script is not installed: nothing is tested");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    write(
        &dir.path().join("gov/a.yaml"),
        "users: [{ username: ada }]\ndataSources: [{ name: Ledger, platform: x }]\n",
    );
    for (command, shown) in [
        ("check gov", "reading the catalog"),
        ("apply gov", "applying the catalog"),
        ("snapshot --out s.snapshot", "taking the snapshot"),
        ("batch plan --snapshot s.snapshot --tasks 1 --out p.plan", "planning"),
        ("diff --catalog gov --catalog gov", "comparing access"),
        ("access --user ada", "evaluating access"),
        ("explain --user ada --data-source Ledger", "evaluating access"),
        ("drift", "comparing the databases"),
        ("export --to out", "encoding"),
        ("destination verify --to out", "verifying the destination"),
        ("destination check-integrity --to out", "comparing the files"),
        ("policy export --catalog gov", "translating the policies"),
        ("audit verify", "verifying the audit log"),
        ("backup --to copy.db", "copying the store"),
    ] {
        let text = on_terminal(command, dir.path());
        assert!(text.contains(shown), "{command}: `{shown}` is not in {text:?}");
        let _ = std::fs::remove_file(dir.path().join("copy.db"));
        let quiet = on_terminal(&format!("{command} --quiet"), dir.path());
        assert!(!quiet.contains(shown), "{command} --quiet: {quiet:?}");
    }
}
