//! Fields and documents stand for each other.

use domesday_model::Kind;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::fields::{PolicyFields, PolicyType};
use super::selection::{KEYS, field_prefix};
use crate::console::form::Form;

/// The fields as a browser sends them.
fn sent(fields: &PolicyFields) -> Form {
    let mut pairs: Vec<(String, &str)> = vec![
        ("kind".to_owned(), fields.policy_type.as_str()),
        ("value-type".to_owned(), if fields.is_json { "json" } else { "text" }),
    ];
    for (name, value) in [
        ("name", &fields.name),
        ("scope", &fields.scope),
        ("level", &fields.level),
        ("condition", &fields.condition),
        ("users", &fields.users),
        ("groups", &fields.groups),
        ("mask", &fields.mask),
        ("value", &fields.value),
        ("precision", &fields.precision),
        ("columns-tagged", &fields.columns_tagged),
        ("columns-names", &fields.columns_named),
        ("applies", &fields.applies),
        ("written", &fields.written),
        ("owner", &fields.owner),
        ("state", &fields.state),
        ("created-at", &fields.created_at),
    ] {
        pairs.push((name.to_owned(), value));
    }
    for (at, selection) in fields.selections.iter().enumerate() {
        let excepts = selection.excepts.iter().enumerate().map(|(except, fields)| (Some(except), fields));
        for (except, entries) in std::iter::once((None, &selection.entries)).chain(excepts) {
            let prefix = field_prefix(at, except);
            pairs.extend(
                KEYS.iter().zip(entries).map(|((key, _), text)| (format!("{prefix}-{key}"), text.as_str())),
            );
        }
    }
    let pairs = pairs.into_iter().map(|(name, value)| {
        format!("{name}={}", utf8_percent_encode(&value.replace('\n', "\r\n"), NON_ALPHANUMERIC))
    });
    Form::parse(&pairs.collect::<Vec<_>>().join("&"))
}

/// Fails unless a document is the same after it was fields, and after these were sent.
#[track_caller]
fn check(kind: Kind, document: &Value) -> PolicyFields {
    let stored = domesday_sources::parse_object(kind, &document.to_string()).unwrap();
    let fields = PolicyFields::from_document(kind, &stored);
    assert_eq!(PolicyFields::from_form(&sent(&fields)), fields, "{stored}");
    let written = fields.to_document().unwrap();
    let again = domesday_sources::parse_object(kind, &written.to_string()).unwrap();
    assert_eq!(again, stored, "{written}");
    fields
}

#[test]
fn every_policy_of_the_example_company_is_the_same_after_editing_nothing() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/acme");
    let catalog = domesday_sources::load(&directory).unwrap().catalog;
    assert!(catalog.policies.len() > 20 && catalog.data_policies.len() > 3);
    for policy in &catalog.policies {
        check(Kind::Policy, &serde_json::to_value(&**policy).unwrap());
    }
    for policy in &catalog.data_policies {
        check(Kind::DataPolicy, &serde_json::to_value(&**policy).unwrap());
    }
}

#[test]
fn what_applies_to_takes_is_written_as_fields_or_as_json() {
    let check = |applies_to: Value, mode: &str| {
        let document = json!({ "name": "P", "type": "grant", "level": "anyone", "appliesTo": applies_to });
        assert_eq!(check(Kind::Policy, &document).applies, mode, "{applies_to}");
    };
    check(json!("all"), "all");
    check(json!("optIn"), "optIn");
    check(json!({ "tagged": ["a, b", "\"c\""], "dataSources": ["x"] }), "selected");
    check(json!([{ "names": ["a*"] }, { "hosts": ["h"], "except": { "owners": ["o"] } }]), "selected");
    check(json!({ "names": ["*"], "except": [{ "tables": ["t"] }, { "schemas": ["s", "ü"] }] }), "selected");
    check(json!({ "names": [] }), "written");
    check(json!([]), "written");
    check(json!({ "names": ["*"], "except": { "names": ["a"], "except": { "names": ["b"] } } }), "written");
    check(Value::Array(vec![json!({ "names": ["x"] }); 21]), "written");
}

#[test]
fn masks_and_conditions_keep_every_character() {
    for mask in [
        json!({ "kind": "null" }),
        json!({ "kind": "constant", "value": "***" }),
        json!({ "kind": "constant", "value": " around " }),
        json!({ "kind": "constant", "value": "5" }),
        json!({ "kind": "constant", "value": 5 }),
        json!({ "kind": "constant", "value": { "a": [true, 1.5] } }),
        json!({ "kind": "rounding", "precision": 0.25 }),
        json!({ "kind": "rounding", "precision": 1000 }),
    ] {
        let document = json!({
            "name": "<b>\u{202e}\"M\"</b>", "mask": mask, "columns": { "tagged": ["PII"], "names": ["e*, f"] },
            "appliesTo": "all", "except": "@isInGroups('a',\n 'b''s')", "owner": "ada", "state": "disabled",
            "createdAt": "2026-01-02T03:04:05Z"
        });
        check(Kind::DataPolicy, &document);
    }
}

#[test]
fn fields_that_cannot_be_written_say_what_to_do() {
    let fields = PolicyFields {
        policy_type: PolicyType::Mask,
        mask: "rounding".to_owned(),
        precision: "some".to_owned(),
        applies: "written".to_owned(),
        written: "{".to_owned(),
        ..PolicyFields::new()
    };
    let mistakes = fields.to_document().unwrap_err();
    assert_eq!(
        mistakes.iter().map(|(field, _)| field.as_str()).collect::<Vec<_>>(),
        ["precision", "written"]
    );
}
