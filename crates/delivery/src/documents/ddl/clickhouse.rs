//! ClickHouse: views over the table function `s3`, which lists anew with every query, and over `file` for a directory.

use domesday_tables::FieldKind;

use super::escape::{escaped_string, url_path};
use super::script_tables::{ScriptTables, all_tables, backtick, double_quote, view_name};
use crate::Layout;
use crate::aws_partition::AwsPartition;

pub(super) fn script(tables: &ScriptTables) -> String {
    let comment = match tables.object_store {
        Some(_) => {
            "It takes the right to list and read there: of the server's own role, or by a named collection."
        }
        None => {
            "A directory is read by clickhouse-local and chdb, and by a server below its user_files_path."
        }
    };
    let mut text = tables.heading("ClickHouse", comment);
    text.push_str("\nCREATE DATABASE IF NOT EXISTS domesday;\n");
    let root = address(tables);
    for source in tables.all_sources() {
        let fields = source.table.fields.iter().map(|field| {
            let kind = match field.kind {
                FieldKind::String => "String",
                FieldKind::Integer => "Int64",
                FieldKind::Boolean => "Bool",
                FieldKind::Timestamp => "DateTime64(6, 'UTC')",
            };
            let kind = if field.nullable { format!("Nullable({kind})") } else { kind.to_owned() };
            format!("{} {kind}", backtick(field.name))
        });
        let fields = escaped_string(&fields.collect::<Vec<_>>().join(", "));
        let is_history = tables.layout == Layout::History && source.table.name != "snapshot";
        let glob = if is_history { "*/*.parquet" } else { "*.parquet" };
        let location = escaped_string(&format!("{root}/{}{glob}", source.folder));
        let function = if tables.object_store.is_some() { "s3" } else { "file" };
        // A folder such as `export_date=2026-11-24` would take the place of the column of that name. A table has
        // that setting only as long as the server runs, a view keeps it.
        text.push_str(&format!(
            "\nCREATE OR REPLACE VIEW domesday.{} AS\nSELECT *\nFROM {function}({location}, 'Parquet',\n  {fields})\n\
             SETTINGS use_hive_partitioning = 0;\n",
            source.name,
        ));
    }
    for table in all_tables() {
        let query = tables.query(table, double_quote, &|name| format!("domesday.{name}"));
        text.push_str(&format!("\nCREATE OR REPLACE VIEW domesday.{} AS\n{query};\n", view_name(table)));
    }
    text
}

/// Returns the location as an HTTP address, which this engine needs.
fn address(tables: &ScriptTables) -> String {
    let Some(store) = &tables.object_store else { return tables.root.clone() };
    let within = tables.root.trim_start_matches("s3://");
    let (bucket, path) = within.split_once('/').unwrap_or((within, ""));
    let path = url_path(path);
    match &store.endpoint {
        Some(endpoint) => format!("{}/{bucket}/{path}", endpoint.trim_end_matches('/')),
        None => format!(
            "https://{bucket}.s3.{}.{}/{path}",
            store.region,
            AwsPartition::from_region(&store.region).dns_suffix
        ),
    }
}
