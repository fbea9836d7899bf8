//! Athena: external tables of the Glue catalog. It lists anew with every query, folders below included, so there
//! is nothing to refresh.

use domesday_tables::FieldKind;

use super::escape::escaped_string;
use super::script_tables::{ScriptTables, all_tables, backtick, columns, double_quote, view_name};

pub(super) fn script(tables: &ScriptTables) -> String {
    let comment =
        format!("Athena runs one statement at a time; the workgroup must be in {}.", tables.region());
    let mut text = tables.heading("Athena", &comment);
    text.push_str("\nCREATE DATABASE IF NOT EXISTS domesday;\n");
    for source in tables.all_sources() {
        let fields = columns(source.table, |field| {
            let kind = match field.kind {
                FieldKind::String => "string",
                FieldKind::Integer => "bigint",
                FieldKind::Boolean => "boolean",
                FieldKind::Timestamp => "timestamp",
            };
            // The catalog takes comments of at most 255 characters.
            let about: String = field.about.chars().take(200).collect();
            format!("{} {kind} COMMENT {}", backtick(field.name), escaped_string(&about))
        });
        text.push_str(&format!(
            "\nCREATE EXTERNAL TABLE IF NOT EXISTS domesday.{} (\n{fields}\n)\nSTORED AS PARQUET\nLOCATION {};\n",
            source.name,
            escaped_string(&format!("{}/{}", tables.root, source.folder)),
        ));
    }
    for table in all_tables() {
        let query = tables.query(table, double_quote, &|name| format!("domesday.{name}"));
        text.push_str(&format!("\nCREATE OR REPLACE VIEW domesday.{} AS\n{query};\n", view_name(table)));
    }
    text
}
