//! The example company, through the binary: every fact that its README expects, worked out by hand.

mod cli;

use std::collections::HashMap;

use cli::Domesday;
use cli::acme::{AT, Fact, catalog, facts};

/// What `explain` says of one pair and scope.
fn explained(fact: &Fact) -> serde_json::Value {
    let run = Domesday::new(&["explain", "--format", "json", "--at", AT, "--catalog"])
        .arg(catalog())
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
