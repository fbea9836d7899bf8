//! DuckDB: views over `read_parquet`. It lists anew with every query, so there is nothing to refresh.

use super::escape::{duckdb_path, string};
use super::script_tables::{ScriptTables, all_tables, double_quote, view_name};
use crate::Layout;

pub(super) fn script(tables: &ScriptTables) -> String {
    let mut text = tables.heading("DuckDB", &secret(tables));
    text.push_str("\nCREATE SCHEMA IF NOT EXISTS domesday;\n");
    let glob = if tables.layout == Layout::History { "*/*.parquet" } else { "*.parquet" };
    for source in tables.all_sources() {
        // In the history a folder has the name of the column, and must not take its place.
        let glob = if source.table.name == "snapshot" { "*.parquet" } else { glob };
        text.push_str(&format!(
            "\nCREATE OR REPLACE VIEW domesday.{} AS\nFROM read_parquet({}, hive_partitioning = false);\n",
            source.name,
            string(&format!("{}/{}{glob}", duckdb_path(&tables.root), source.folder)),
        ));
    }
    for table in all_tables() {
        let query = tables.query(table, double_quote, &|name| format!("domesday.{name}"));
        text.push_str(&format!("\nCREATE OR REPLACE VIEW domesday.{} AS\n{query};\n", view_name(table)));
    }
    text
}

fn secret(tables: &ScriptTables) -> String {
    let Some(store) = &tables.object_store else { return String::new() };
    let mut options = format!("TYPE s3, PROVIDER credential_chain, REGION {}", string(&store.region));
    if let Some((scheme, host)) = store.endpoint.as_deref().and_then(|endpoint| endpoint.split_once("://")) {
        let host = string(host.trim_end_matches('/'));
        options.push_str(&format!(", ENDPOINT {host}, URL_STYLE 'path', USE_SSL {}", scheme == "https"));
    }
    format!("It takes the right to list and read there, for example by\n  CREATE SECRET ({options});")
}
