//! What is valid and most likely not meant: `check` and `export` warn of it with the same lines.

mod cli;

use std::path::Path;

use cli::{Domesday, write};

/// A catalog in which nothing is wrong; the cases add policies to it.
const BASE: &str = "
tags: [PII, Finance.GL, Unused]
groups: [{ name: Analysts, attributes: { Region: [EU] } }, { name: Nobody }, { name: data@schema.io }, { name: a@@b }]
users:
  - { username: ada, groups: [Analysts, data@schema.io], attributes: { Training: [Privacy, Basics], Mail: [ada@iam.example] } }
  - { username: eve, status: disabled, groups: [Nobody] }
domains: [{ name: Sales }, { name: Empty }]
dataSources:
  - { name: Customers, platform: snowflake, host: a.example, database: FIN, schema: GL, table: T, domain: Sales,
      owners: [ada], tags: [Finance.GL], columns: [{ name: email, type: STRING, tags: [PII] }] }
  - { name: Orders, platform: databricks, columns: [{ name: id, type: INT }] }
";

/// Policies, and every line that they bring.
const CASES: &[(&str, &[&str])] = &[
    // Selections that match nothing.
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: ['Custmers*'] } }]",
        &[
            "policy `P`: matches no data source: no data source has a name that matches `Custmers*`; did you mean `Customers`?",
        ],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: ['customers'] } }]",
        &[
            "policy `P`: matches no data source: no data source has a name that matches `customers`; did you mean `Customers`?",
        ],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, state: staged, appliesTo: { platforms: [snowflak] } }]",
        &[
            "policy `P`: matches no data source: no data source has a platform that matches `snowflak`; did you mean `snowflake`?",
        ],
    ),
    ("policies: [{ name: P, type: grant, level: anyone, state: disabled, appliesTo: { names: [X] } }]", &[]),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { tagged: [Unused] } }]",
        &["policy `P`: matches no data source: no data source has the tag `Unused` or one below it"],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { columnsTagged: [Finance] } }]",
        &["policy `P`: matches no data source: no column has the tag `Finance` or one below it"],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { domains: [Empty] } }]",
        &["policy `P`: matches no data source: no data source has a domain that matches `Empty`"],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { owners: ['eve*'] } }]",
        &["policy `P`: matches no data source: no data source has an owner that matches `eve*`"],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { hosts: [b.example] } }]",
        &[
            "policy `P`: matches no data source: no data source has a host that matches `b.example`; did you mean `a.example`?",
        ],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: [] } }]",
        &["policy `P`: matches no data source: `names` is empty, which matches nothing"],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: [Orders], domains: [Sales] } }]",
        &["policy `P`: matches no data source: no data source satisfies all its keys together"],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: [Orders], except: { platforms: ['*'] } } }]",
        &["policy `P`: matches no data source: `except` leaves out every data source that it selects"],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: optIn }]",
        &["policy `P`: matches no data source: none lists it under `optInPolicies`"],
    ),
    // Parts of selections that match nothing.
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: [Customers, Ordres] } }]",
        &["policy `P`: `Ordres` under `appliesTo.names` matches no data source; did you mean `Orders`?"],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: [{ names: [Customers] }, { names: [Ordres] }] }]",
        &[
            "policy `P`: `appliesTo[1]` matches no data source: no data source has a name that matches `Ordres`; did you mean `Orders`?",
        ],
    ),
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: ['*'], except: { names: [Customer] } } }]",
        &[
            "policy `P`: `appliesTo.except` leaves out no data source: no data source has a name that matches `Customer`; did you mean `Customers`?",
        ],
    ),
    // Conditions that nobody satisfies.
    (
        "policies: [{ name: P, type: grant, condition: \"@hasAttribute('Trainng','Privacy')\", appliesTo: all }]",
        &[
            "policy `P`: no user or group has the attribute `Trainng`; did you mean `Training`?",
            "policy `P`: admits nobody: no user or group has the attribute `Trainng`",
        ],
    ),
    (
        "policies: [{ name: P, type: grant, condition: \"@isInGroups('Analysts') OR @hasTagAsAttribute('Trainng','dataSource')\", appliesTo: all }]",
        &["policy `P`: no user or group has the attribute `Trainng`; did you mean `Training`?"],
    ),
    (
        "policies: [{ name: P, type: grant, condition: \"@hasAttribute('Training','Privcy')\", appliesTo: all }]",
        &[
            "policy `P`: nobody has the value `Privcy` of the attribute `Training`; did you mean `Privacy`?",
            "policy `P`: admits nobody: nobody has the value `Privcy` of the attribute `Training`",
        ],
    ),
    (
        "policies: [{ name: P, type: grant, condition: \"NOT @hasAttribute('Training','Zzz')\", appliesTo: all }]",
        &[],
    ),
    (
        "policies: [{ name: P, type: grant, condition: \"@isInGroups('Nobody')\", appliesTo: all }]",
        &["policy `P`: admits nobody: the group `Nobody` has no active member"],
    ),
    (
        "policies: [{ name: P, type: grant, state: staged, condition: \"@isInGroups('Analysts') AND NOT @isInGroups('Analysts')\", appliesTo: all }]",
        &["policy `P`: admits nobody: no active user satisfies it"],
    ),
    (
        "policies: [{ name: P, type: guardrail, condition: \"@isInGroups('Nobody')\", appliesTo: all }]",
        &["policy `P`: blocks everybody: the group `Nobody` has no active member"],
    ),
    (
        "policies: [{ name: P, type: grant, level: individuals, individuals: { users: [eve], groups: [Nobody] }, appliesTo: all }]",
        &["policy `P`: admits nobody: no user named or in a group named is active"],
    ),
    // Variables in names.
    (
        "policies: [{ name: P, type: grant, condition: \"@isInGroups('data@schema.io')\", appliesTo: { names: [Customers] } }]",
        &[
            "policy `P`: `@schema` in `data@schema.io` is a variable, and there is a group with exactly this name; write `data@@schema.io` to name it",
            "policy `P`: admits nobody: no active user satisfies it",
        ],
    ),
    (
        "policies: [{ name: P, type: grant, condition: \"@isInGroups('data@@schema.io')\", appliesTo: { names: [Customers] } }]",
        &[],
    ),
    (
        "policies: [{ name: P, type: grant, condition: \"@hasAttribute('Mail','ada@iam.example') OR @isInGroups('Analysts')\", appliesTo: all }]",
        &[
            "policy `P`: `@iam` in `ada@iam.example` is a variable, and there is a value of `Mail` with exactly this text; write `ada@@iam.example` to name it",
        ],
    ),
    // Data policies.
    (
        "dataPolicies: [{ name: M, mask: { kind: hash }, columns: { names: [emial] }, appliesTo: all }]",
        &["data policy `M`: masks no column: no column's name matches `emial`; did you mean `email`?"],
    ),
    (
        "dataPolicies: [{ name: M, mask: { kind: hash }, columns: { tagged: [PII] }, appliesTo: { names: [Orders] } }]",
        &["data policy `M`: masks no column: none of its data sources has such a column"],
    ),
    (
        "dataPolicies: [{ name: M, mask: { kind: hash }, columns: { tagged: [PII], names: ['phone*'] }, appliesTo: all }]",
        &["data policy `M`: `phone*` under `columns.names` matches no column"],
    ),
    (
        "dataPolicies: [{ name: M, mask: { kind: hash }, columns: { tagged: [PII] }, appliesTo: all, except: \"@isInGroups('Nobody')\" }]",
        &["data policy `M`: excepts nobody: the group `Nobody` has no active member"],
    ),
    (
        "dataPolicies: [{ name: M, mask: { kind: hash }, columns: { tagged: [PII] }, appliesTo: { names: [Custmers] } }]",
        &[
            "data policy `M`: matches no data source: no data source has a name that matches `Custmers`; did you mean `Customers`?",
        ],
    ),
    // Conflicts of levels.
    (
        "policies: [{ name: P, type: grant, level: anyone, appliesTo: { names: [Orders] } }, { name: Q, type: grant, level: approval, appliesTo: { names: [Orders] } }]",
        &[
            "data source `Orders`: policies grant READ with different levels: `P` (ANYONE), `Q` (APPROVAL); only APPROVAL, the most \
              restrictive level, applies; set `levelChoice` on the data source to choose another",
        ],
    ),
];

