//! The top-level fields in which two versions of an object differ.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// The top-level fields of an object, by name.
pub(crate) type Fields = BTreeMap<String, serde_json::Value>;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// The field's name in the catalog format.
    pub field: String,
    /// The stored value; `None` when it was not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<serde_json::Value>,
    /// The declared value; `None` when it is no longer set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<serde_json::Value>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: &Option<serde_json::Value>| value.as_ref().map_or("(not set)".to_owned(), short);
        write!(f, "{}: {} -> {}", self.field, side(&self.before), side(&self.after))
    }
}

/// Returns the beginning of a value, on one line.
fn short(value: &serde_json::Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string();
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// Returns the fields in which two versions of an object differ.
pub(crate) fn changed_fields(mut before: Fields, after: Fields) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    for (field, after) in after {
        let before = before.remove(&field);
        if before.as_ref() != Some(&after) {
            changes.push(FieldChange { field, before, after: Some(after) });
        }
    }
    changes.extend(before.into_iter().map(|(field, before)| FieldChange {
        field,
        before: Some(before),
        after: None,
    }));
    changes
}
