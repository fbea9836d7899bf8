//! `domesday apply`: the plan, a dry run, pruning, and that a second apply changes nothing.

mod cli;

use std::path::Path;

use cli::{Domesday, Finished, write};

const AT: &str = "2026-11-24T02:00:00Z";

fn apply(dir: &Path, args: &[&str]) -> Finished {
    let apply = Domesday::new(&["apply", "catalog", "--store", "store.db", "--at", AT]);
    apply.args(args).within(dir).run()
}

/// A directory with a catalog in `catalog`.
fn place(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    write(&dir.path().join("catalog/a.yaml"), text);
    dir
}

const BEFORE: &str = "\
groups: [{ name: Analysts }]
users:
  - { username: ada, groups: [Analysts] }
  - { username: bob }
";
const AFTER: &str = "\
groups: [{ name: Analysts }, { name: Audit }]
users:
  - { username: ada, groups: [Analysts, Audit] }
";

#[test]
fn the_plan_says_what_changes() {
    let dir = place(BEFORE);
    insta::assert_snapshot!(apply(dir.path(), &[]).stdout, @r"
    + tenant default
    + group Analysts
    + user ada
    + user bob
    Applied to store.db: 4 created, 0 updated, 0 deleted, 0 unchanged
    ");
    insta::assert_snapshot!(apply(dir.path(), &[]).stdout, @"Applied to store.db: 0 created, 0 updated, 0 deleted, 3 unchanged");
    write(&dir.path().join("catalog/a.yaml"), AFTER);
    let dry = apply(dir.path(), &["--dry-run", "--prune"]);
    insta::assert_snapshot!(dry.stdout, @r#"
    + group Audit
    ~ user ada
        groups: ["Analysts"] -> ["Analysts","Audit"]
    - user bob
    Plan: 1 to create, 1 to update, 1 to delete, 1 unchanged
    "#);
    let wet = apply(dir.path(), &["--prune"]);
    assert_eq!(
        dry.stdout.lines().take(4).collect::<Vec<_>>(),
        wet.stdout.lines().take(4).collect::<Vec<_>>(),
        "a dry run told what then happened"
    );
}

#[test]
fn a_dry_run_makes_no_store() {
    let dir = place(BEFORE);
    apply(dir.path(), &["--dry-run"]).succeeds();
    assert!(!dir.path().join("store.db").exists());
}

#[test]
fn what_stays_undeclared_must_still_fit() {
    let dir = place(BEFORE);
    apply(dir.path(), &[]).succeeds();
    let policy = "policies: [{ name: P, type: grant, level: individuals, individuals: { users: [bob] }, appliesTo: all }]\n";
    write(&dir.path().join("catalog/b.yaml"), policy);
    apply(dir.path(), &[]).succeeds();
    // The policy stays and needs bob; pruning both at once is fine.
    std::fs::remove_file(dir.path().join("catalog/b.yaml")).unwrap();
    write(&dir.path().join("catalog/a.yaml"), AFTER);
    let run = apply(dir.path(), &[]);
    run.succeeds();
    assert!(run.stdout.contains("2 more in the store"), "{}", run.stdout);
    let run = apply(dir.path(), &["--prune"]);
    run.succeeds();
    assert!(run.stdout.contains("- user bob") && run.stdout.contains("- policy P"), "{}", run.stdout);
}

#[test]
fn the_plan_as_json() {
    let dir = place(BEFORE);
    let run = apply(dir.path(), &["--format", "json", "--dry-run"]);
    run.succeeds();
    let plan: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(plan["applied"], false);
    assert_eq!(plan["plan"]["changes"].as_array().unwrap().len(), 4);
}
