//! What an object is recognized by beside its name, so that several origins find the same one.

use domesday_model::layers::Document;
use domesday_model::{DataSource, Kind};

/// Returns the alias of a user: the name in small letters.
pub(crate) fn of_user(username: &str) -> String {
    storable(username.to_lowercase())
}

/// Returns the alias of a data source: its place. One that is no table has none.
pub(crate) fn of_data_source(source: &DataSource) -> Option<String> {
    of_place(&source.platform, source.database.as_deref(), source.schema.as_deref(), source.table.as_deref())
}

/// Returns the alias of what a layer describes.
pub(crate) fn of_layer(kind: Kind, document: &Document) -> Option<String> {
    let text = |field: &str| document.get(field).and_then(serde_json::Value::as_str);
    match kind {
        Kind::User => text("username").map(of_user),
        Kind::DataSource => of_place(text("platform")?, text("database"), text("schema"), text("table")),
        _ => None,
    }
}

/// A place as its platform compares names. The host is no part of it, since not every origin knows it.
fn of_place(
    platform: &str,
    database: Option<&str>,
    schema: Option<&str>,
    table: Option<&str>,
) -> Option<String> {
    let place = [platform, database.unwrap_or(""), schema.unwrap_or(""), table?].join("\u{1f}");
    // PostgreSQL's names are what its catalog says, letter by letter; other platforms fold them.
    Some(storable(if platform == "postgres" { place } else { place.to_lowercase() }))
}

fn storable(alias: String) -> String {
    if alias.contains('\0') { alias.replace('\0', "\u{fffd}") } else { alias }
}
