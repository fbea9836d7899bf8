//! The example company, through the binary: every fact that its README expects, worked out by hand.

mod cli;

use std::collections::HashMap;
use std::path::Path;

use cli::Domesday;
use serde::Deserialize;

const AT: &str = "2026-11-24T02:00:00Z";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fact {
    user: String,
    data_source: String,
    column: Option<String>,
    scope: String,
    outcome: String,
    reason: Option<String>,
    request_id: Option<String>,
    why: String,
}

fn facts() -> Vec<Fact> {
    serde_json::from_str(include_str!("data/acme-expected.json")).expect("the facts are well formed")
}

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme")
}

/// What `explain` says of one pair and scope.
fn explained(fact: &Fact) -> serde_json::Value {
    let run = Domesday::new(&["explain", "--format", "json", "--at", AT, "--catalog"])
        .arg(example())
        .args(&["--user", &fact.user, "--data-source", &fact.data_source])
        .args(&["--scope", &fact.scope.to_lowercase()])
        .run();
    run.succeeds();
    serde_json::from_str(&run.stdout).expect("JSON comes out")
}

#[test]
fn every_expected_fact_is_explained() {
    let facts = facts();
    assert!(facts.len() > 100, "only {} facts", facts.len());
    let mut known: HashMap<(String, String, String), serde_json::Value> = HashMap::new();
    let mut wrong = Vec::new();
    for fact in &facts {
        let pair = (fact.user.clone(), fact.data_source.clone(), fact.scope.clone());
        let said = known.entry(pair).or_insert_with(|| explained(fact));
        let (outcome, reasons, request) = match &fact.column {
            None => {
                let reasons = said["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
                let reasons: Vec<_> = reasons.iter().filter_map(|reason| reason.as_str()).collect();
                (said["access"].clone(), reasons.join("+"), said["requestId"].clone())
            }
            Some(column) => {
                let columns = said["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
                match columns.iter().find(|said| said["column"] == column.as_str()) {
                    None => ("NONE".into(), String::new(), serde_json::Value::Null),
                    Some(said) => {
                        let request = said["requestId"].clone();
                        let reason = if request.is_null() { "POLICY" } else { "REQUEST" };
                        (said["outcome"].clone(), reason.to_owned(), request)
                    }
                }
            }
        };
        let right = outcome == fact.outcome.as_str()
            && reasons == fact.reason.clone().unwrap_or_default()
            && request.as_str() == fact.request_id.as_deref();
        if !right {
            wrong.push(format!("{fact:?}: {outcome} {reasons} {request}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fact_says_why() {
    for fact in facts() {
        assert!(!fact.why.is_empty(), "{} on {}", fact.user, fact.data_source);
    }
}