/// The lines of warnings on standard error.
fn warnings(stderr: &str) -> Vec<&str> {
    stderr.lines().filter_map(|line| line.strip_prefix("warning: ")).collect()
}

fn check(dir: &Path, format: &str) -> cli::Finished {
    let run = Domesday::new(&["check", "--format", format]).arg(dir).run();
    run.succeeds();
    run
}

#[test]
fn each_oddity_is_warned_of_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    for (policies, expected) in CASES {
        write(&dir.path().join("a.yaml"), &format!("{BASE}{policies}\n"));
        let run = check(dir.path(), "text");
        let found = warnings(&run.stderr);
        assert_eq!(found.len(), expected.len(), "{policies}\n{}", run.stderr);
        for (found, expected) in found.iter().zip(*expected) {
            assert!(found.starts_with(expected), "{policies}\nexpected {expected}\nfound    {found}");
        }
    }
}

#[test]
fn check_export_and_manifest_warn_of_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = dir.path().join("catalog");
    let policies = "policies:
  - { name: P, type: grant, level: anyone, appliesTo: { names: ['Custmers*'] } }
  - { name: Q, type: grant, level: anyone, appliesTo: all }
  - { name: R, type: grant, level: approval, appliesTo: all }
  - { name: S, type: guardrail, condition: \"@hasAttribute('Trainng','x')\", appliesTo: all }
dataPolicies: [{ name: M, mask: { kind: hash }, columns: { names: [emial] }, appliesTo: all }]
";
    write(&catalog.join("a.yaml"), &format!("{BASE}{policies}"));
    let run = check(&catalog, "text");
    let of_check = warnings(&run.stderr);
    assert!(of_check.len() >= 6, "{}", run.stderr);
    let out = dir.path().join("out");
    let run = Domesday::new(&["export", "--catalog"]).arg(&catalog).arg("--to").arg(&out).run();
    run.succeeds();
    assert_eq!(warnings(&run.stderr), of_check);
    let manifest = std::fs::read_to_string(out.join("v1/_manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let of_manifest: Vec<_> =
        manifest["warnings"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(of_manifest, of_check);

    let run = check(&catalog, "json");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let list = report["warnings"].as_array().unwrap();
    assert_eq!(list.len(), of_check.len());
    let one = list.iter().find(|one| one["kind"] == "no-data-source").unwrap();
    assert_eq!(one["object"], serde_json::json!({ "kind": "policies", "name": "P" }));
    assert_eq!((&one["field"], &one["severity"]), (&"appliesTo".into(), &"warning".into()));
    assert_eq!(one["hint"], "did you mean `Customers`?");

    // A plan shows them too, and so does what is stored.
    let store = dir.path().join("store.db");
    for dry in [&["--dry-run"][..], &[]] {
        let run = Domesday::new(&["apply"]).arg(&catalog).args(dry).arg("--store").arg(&store).run();
        run.succeeds();
        assert_eq!(warnings(&run.stderr), of_check);
    }
}

#[test]
fn the_list_is_bounded_and_counts_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let mut policies = String::from("policies:\n");
    for number in 0..250 {
        policies.push_str(&format!(
            "  - {{ name: P{number}, type: grant, level: anyone, appliesTo: {{ names: [Custmers{number}] }} }}\n"
        ));
    }
    write(&dir.path().join("a.yaml"), &format!("{BASE}{policies}"));
    let run = check(dir.path(), "text");
    let lines = warnings(&run.stderr);
    assert_eq!(lines.len(), 101);
    assert_eq!(lines[100], "150 more warnings are not listed");
    let report: serde_json::Value = serde_json::from_str(&check(dir.path(), "json").stdout).unwrap();
    assert_eq!(report["omittedWarnings"], 150);
}

#[test]
fn the_example_has_conflicts_of_levels_and_no_other_oddity() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme");
    let run = check(&example, "text");
    let conflict = |line: &&str| line.contains("with different levels");
    assert_eq!(warnings(&run.stderr).iter().filter(|line| !conflict(line)).count(), 0, "{}", run.stderr);
}
