//! Every table of a small world, value by value.

mod world;

use std::collections::{HashMap, HashSet};

use domesday_tables::TABLES;
use serde_json::Value;
use world::{ACME, Row, encoded, settings, snapshot, table};

/// The rows as blocks of `field: value`, the export date left out.
fn listing(rows: &[Row]) -> String {
    let line = |(name, value): (&String, &Value)| format!("{name}: {value}\n");
    let block =
        |row: &Row| row.iter().filter(|(name, _)| *name != "export_date").map(line).collect::<String>();
    rows.iter().map(block).collect::<Vec<_>>().join("\n")
}

/// A row a line, for tables of many small rows.
fn lines(rows: &[Row]) -> String {
    let value = |(name, value): (&String, &Value)| (name != "export_date").then(|| value.to_string());
    let line = |row: &Row| row.iter().filter_map(value).collect::<Vec<_>>().join(" · ");
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn values_of_every_table() {
    let (encoded, files) = encoded(&snapshot(ACME), &settings());
    let names: Vec<_> = encoded.parts.iter().map(|part| part.table.name).collect();
    assert_eq!(names, TABLES.iter().map(|table| table.name).collect::<Vec<_>>());
    for definition in &TABLES {
        let rows = table(&files, definition.name);
        let text = if definition.fields.len() > 10 && definition.name != "policy-outcomes" {
            listing(&rows)
        } else {
            lines(&rows)
        };
        insta::assert_snapshot!(definition.name, text);
    }
}

#[test]
fn every_row_has_the_instant_of_the_snapshot() {
    let (_, files) = encoded(&snapshot(ACME), &settings());
    for definition in &TABLES {
        for row in table(&files, definition.name) {
            assert_eq!(row["export_date"], world::AT, "{}", definition.name);
        }
    }
}

#[test]
fn keys_are_unique_and_references_resolve() {
    let (_, files) = encoded(&snapshot(ACME), &settings());
    let rows: HashMap<_, _> = TABLES.iter().map(|known| (known.name, table(&files, known.name))).collect();
    for definition in &TABLES {
        let own = &rows[definition.name];
        let mut seen = HashSet::new();
        for row in own {
            let key: Vec<_> = definition.key.iter().map(|field| row[*field].to_string()).collect();
            assert!(seen.insert(key.clone()), "{}: {key:?} twice", definition.name);
        }
        for field in definition.fields {
            let values: Vec<_> = own.iter().map(|row| &row[field.name]).collect();
            if field.key {
                let distinct: HashSet<_> = values.iter().map(ToString::to_string).collect();
                assert_eq!(distinct.len(), values.len(), "{}.{}", definition.name, field.name);
            }
            if let Some((other, name)) = field.references {
                let targets: HashSet<_> = rows[other].iter().map(|row| row[name].to_string()).collect();
                for value in values.iter().filter(|value| !value.is_null()) {
                    assert!(
                        targets.contains(&value.to_string()),
                        "{}.{}: {value}",
                        definition.name,
                        field.name
                    );
                }
            }
        }
    }
}

#[test]
fn rows_are_sorted_as_the_files_state() {
    let (_, files) = encoded(&snapshot(ACME), &settings());
    for definition in &TABLES {
        let rows = table(&files, definition.name);
        let key = |row: &Row| -> Vec<(i64, String)> {
            let part = |field: &&str| match &row[*field] {
                Value::Null => (i64::MIN, String::new()),
                Value::Number(number) => (number.as_i64().unwrap(), String::new()),
                text => (0, text.as_str().unwrap().to_owned()),
            };
            definition.sorted_by.iter().map(part).collect()
        };
        assert!(rows.is_sorted_by_key(key), "{}", definition.name);
    }
}

#[test]
fn an_empty_world_has_empty_tables_and_nobody_but_all_users() {
    let (encoded, files) = encoded(&snapshot("{}"), &settings());
    assert_eq!(encoded.parts.len(), TABLES.len());
    assert_eq!(encoded.outcomes, domesday_tables::OutcomeCounts::default());
    for definition in &TABLES {
        assert!(table(&files, definition.name).is_empty(), "{}", definition.name);
    }
}
