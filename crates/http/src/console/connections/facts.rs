//! The configuration of a connection as it is shown.

use domesday_service::connections::ConnectionView;
use serde_json::Value;

use super::words::{kind_title, time};
use crate::console::export::schedule::words;
use crate::console::shell::Shell;
use crate::console::times::TimeView;

/// A name and what it is.
pub(super) struct Fact {
    pub(super) name: String,
    /// A line each.
    pub(super) lines: Vec<String>,
    pub(super) is_code: bool,
    pub(super) time: Option<TimeView>,
}

impl Fact {
    pub(super) fn text(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), lines: vec![text.into()], is_code: false, time: None }
    }

    pub(super) fn code(name: &str, lines: Vec<String>) -> Self {
        Self { name: name.to_owned(), lines, is_code: true, time: None }
    }

    pub(super) fn time(name: &str, time: Option<TimeView>) -> Option<Self> {
        time.map(|time| Self { name: name.to_owned(), lines: Vec::new(), is_code: false, time: Some(time) })
    }
}

/// Returns the facts of a connection. Its password is none of them, only whether one is kept.
pub(super) fn facts(view: &ConnectionView, shell: &Shell) -> Vec<Fact> {
    let connection = &view.connection;
    let mut facts = vec![Fact::text("Kind", kind_title(connection.kind.as_str()))];
    let fields = serde_json::to_value(&connection.kind).unwrap_or_default();
    for (key, value) in fields.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "kind" | "password") {
            facts.push(Fact::code(label(key), lines("", value)));
        }
    }
    if connection.kind.url().is_some() {
        let text = match (view.has_password, connection.kind.secret_reference()) {
            (_, Some(_)) => {
                "named in a file, which this service does not read; edit the connection to enter it"
            }
            (true, None) => "kept sealed, never shown",
            (false, None) => "none",
        };
        facts.push(Fact::text("Password", text));
    }
    if let Some(schedule) = connection.effective_schedule() {
        facts.push(Fact::text("Schedule", format!("{} {}", words(schedule), shell.zone)));
    }
    if connection.kind.as_str() != "scim" {
        let text = format!("{} of its users or data sources, and ten in any case", connection.max_gone);
        facts.push(Fact::text("May be gone at once", text));
    }
    let age = connection.effective_max_age();
    facts.push(Fact::text(
        "Stale after",
        age.map_or_else(|| "never".to_owned(), |age| format!("{age} without a complete sync")),
    ));
    let origin = match view.origin.as_str() {
        "console" => "set up in the console".to_owned(),
        "api" => "set up with the API".to_owned(),
        file => format!("applied from {file}"),
    };
    facts.push(Fact::text("Origin", origin));
    facts.extend(Fact::time("Last changed", time(&view.updated_at, &shell.calendar)));
    facts
}

fn label(key: &str) -> &str {
    match key {
        "url" => "Address",
        "bindDn" => "Bind name",
        "users" => "Users",
        "groups" => "Groups",
        "attributes" => "Attributes",
        "map" => "Columns",
        "schemas" => "Schemas",
        "naming" => "Names of data sources",
        "identify" => "Users of roles",
        "tagRules" => "Tag rules",
        "tags" => "Tags",
        "tagPrefix" => "Prefix of tags",
        "host" => "Host",
        other => other,
    }
}

/// The lines of a value; those of an object are its fields by path.
fn lines(path: &str, value: &Value) -> Vec<String> {
    let prefixed = |text: String| if path.is_empty() { text } else { format!("{path}: {text}") };
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                lines(&path, value)
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(|item| lines(path, item)).collect(),
        Value::String(text) => vec![prefixed(text.clone())],
        other => vec![prefixed(other.to_string())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nested_fields_are_lines_by_path() {
        let value = json!({ "base": "ou=People", "attributes": { "username": "uid" } });
        assert_eq!(lines("", &value), ["base: ou=People", "attributes.username: uid"]);
        assert_eq!(lines("", &json!(["a*", "b"])), ["a*", "b"]);
    }
}
