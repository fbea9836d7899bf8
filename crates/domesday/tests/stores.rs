//! Commands that read a store: what they find, and that they never create one.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

mod cli;

use std::path::Path;

use cli::{Domesday, write};

const AT: &str = "2026-11-24T02:00:00Z";

/// An invocation in a directory, without a variable that names a store elsewhere.
fn domesday(dir: &Path, args: &[&str]) -> cli::Finished {
    Domesday::new(args).without(&["DATABASE_URL", "DOMESDAY_CONFIG", "DOMESDAY_SECRET_KEY"]).within(dir).run()
}

/// A directory with a store `domesday.db` in it.
fn with_store() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("catalog/a.yaml"), "users: [{ username: ada }]\n");
    domesday(dir.path(), &["apply", "catalog", "--store", "domesday.db", "--at", AT]).succeeds();
    dir
}

#[test]
fn commands_that_need_a_store_create_none() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("new.key"), &format!("{}\n", "0a".repeat(32)));
    let before = cli::tree(dir.path());
    for args in [
        &["audit", "verify"][..],
        &["audit", "export"],
        &["key", "admin"],
        &["key", "rotate", "--to", "new.key"],
        &["backup", "--to", "copy.db"],
        &["export", "--store", "domesday.db", "--to", "out"],
        &["explain", "--store", "domesday.db", "--user", "ada", "--data-source", "x"],
    ] {
        let finished = domesday(dir.path(), args);
        finished.fails_with(1);
        assert!(finished.stderr.contains("there is no store"), "{args:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "", "{args:?}");
        assert_eq!(cli::tree(dir.path()), before, "{args:?}");
    }
    // An empty file is no store either, and stays as it is.
    write(&dir.path().join("domesday.db"), "");
    let finished = domesday(dir.path(), &["audit", "verify"]);
    finished.fails_with(1);
    assert!(finished.stderr.contains("there is no store at domesday.db"), "{}", finished.stderr);
    assert_eq!(std::fs::metadata(dir.path().join("domesday.db")).unwrap().len(), 0);
}

#[test]
fn a_kept_anchor_proves_the_log() {
    let dir = with_store();
    let verify = |args: &[&str]| domesday(dir.path(), &[&["audit", "verify"], args].concat());
    let printed = verify(&[]);
    printed.succeeds();
    assert!(printed.stdout.contains("is intact: 2 entries"), "{}", printed.stdout);
    let anchor = printed.stdout.lines().last().unwrap().trim().to_owned();
    assert!(anchor.starts_with("2:") && anchor.len() == 66, "{anchor}");

    let again = verify(&["--expect", &anchor]);
    again.succeeds();
    assert!(again.stdout.contains(&format!("Matches: {anchor}")), "{}", again.stdout);
    // The anchor still matches after further entries.
    write(&dir.path().join("catalog/a.yaml"), "users: [{ username: ada }, { username: bob }]\n");
    domesday(dir.path(), &["apply", "catalog", "--store", "domesday.db", "--at", AT]).succeeds();
    let later = verify(&["--format", "json", "--expect", &anchor]);
    later.succeeds();
    let json: serde_json::Value = serde_json::from_str(&later.stdout).unwrap();
    assert_eq!((&json["entries"], &json["fault"]), (&3.into(), &serde_json::Value::Null));
    assert_eq!(json["expected"][0], serde_json::json!({ "anchor": anchor, "matches": true }));
    assert!(json["anchor"].as_str().unwrap().starts_with("3:"));

    let hash = &anchor[2..];
    for (wrong, message) in [
        (format!("2:{}", "0".repeat(64)), "entry 2 of the audit log has the hash"),
        (format!("1:{hash}"), "entry 1 of the audit log has the hash"),
        (format!("4:{hash}"), "entry 4 was expected"),
    ] {
        let finished = verify(&["--expect", &anchor, "--expect", &wrong]);
        finished.fails_with(1);
        assert!(finished.stderr.contains(message), "{}", finished.stderr);
        assert!(!finished.stdout.contains("is intact"), "{}", finished.stdout);
    }
    for not_one in [hash, "2", "2:ab", "x:y", ""] {
        verify(&["--expect", not_one]).fails_with(2);
    }
}

#[test]
fn the_store_is_relative_to_the_configuration_file() {
    let dir = with_store();
    let etc = dir.path().join("etc");
    write(&etc.join("domesday.toml"), "[database]\npath = \"../domesday.db\"\n");
    let elsewhere = tempfile::tempdir().unwrap();
    let config = etc.join("domesday.toml");
    let config = config.to_str().unwrap();
    let verify = domesday(elsewhere.path(), &["audit", "verify", "--config", config]);
    verify.succeeds();
    assert!(verify.stdout.contains("2 entries"), "{}", verify.stdout);
    let check = domesday(elsewhere.path(), &["config", "check", "--config", config]);
    check.succeeds();
    assert!(check.stdout.contains(etc.to_str().unwrap()), "{}", check.stdout);
    assert!(cli::tree(elsewhere.path()).is_empty());
    // The copy of a relative path on the command line goes into the working directory.
    domesday(elsewhere.path(), &["backup", "--to", "copy.db", "--config", config]).succeeds();
    assert!(elsewhere.path().join("copy.db").exists());
}

#[test]
fn a_dry_run_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("catalog/a.yaml"), "users: [{ username: ada }]\n");
    write(&dir.path().join("empty.db"), "");
    for store in ["domesday.db", "empty.db"] {
        let dry = domesday(dir.path(), &["apply", "catalog", "--store", store, "--dry-run", "--at", AT]);
        dry.succeeds();
        assert!(dry.stdout.contains("+ user ada"), "{}", dry.stdout);
    }
    assert!(!dir.path().join("domesday.db").exists());
    assert_eq!(std::fs::metadata(dir.path().join("empty.db")).unwrap().len(), 0);
}
