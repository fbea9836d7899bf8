//! `domesday policy export --format cedar` through the binary. That Cedar decides alike is proven in
//! `crates/cedar/tests`; here its own validator takes what the binary wrote.

mod cli;

use std::fs;
use std::str::FromStr;

use cedar_policy::{Entities, PolicySet, Schema, ValidationMode, Validator};
use cli::{Domesday, tree};

const ACME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/acme");
const EXPORT: [&str; 8] =
    ["policy", "export", "--format", "cedar", "--at", "2026-11-24T02:00:00Z", "--catalog", ACME];

/// Has Cedar parse, validate in strict mode, and load.
fn check(schema: &str, policies: &str, entities: &str) {
    let (schema, warnings) = Schema::from_cedarschema_str(schema).expect("a schema");
    assert_eq!(warnings.map(|warning| warning.to_string()).collect::<Vec<_>>(), Vec::<String>::new());
    let policies = PolicySet::from_str(policies).expect("policies");
    assert!(policies.policies().count() > 20);
    let result = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
    let errors: Vec<_> = result.validation_errors().map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let entities = Entities::from_json_str(entities, Some(&schema)).expect("entities that fit the schema");
    assert!(entities.iter().count() > 100);
}

#[test]
fn three_files_that_cedar_takes() {
    let dir = tempfile::tempdir().unwrap();
    let finished = Domesday::new(&EXPORT).args(&["--to", "out/cedar"]).within(dir.path()).run();
    finished.succeeds();
    assert_eq!(finished.stdout, "Wrote schema.cedarschema, policies.cedar, entities.json to out/cedar\n");
    let files = tree(dir.path());
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["out/cedar/entities.json", "out/cedar/policies.cedar", "out/cedar/schema.cedarschema"]
    );
    let read = |name: &str| fs::read_to_string(dir.path().join("out/cedar").join(name)).unwrap();
    check(&read("schema.cedarschema"), &read("policies.cedar"), &read("entities.json"));
}

#[test]
fn each_part_on_standard_output() {
    let part = |name: &str| {
        let finished = Domesday::new(&EXPORT).args(&["--part", name]).run();
        finished.succeeds();
        finished.stdout
    };
    check(&part("schema"), &part("policies"), &part("entities"));
    let plain = Domesday::new(&EXPORT).run();
    assert_eq!(plain.stdout, part("policies"), "the policies, when nothing is said");
    assert!(plain.stdout.contains("@name(\"GDPR training\") @kind(\"guardrail\")\nforbid"));
}

#[test]
fn all_of_it_as_one_json_document() {
    let args = ["policy", "export", "--format", "json", "--at", "2026-11-24T02:00:00Z", "--catalog", ACME];
    let finished = Domesday::new(&args).run();
    finished.succeeds();
    let all: serde_json::Value = serde_json::from_str(&finished.stdout).unwrap();
    let text = |key: &str| all[key].as_str().unwrap().to_owned();
    check(&text("schema"), &text("policies"), &all["entities"].to_string());
}

#[test]
fn cedar_is_a_format_of_this_command_only() {
    let finished = Domesday::new(&["check", ACME, "--format", "cedar"]).run();
    finished.fails_with(2);
    assert!(
        finished.stderr.contains("`--format cedar` is only for `domesday policy export`"),
        "{}",
        finished.stderr
    );
}
