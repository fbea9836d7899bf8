//! Databricks: external tables in a schema of Unity Catalog or the Hive metastore. The folders below a table's own
//! are no partitions, and are read recursively.

use domesday_tables::FieldKind;

use super::escape::escaped_string;
use super::script_tables::{ScriptTables, all_tables, backtick, columns, view_name};

pub(super) fn script(tables: &ScriptTables) -> String {
    let comment = "It takes an external location that covers the path. Spark keeps a table's list of files for a\n\
                   while; the statements at the end make it look again, for a job after each delivery.";
    let mut text = tables.heading("Databricks", comment);
    text.push_str("\nCREATE SCHEMA IF NOT EXISTS domesday;\n");
    let sources = tables.all_sources();
    for source in &sources {
        let fields = columns(source.table, |field| {
            let kind = match field.kind {
                FieldKind::String => "STRING",
                FieldKind::Integer => "BIGINT",
                FieldKind::Boolean => "BOOLEAN",
                FieldKind::Timestamp => "TIMESTAMP",
            };
            format!("{} {kind} COMMENT {}", backtick(field.name), escaped_string(field.about))
        });
        text.push_str(&format!(
            "\nCREATE TABLE IF NOT EXISTS domesday.{} (\n{fields}\n)\nUSING PARQUET\n\
             OPTIONS (recursiveFileLookup = 'true', pathGlobFilter = '*.parquet')\nLOCATION {};\n",
            source.name,
            escaped_string(&format!("{}/{}", tables.root, source.folder)),
        ));
    }
    for table in all_tables() {
        let query = tables.query(table, backtick, &|name| format!("domesday.{name}"));
        text.push_str(&format!("\nCREATE OR REPLACE VIEW domesday.{} AS\n{query};\n", view_name(table)));
    }
    text.push('\n');
    let refresh = sources.iter().skip(1).chain(&sources[..1]);
    refresh.for_each(|source| text.push_str(&format!("REFRESH TABLE domesday.{};\n", source.name)));
    text
}
