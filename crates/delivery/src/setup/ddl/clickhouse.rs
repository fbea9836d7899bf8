//! ClickHouse: tables of the engine `S3`, which lists anew with every query.

use domesday_tables::FieldKind;

use super::{Place, all_tables, columns, quoted, string, view_name};
use crate::Layout;

pub(super) fn script(place: &Place<'_>) -> String {
    let comment =
        "It takes the right to list and read there: of the server's own role, or by a named collection.";
    let mut text = place.heading("ClickHouse", comment);
    text.push_str("\nCREATE DATABASE IF NOT EXISTS domesday;\n");
    let root = address(place);
    for source in place.all_sources() {
        let fields = columns(source.table, |field| {
            let kind = match field.kind {
                FieldKind::String => "String",
                FieldKind::Integer => "Int64",
                FieldKind::Boolean => "Bool",
                FieldKind::Timestamp => "DateTime64(6, 'UTC')",
            };
            let kind = if field.nullable { format!("Nullable({kind})") } else { kind.to_owned() };
            format!("{} {kind} COMMENT {}", quoted(field.name), string(field.about))
        });
        let is_history = place.layout == Layout::History && source.table.name != "snapshot";
        let glob = if is_history { "*/*.parquet" } else { "*.parquet" };
        text.push_str(&format!(
            "\nCREATE OR REPLACE TABLE domesday.{} (\n{fields}\n)\nENGINE = S3({}, 'Parquet');\n",
            source.name,
            string(&format!("{root}/{}{glob}", source.folder)),
        ));
    }
    for table in all_tables() {
        let query = place.query(table, quoted, &|name| format!("domesday.{name}"));
        text.push_str(&format!("\nCREATE OR REPLACE VIEW domesday.{} AS\n{query};\n", view_name(table)));
    }
    text
}

/// The place as an address of HTTP, which is what this engine wants.
fn address(place: &Place<'_>) -> String {
    let Some(settings) = place.s3 else { return place.root.clone() };
    let within = place.root.trim_start_matches("s3://");
    match &settings.endpoint {
        Some(endpoint) => format!("{}/{within}", endpoint.trim_end_matches('/')),
        None => {
            let (bucket, path) = within.split_once('/').unwrap_or((within, ""));
            format!("https://{bucket}.s3.{}.amazonaws.com/{path}", settings.region)
        }
    }
}
