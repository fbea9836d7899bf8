//! Trino with its Hive connector: external tables in a catalog that is called `hive` here.

use domesday_tables::FieldKind;

use super::escape::string;
use super::script_tables::{ScriptTables, all_tables, columns, double_quote, view_name};
use crate::Layout;

pub(super) fn script(tables: &ScriptTables) -> String {
    let mut comment = "Put your catalog's name in place of `hive`. Instants have microseconds, which the first\n\
                       statement lets the connector read. A cache of directory listings, where one is configured,\n\
                       is emptied by CALL hive.system.flush_metadata_cache()."
        .to_owned();
    if tables.layout == Layout::History {
        comment.push_str("\nThe days lie in folders: set hive.recursive-directories=true in the catalog.");
    }
    let mut text = tables.heading("Trino", &comment);
    text.push_str(
        "\nSET SESSION hive.timestamp_precision = 'MICROSECONDS';\n\nCREATE SCHEMA IF NOT EXISTS hive.domesday;\n",
    );
    for source in tables.all_sources() {
        let fields = columns(source.table, |field| {
            let kind = match field.kind {
                FieldKind::String => "varchar",
                FieldKind::Integer => "bigint",
                FieldKind::Boolean => "boolean",
                FieldKind::Timestamp => "timestamp(6)",
            };
            format!("{} {kind} COMMENT {}", double_quote(field.name), string(field.about))
        });
        text.push_str(&format!(
            "\nCREATE TABLE IF NOT EXISTS hive.domesday.{} (\n{fields}\n)\n\
             WITH (format = 'PARQUET', external_location = {});\n",
            source.name,
            string(&format!("{}/{}", tables.root, source.folder)),
        ));
    }
    for table in all_tables() {
        let query = tables.query(table, double_quote, &|name| format!("hive.domesday.{name}"));
        text.push_str(&format!("\nCREATE OR REPLACE VIEW hive.domesday.{} AS\n{query};\n", view_name(table)));
    }
    text
}
