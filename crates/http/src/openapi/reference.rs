//! References between schemas.

use serde_json::{Value, json};

/// Returns a reference to a schema of the document.
pub(crate) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
