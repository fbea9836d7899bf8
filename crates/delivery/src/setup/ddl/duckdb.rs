//! DuckDB: views over `read_parquet`. It lists anew with every query, so there is nothing to refresh.

use super::escape::{duckdb_path, string};
use super::{Place, all_tables, quoted, view_name};
use crate::Layout;

pub(super) fn script(place: &Place<'_>) -> String {
    let mut text = place.heading("DuckDB", &secret(place));
    text.push_str("\nCREATE SCHEMA IF NOT EXISTS domesday;\n");
    let glob = if place.layout == Layout::History { "*/*.parquet" } else { "*.parquet" };
    for source in place.all_sources() {
        // The day stands in the history's keys too, and must not take the column's place.
        let glob = if source.table.name == "snapshot" { "*.parquet" } else { glob };
        text.push_str(&format!(
            "\nCREATE OR REPLACE VIEW domesday.{} AS\nFROM read_parquet({}, hive_partitioning = false);\n",
            source.name,
            string(&format!("{}/{}{glob}", duckdb_path(&place.root), source.folder)),
        ));
    }
    for table in all_tables() {
        let query = place.query(table, quoted, &|name| format!("domesday.{name}"));
        text.push_str(&format!("\nCREATE OR REPLACE VIEW domesday.{} AS\n{query};\n", view_name(table)));
    }
    text
}

fn secret(place: &Place<'_>) -> String {
    let Some(settings) = place.s3 else { return String::new() };
    let mut options = format!("TYPE s3, PROVIDER credential_chain, REGION {}", string(&settings.region));
    if let Some((scheme, host)) = settings.endpoint.as_deref().and_then(|endpoint| endpoint.split_once("://"))
    {
        let host = string(host.trim_end_matches('/'));
        options.push_str(&format!(", ENDPOINT {host}, URL_STYLE 'path', USE_SSL {}", scheme == "https"));
    }
    format!("It takes the right to list and read there, for example by\n  CREATE SECRET ({options});")
}
