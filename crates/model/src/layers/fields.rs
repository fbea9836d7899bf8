//! How each field of a layered object is merged.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Document;
use crate::Kind;

/// How a field is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// The highest layer that sets it counts.
    Single,
    /// `disabled` in any layer counts.
    Status,
    /// The union of lists. With a word, each element is a part with an instant of its own.
    Set(Option<&'static str>),
    /// Lists by key: the union of each.
    Attributes,
    /// Columns by name.
    Columns,
}

/// A field of a layered object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    /// The kind of object that its texts name.
    pub(super) refers_to: Option<Kind>,
}

const fn field(name: &'static str, rule: Rule) -> Field {
    Field { name, rule, refers_to: None }
}

const fn reference(name: &'static str, rule: Rule, kind: Kind) -> Field {
    Field { name, rule, refers_to: Some(kind) }
}

static GROUP: [Field; 2] = [field("description", Rule::Single), field("attributes", Rule::Attributes)];

static USER: [Field; 14] = [
    field("name", Rule::Single),
    field("email", Rule::Single),
    field("id", Rule::Single),
    field("identityProvider", Rule::Single),
    field("status", Rule::Status),
    reference("groups", Rule::Set(Some("group")), Kind::Group),
    field("attributes", Rule::Attributes),
    field("permissions", Rule::Set(Some("permission"))),
    field("employeeNumber", Rule::Single),
    field("department", Rule::Single),
    field("title", Rule::Single),
    reference("manager", Rule::Single, Kind::User),
    field("leavingDate", Rule::Single),
    field("createdAt", Rule::Single),
];

static DATA_SOURCE: [Field; 13] = [
    field("platform", Rule::Single),
    field("host", Rule::Single),
    field("database", Rule::Single),
    field("schema", Rule::Single),
    field("table", Rule::Single),
    reference("domain", Rule::Single, Kind::Domain),
    reference("owners", Rule::Set(None), Kind::User),
    field("status", Rule::Status),
    reference("tags", Rule::Set(Some("tag")), Kind::Tag),
    field("columns", Rule::Columns),
    field("optInPolicies", Rule::Set(None)),
    field("levelChoice", Rule::Single),
    field("createdAt", Rule::Single),
];

/// Returns the fields of a kind but the one with its name; none of a kind that is not layered.
pub(super) fn fields(kind: Kind) -> &'static [Field] {
    match kind {
        Kind::Group => &GROUP,
        Kind::User => &USER,
        Kind::DataSource => &DATA_SOURCE,
        _ => &[],
    }
}

/// Whether the objects of a kind have layers.
#[must_use]
pub fn is_layered(kind: Kind) -> bool {
    !fields(kind).is_empty()
}

/// Returns the texts of a list.
pub(super) fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Returns the columns of a document with their names.
pub(super) fn columns(document: &Document) -> impl Iterator<Item = (&str, &Document)> {
    let columns = document.get("columns").and_then(Value::as_array).into_iter().flatten();
    columns.filter_map(|column| {
        let column = column.as_object()?;
        Some((column.get("name")?.as_str()?, column))
    })
}

/// Returns the pairs of the attributes of a document.
pub(super) fn pairs(document: &Document) -> impl Iterator<Item = (&str, &str)> {
    let attributes = document.get("attributes").and_then(Value::as_object).into_iter().flatten();
    attributes.flat_map(|(key, values)| texts(Some(values)).map(move |value| (key.as_str(), value)))
}

/// Returns the parts of a document that have an instant of their own (see [`Since`](crate::Since)).
#[must_use]
pub fn parts(kind: Kind, document: &Document) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for field in fields(kind) {
        match field.rule {
            Rule::Set(Some(word)) => {
                parts.extend(texts(document.get(field.name)).map(|text| format!("{word}:{text}")));
            }
            Rule::Attributes => {
                parts.extend(pairs(document).map(|(key, value)| format!("attribute:{key}={value}")));
            }
            Rule::Columns => {
                for (name, column) in columns(document) {
                    parts.insert(format!("column:{name}"));
                    parts.extend(texts(column.get("tags")).map(|tag| format!("column:{name}/tag:{tag}")));
                }
            }
            Rule::Single | Rule::Status | Rule::Set(None) => {}
        }
    }
    parts
}

/// Replaces the names by which a document refers to objects by those that the objects have, and leaves out and returns those
/// of objects that do not exist: a connection may name a manager whom it does not list.
pub fn resolve_references(
    kind: Kind,
    document: &mut Document,
    mut resolve: impl FnMut(Kind, &str) -> Option<String>,
) -> Vec<(Kind, String)> {
    let mut missing = Vec::new();
    let mut replace = |to: Kind, value: &mut Value| {
        let Some(name) = value.as_str() else { return true };
        match resolve(to, name) {
            Some(found) => {
                if found != name {
                    *value = Value::String(found);
                }
                true
            }
            None => {
                missing.push((to, name.to_owned()));
                false
            }
        }
    };
    for field in fields(kind) {
        let Some(to) = field.refers_to else { continue };
        let Some(value) = document.get_mut(field.name) else { continue };
        let is_kept = match value {
            Value::Array(names) => {
                names.retain_mut(|name| replace(to, name));
                true
            }
            value => replace(to, value),
        };
        if !is_kept {
            document.shift_remove(field.name);
        }
    }
    missing
}
