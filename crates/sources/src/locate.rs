//! Finds the place of a model's problem in a file.
//!
//! Places are not stored while a catalog is read: a valid catalog pays nothing for them, and only files with a problem are
//! parsed again.

use std::fmt::Write;

use domesday_model::Kind;
use domesday_model::validate::{Path, Step};

use crate::document::{Node, Value};

/// Returns the byte offset and the field of a problem; `index` is the position of the object in the list of its file.
pub(crate) fn locate(root: &Node, kind: Kind, index: usize, path: &Path) -> (usize, String) {
    let mut field = kind.key().to_owned();
    let Some((key, mut node)) = root.get(kind.key()) else { return (root.at, field) };
    let mut at = key.at;
    if kind != Kind::Tenant {
        let _ = write!(field, "[{index}]");
        let Value::List(items) = &node.value else { return (at, field) };
        let Some(item) = items.get(index) else { return (at, field) };
        node = item;
        at = item.at;
    }
    for step in &path.0 {
        let next = match (step, &node.value) {
            // A tag, or the data source of a product, may be written as only its name.
            (Step::Key(key), Value::Text(..)) if key == "name" => Some(node),
            (Step::Key(key), _) => {
                let _ = write!(field, ".{key}");
                node.get(key).map(|(_, value)| value)
            }
            // A single mapping may be written instead of a list.
            (Step::Index(0), Value::Mapping(_)) => Some(node),
            (Step::Index(index), Value::List(items)) => {
                let _ = write!(field, "[{index}]");
                items.get(*index)
            }
            (Step::Item(text), Value::List(items)) => items.iter().find(|item| is_named(item, text)),
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
        at = node.at;
    }
    (at, field)
}

fn is_named(item: &Node, text: &str) -> bool {
    match &item.value {
        Value::Text(found, _) | Value::Number(found) | Value::Boolean(_, found) => found == text,
        Value::Mapping(_) => item.get("name").is_some_and(|(_, name)| is_named(name, text)),
        Value::Null | Value::List(_) => false,
    }
}
