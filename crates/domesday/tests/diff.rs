//! `domesday diff` through the binary: what a change would do, before it is applied.

mod cli;

use std::path::Path;

use cli::{Domesday, Finished, write};
use serde_json::{Value, json};

/// Two users, two sources, a grant by group, a guardrail and a mask.
const BEFORE: &str = "\
groups: [{ name: Analysts }, { name: Trained }]
users:
  - { username: ada, groups: [Analysts, Trained] }
  - { username: bob, groups: [Trained] }
  - { username: cy, groups: [Analysts] }
dataSources:
  - { name: Ledger, platform: postgres, columns: [{ name: iban, type: TEXT }] }
  - { name: Orders, platform: postgres, owners: [bob] }
policies:
  - { name: Analysts read, type: grant, condition: \"@isInGroups('Analysts')\", appliesTo: { names: [Ledger] } }
  - { name: Training, type: guardrail, condition: \"@isInGroups('Trained')\", appliesTo: all }
dataPolicies:
  - { name: Hide accounts, mask: { kind: 'null' }, columns: { names: [iban] }, appliesTo: all }
";

/// The grant is for everyone, the guardrail only for writing, the owner another, and the mask gone for analysts.
const AFTER: &str = "\
groups: [{ name: Analysts }, { name: Trained }]
users:
  - { username: ada, groups: [Analysts, Trained] }
  - { username: bob, groups: [Trained] }
  - { username: cy, groups: [Analysts] }
dataSources:
  - { name: Ledger, platform: postgres, columns: [{ name: iban, type: TEXT }] }
  - { name: Orders, platform: postgres, owners: [cy] }
policies:
  - { name: Analysts read, type: grant, condition: \"@isInGroups('All Users')\", appliesTo: { names: [Ledger] } }
  - { name: Training, type: guardrail, scope: write, condition: \"@isInGroups('Trained')\", appliesTo: all }
dataPolicies:
  - { name: Hide accounts, mask: { kind: 'null' }, columns: { names: [iban] }, appliesTo: all,
      except: \"@isInGroups('Analysts')\" }
";

struct Change {
    dir: tempfile::TempDir,
}

impl Change {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        write(&dir.path().join("before/a.yaml"), BEFORE);
        write(&dir.path().join("after/a.yaml"), AFTER);
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn diff(&self, args: &[&str]) -> Finished {
        let at = ["diff", "--at", "2026-01-01T00:00:00Z"];
        Domesday::new(&at).args(args).within(self.path()).run()
    }
}

#[test]
fn every_change_is_listed_and_summed_up() {
    let finished = Change::new().diff(&["--catalog", "before", "--catalog", "after"]);
    finished.succeeds();
    let expected = "\
+ added     bob READ Ledger (Analysts read)
+ unblocked cy READ Ledger (Training)
- removed   bob READ Orders (ownership)
+ added     cy READ Orders (ownership)
- removed   bob WRITE Orders (ownership)
· idle      cy WRITE Orders (Training, ownership)
+ unmasked  ada READ Ledger.iban (Hide accounts)

By policy
  OWNER: 1 added, 2 removed
  Training: 1 unblocked, 1 idle
  Analysts read: 1 added
  Hide accounts: 1 columns unmasked

By data source
  Orders: 1 added, 2 removed, 1 idle
  Ledger: 1 added, 1 unblocked, 1 columns unmasked

By user
  bob: 1 added, 2 removed
  cy: 1 added, 1 unblocked, 1 idle
  ada: 1 columns unmasked

Total: 2 added, 1 unblocked, 2 removed, 1 idle, 1 columns unmasked; 4 gained.
";
    assert_eq!(finished.stdout, expected, "{}", finished.stderr);
}

#[test]
fn the_same_as_one_json_document() {
    let finished = Change::new().diff(&["--catalog", "before", "--catalog", "after", "--format", "json"]);
    finished.succeeds();
    let told: Value = serde_json::from_str(&finished.stdout).expect("one JSON document");
    assert_eq!(told["gained"], 4);
    assert_eq!(
        told["counts"],
        json!({ "added": 2, "unblocked": 1, "removed": 2, "idle": 1, "columnsClear": 1 })
    );
    assert_eq!(told["byPolicy"]["Training"], json!({ "unblocked": 1, "idle": 1 }));
    assert_eq!(told["byDataSource"]["Orders"], json!({ "added": 1, "removed": 2, "idle": 1 }));
    assert_eq!(told["byUser"]["ada"], json!({ "columnsClear": 1 }));
    assert_eq!(
        told["access"][1],
        json!({
            "dataSource": "Ledger", "scope": "READ", "user": "cy", "from": "BLOCKED", "to": "GRANTED",
            "effect": "unblocked", "policies": ["Training"],
        })
    );
    assert_eq!(
        told["columns"],
        json!([{
            "dataSource": "Ledger", "user": "ada", "column": "iban", "clear": true, "policies": ["Hide accounts"],
        }])
    );
    assert_eq!(told.get("limit"), None);
}

#[test]
fn a_limit_that_is_passed_ends_with_3_and_one_that_is_not_with_0() {
    let change = Change::new();
    let both = ["--catalog", "before", "--catalog", "after", "--max-gained"];
    let finished = change.diff(&[&both[..], &["4"]].concat());
    finished.succeeds();
    let finished = change.diff(&[&both[..], &["3"]].concat());
    finished.fails_with(3);
    assert!(
        finished.stderr.contains("4 outcomes would be gained, more than the 3 allowed"),
        "{}",
        finished.stderr
    );
    assert!(finished.stdout.contains("+ added     bob READ Ledger"), "{}", finished.stdout);

    let finished = change.diff(&[&both[..], &["0", "--format", "json"]].concat());
    finished.fails_with(3);
    let told: Value = serde_json::from_str(&finished.stdout).expect("still one JSON document");
    assert_eq!(told["limit"], json!({ "maxGained": 0, "passed": true }));
    // The other way round nothing is gained but what was lost.
    let finished = change.diff(&["--catalog", "after", "--catalog", "before", "--max-gained", "2"]);
    finished.succeeds();
}

#[test]
fn the_store_against_a_directory() {
    let change = Change::new();
    Domesday::new(&["apply", "before", "--store", "s.db"]).within(change.path()).run().succeeds();
    let same = change.diff(&["--catalog", "before", "--store", "s.db", "--max-gained", "0"]);
    same.succeeds();
    assert_eq!(same.stdout, "No difference: access is unchanged.\n");
    let finished = change.diff(&["--catalog", "after", "--store", "s.db", "--quiet"]);
    finished.succeeds();
    assert_eq!(finished.stdout.lines().count(), 7, "{}", finished.stdout);
    // Nothing was applied.
    change.diff(&["--catalog", "before", "--store", "s.db", "--max-gained", "0"]).succeeds();
}

#[test]
fn a_catalog_with_a_mistake_is_no_difference() {
    let change = Change::new();
    write(&change.path().join("after/a.yaml"), "users: [{ username: ada, groups: [Nobody] }]\n");
    let finished = change.diff(&["--catalog", "before", "--catalog", "after", "--max-gained", "0"]);
    finished.fails_with(1);
    assert!(finished.stderr.contains("there is no group `Nobody`"), "{}", finished.stderr);
    let finished = change.diff(&["--catalog", "before", "--catalog", "a", "--catalog", "b"]);
    finished.fails_with(1);
}
