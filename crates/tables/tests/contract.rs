//! The definition against a second copy of the contract, transcribed independently.

use domesday_tables::{TABLES, table};
use serde::Deserialize;

#[derive(Debug, PartialEq, Deserialize)]
struct Table {
    name: String,
    fields: Vec<Field>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Field {
    name: String,
    r#type: String,
    nullable: bool,
    key: bool,
    references: Option<String>,
}

#[test]
fn the_definition_is_the_contract() {
    let contract: Vec<Table> = serde_json::from_str(include_str!("data/contract.json")).unwrap();
    assert_eq!(contract.len(), TABLES.len());
    for (expected, table) in contract.iter().zip(&TABLES) {
        assert_eq!(table.name, expected.name);
        let fields: Vec<Field> = table
            .fields
            .iter()
            .map(|field| Field {
                name: field.name.to_owned(),
                r#type: field.kind.as_str().to_owned(),
                nullable: field.nullable,
                key: field.key,
                references: field.references.map(|(table, field)| format!("{table}.{field}")),
            })
            .collect();
        assert_eq!(fields, expected.fields, "{}", table.name);
    }
}

#[test]
fn names_with_underscores_or_capitals_are_no_tables() {
    for name in ["policy_metadata", "Policy-Metadata", "", "policy-metadata "] {
        assert!(table(name).is_none(), "{name}");
    }
}
