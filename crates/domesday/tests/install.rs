//! Completions and manual pages, as the shells and the readers of pages take them.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cli;

use std::path::Path;
use std::process::Command;

use cli::Domesday;

/// Whether a program is installed.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

#[test]
fn each_shell_gets_a_script_with_every_command() {
    let dir = tempfile::tempdir().unwrap();
    // The option with which a shell parses a script and does not run it.
    for (shell, check) in [
        ("bash", Some("-n")),
        ("zsh", Some("-n")),
        ("fish", Some("-n")),
        ("powershell", None),
        ("elvish", None),
    ] {
        let run = Domesday::new(&["completions", shell]).run();
        run.succeeds();
        for word in ["export", "max-gained", "trust-policy", "init", "access", "outcome"] {
            assert!(run.stdout.contains(word), "{shell}: {word}");
        }
        if let Some(check) = check.filter(|_| is_installed(shell)) {
            let script = dir.path().join(shell);
            cli::write(&script, &run.stdout);
            let status = Command::new(shell).arg(check).arg(&script).status().unwrap();
            assert!(status.success(), "{shell}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let pages = dir.path().join("man1");
    let run = Domesday::new(&["man", "--out"]).arg(&pages).args(&["--format", "json"]).run();
    run.succeeds();
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let files: Vec<_> =
        report["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    for page in [
        "domesday.1",
        "domesday-access.1",
        "domesday-export.1",
        "domesday-init.1",
        "domesday-setup-trust-policy.1",
        "domesday-man.1",
    ] {
        assert!(files.contains(&page), "{page} is not among {files:?}");
    }
    assert_eq!(cli::tree(&pages).len(), files.len());
    files.iter().for_each(|file| renders(&pages.join(file)));
}

/// Whether `man` renders a page without a warning, where it is installed.
fn renders(page: &Path) {
    if !is_installed("man") || !is_installed("groff") {
        return;
    }
    let output = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-l", "-P", "cat"])
        .arg(page)
        .output()
        .unwrap();
    let warnings = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && warnings.is_empty(), "{}: {warnings}", page.display());
    assert!(String::from_utf8_lossy(&output.stdout).contains("SYNOPSIS"), "{}", page.display());
}
