//! Sorting (RFC 7644, section 3.4.2.3).

use std::cmp::Ordering;

use serde_json::Value;

use super::filter::values;
use super::path::AttributePath;
use super::resource::{Document, fold};

/// What a resource is sorted by. Resources without a value come last in ascending order, and first in descending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey(Option<String>);

impl SortKey {
    /// Returns the key of a resource: of a list, that of its primary value, or else of its first one.
    #[must_use]
    pub fn new(path: &AttributePath, resource: &Document) -> Self {
        let attribute = match &path.extension {
            Some(id) => resource.get(id).and_then(|values| values.get(&path.attribute)),
            None => resource.get(&path.attribute),
        };
        let primary = attribute.and_then(Value::as_array).and_then(|elements| {
            let element = elements.iter().find(|element| element["primary"] == true)?;
            element.get(path.sub.as_deref().unwrap_or("value"))
        });
        let value = primary.or_else(|| values(resource, path).into_iter().next());
        let text = value.map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        Self(text.map(|text| if path.is_case_exact { text } else { fold(&text) }))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => one.cmp(other),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use domesday_model::ScimConnection;
    use serde_json::json;

    use super::super::Schemas;
    use super::*;

    #[test]
    fn keys_ignore_case_and_prefer_the_primary_value() {
        let schemas = Schemas::new(&ScimConnection::default());
        let key = |path: &str, resource: Value| {
            let path = AttributePath::parse(path, &schemas.user).unwrap();
            SortKey::new(&path, resource.as_object().unwrap())
        };
        assert!(key("userName", json!({ "userName": "a" })) < key("userName", json!({ "userName": "B" })));
        assert!(key("title", json!({ "title": "z" })) < key("title", json!({})));
        let emails = json!({ "emails": [{ "value": "z" }, { "value": "a", "primary": true }] });
        assert!(key("emails", emails.clone()) < key("emails", json!({ "emails": [{ "value": "b" }] })));
        assert_eq!(key("emails.value", emails), key("emails", json!({ "emails": [{ "value": "A" }] })));
    }
}
