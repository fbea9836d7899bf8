//! Data sources from tables and views.

use std::collections::{BTreeSet, HashSet};

use domesday_model::privileges::{ObservedDatabase, POSTGRES_PLATFORM, Privileges, SchemaIx};
use domesday_model::{
    Column, DataSource, DataSourceStatus, Excerpt, PostgresConnection, TagRule, glob_matches,
};

use super::address::Address;
use super::catalog::{self, Facts, Table};
use crate::digest::digest;
use crate::naming::Names;
use crate::reading::{Listed, Reading};

/// How many relations that have another name than the template gives are named.
const MOST_NAMED: usize = 5;

/// Returns what the facts of a database say, as a connection lists it.
pub(super) fn listing(
    connection: &PostgresConnection,
    name: &str,
    address: &Address,
    facts: Facts,
) -> Reading {
    let Facts { identity, tables, mut privileges, own_count, mut warnings } = facts;
    if tables.is_empty() {
        warnings.push(
            "no table and no view was found in the schemas that are read; check `schemas` and the database in `url`".to_owned(),
        );
    }
    let (host, database) = (address.place(), privileges.database.name.clone());
    let mut reading = Reading::default();
    let mut names = Names::default();
    let mut quoted = Vec::new();
    let mut listed = HashSet::new();
    for table in tables {
        let source = names.name(&connection.naming, Some(&database), Some(&table.schema), &table.name);
        if source.starts_with('"') {
            quoted.push(source.clone());
        }
        listed.insert((table.schema.clone(), table.name.clone()));
        let key = Some(format!("{identity}.{}", table.oid));
        let object = data_source(source, &host, &database, table, &connection.tag_rules);
        reading.data_sources.push(Listed { key, object });
    }
    if !quoted.is_empty() {
        let named: Vec<_> = quoted.iter().take(MOST_NAMED).map(|name| Excerpt(name).to_string()).collect();
        warnings.push(format!(
            "{} relations would have a name by `naming` that another one has, and are named by their place, such as {}",
            quoted.len(),
            named.join(", ")
        ));
    }
    keep_listed(&mut privileges, &listed);
    reading.privileges = Some(Box::new(ObservedDatabase {
        connection: name.to_owned(),
        host,
        identify: connection.identify.clone(),
        privileges,
    }));
    reading.own_count = Some(own_count);
    reading.warnings = warnings;
    reading.sha256 = digest(&reading);
    reading
}

fn data_source(name: String, host: &str, database: &str, table: Table, rules: &[TagRule]) -> DataSource {
    let columns = table.columns.into_iter().map(|column| {
        let catalog::Column { name, data_type, nullable, comment } = column;
        let tags = tags(rules, &table.name, &name, &data_type);
        Column { name, data_type, nullable, tags, description: comment }
    });
    let columns = columns.collect();
    DataSource {
        name,
        platform: POSTGRES_PLATFORM.to_owned(),
        host: Some(host.to_owned()),
        database: Some(database.to_owned()),
        schema: Some(table.schema),
        table: Some(table.name),
        domain: None,
        owners: BTreeSet::new(),
        status: DataSourceStatus::Enabled,
        tags: BTreeSet::new(),
        columns,
        opt_in_policies: BTreeSet::new(),
        level_choice: None,
        created_at: None,
    }
}

/// Returns the tags that the rules give to a column.
fn tags(rules: &[TagRule], table: &str, column: &str, data_type: &str) -> BTreeSet<String> {
    let is_any = |globs: &[String], text: &str| globs.iter().any(|glob| glob_matches(glob, text));
    let applies = |rule: &&TagRule| {
        is_any(&rule.columns, column)
            && rule.tables.as_ref().is_none_or(|globs| is_any(globs, table))
            && rule.types.as_ref().is_none_or(|types| types.iter().any(|it| it == data_type))
    };
    rules.iter().filter(applies).map(|rule| rule.tag.clone()).collect()
}

/// Leaves the privileges on relations that are listed, and on the schemas that they are in.
fn keep_listed(privileges: &mut Privileges, listed: &HashSet<(String, String)>) {
    let Privileges { schemas, relations, .. } = privileges;
    relations.retain(|relation| {
        listed.contains(&(schemas[relation.schema.get()].name.clone(), relation.name.clone()))
    });
    let used: HashSet<SchemaIx> = relations.iter().map(|relation| relation.schema).collect();
    let mut new_positions = Vec::with_capacity(schemas.len());
    let mut count = 0;
    for position in 0..schemas.len() {
        new_positions.push(SchemaIx::from_position(count));
        count += usize::from(used.contains(&SchemaIx::from_position(position)));
    }
    for relation in relations.iter_mut() {
        relation.schema = new_positions[relation.schema.get()];
    }
    let mut position = 0;
    schemas.retain(|_| {
        position += 1;
        used.contains(&SchemaIx::from_position(position - 1))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_match_columns_tables_and_types() {
        let rules: Vec<TagRule> = serde_json::from_str(
            r#"[{"columns": ["*email*"], "tag": "PII.Email"},
                {"columns": ["*"], "types": ["character varying(20)"], "tag": "Short"},
                {"columns": ["e*"], "tables": ["person*"], "types": ["text"], "tag": "PII"}]"#,
        )
        .unwrap();
        let given = |table: &str, column: &str, data_type: &str| {
            tags(&rules, table, column, data_type).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(given("persons", "email", "text"), ["PII", "PII.Email"]);
        assert_eq!(given("orders", "Email", "text"), Vec::<String>::new());
        assert_eq!(given("orders", "x", "character varying(20)"), ["Short"]);
        assert_eq!(given("orders", "x", "character varying"), Vec::<String>::new());
    }
}
