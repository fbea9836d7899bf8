//! Which attributes an answer contains (RFC 7644, section 3.9).

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::ScimError;
use super::path::{Target, resolve};
use super::resource::Document;
use super::schema::ResourceSchema;

/// The attributes that every answer contains.
const ALWAYS: [&str; 2] = ["schemas", "id"];

/// Sub-attributes by attribute; none stands for the whole attribute.
type Names = BTreeMap<String, Option<Vec<String>>>;

/// The attributes of an answer.
#[derive(Debug, Clone, Default)]
pub struct Projection {
    /// Only these, by extension (empty: the kind itself), and whether these are wanted or left out.
    names: BTreeMap<String, Names>,
    /// Extensions as a whole.
    extensions: Vec<String>,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Mode {
    /// All that answers contain by default.
    #[default]
    Default,
    Only,
    Except,
}

impl Projection {
    /// Reads `attributes` and `excludedAttributes`. Unknown attributes are ignored.
    ///
    /// # Errors
    /// `invalidValue` when both are given.
    pub fn parse(
        schema: &ResourceSchema,
        attributes: &[String],
        excluded: &[String],
    ) -> Result<Self, ScimError> {
        let (mode, list) = match (attributes, excluded) {
            ([], []) => return Ok(Self::default()),
            (list, []) => (Mode::Only, list),
            ([], list) => (Mode::Except, list),
            _ => {
                return Err(ScimError::value(
                    "`attributes` and `excludedAttributes` exclude each other; send one of them",
                ));
            }
        };
        let mut projection = Self { mode, ..Self::default() };
        for text in list {
            match resolve(text, schema) {
                Target::Extension(id) => projection.extensions.push(id),
                Target::Attribute(path) => {
                    let names = projection.names.entry(path.extension.unwrap_or_default()).or_default();
                    match (names.entry(path.attribute).or_insert_with(|| Some(Vec::new())), path.sub) {
                        (Some(subs), Some(sub)) => subs.push(sub),
                        (whole, None) => *whole = None,
                        (None, Some(_)) => {}
                    }
                }
                Target::Unknown => {}
            }
        }
        Ok(projection)
    }

    /// Whether answers contain an attribute of the kind itself, or a part of it.
    #[must_use]
    pub fn includes(&self, attribute: &str) -> bool {
        let named = self.names.get("").and_then(|names| names.get(attribute));
        match self.mode {
            Mode::Default => true,
            Mode::Only => named.is_some(),
            Mode::Except => !matches!(named, Some(None)),
        }
    }

    /// Whether attributes were asked for by name.
    #[must_use]
    pub fn is_selective(&self) -> bool {
        self.mode == Mode::Only
    }

    /// Removes from a resource what the answer does not contain.
    pub fn apply(&self, resource: &mut Document) {
        if self.mode == Mode::Default {
            return;
        }
        let is_extension = |key: &str| key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
        resource.retain(|key, value| match value {
            _ if ALWAYS.contains(&key.as_str()) => true,
            Value::Object(values) if is_extension(key) => {
                if self.extensions.contains(key) {
                    return self.mode == Mode::Only;
                }
                let names = self.names.get(key);
                values.retain(|name, value| self.retain(names, name, value));
                !values.is_empty()
            }
            value => self.retain(self.names.get(""), key, value),
        });
    }

    /// Whether an attribute stays, and removes the sub-attributes that do not.
    fn retain(&self, names: Option<&Names>, name: &str, value: &mut Value) -> bool {
        let is_only = self.mode == Mode::Only;
        match names.and_then(|names| names.get(name)) {
            None => !is_only,
            Some(None) => is_only,
            Some(Some(subs)) => {
                let elements = match value {
                    Value::Array(elements) => elements.as_mut_slice(),
                    value => std::slice::from_mut(value),
                };
                for element in elements.iter_mut().filter_map(Value::as_object_mut) {
                    element.retain(|sub, _| subs.contains(sub) == is_only);
                }
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domesday_model::ScimConnection;
    use serde_json::json;

    use super::super::{ENTERPRISE_SCHEMA, Schemas};
    use super::*;

    #[test]
    fn answers_contain_what_was_asked_for() {
        let schemas = Schemas::new(&ScimConnection::default());
        let project = |attributes: &[&str], excluded: &[&str]| {
            let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let projection = Projection::parse(&schemas.user, &list(attributes), &list(excluded)).unwrap();
            let Value::Object(mut resource) = json!({
                "schemas": [], "id": "1", "userName": "a", "name": { "familyName": "b", "givenName": "c" },
                "emails": [{ "value": "d", "type": "work" }],
                ENTERPRISE_SCHEMA: { "department": "e", "division": "f" }
            }) else {
                unreachable!()
            };
            projection.apply(&mut resource);
            Value::Object(resource)
        };
        assert_eq!(
            project(&["USERNAME", "unknown"], &[]),
            json!({ "schemas": [], "id": "1", "userName": "a" })
        );
        assert_eq!(
            project(&["name.givenName", "emails.value"], &[]),
            json!({ "schemas": [], "id": "1", "name": { "givenName": "c" }, "emails": [{ "value": "d" }] })
        );
        let department = format!("{ENTERPRISE_SCHEMA}:department");
        assert_eq!(
            project(&[&department], &[]),
            json!({ "schemas": [], "id": "1", ENTERPRISE_SCHEMA: { "department": "e" } })
        );
        assert_eq!(
            project(&[], &["id", "emails", "name.givenName", ENTERPRISE_SCHEMA]),
            json!({ "schemas": [], "id": "1", "userName": "a", "name": { "familyName": "b" } })
        );
        assert!(Projection::parse(&schemas.user, &["a".into()], &["b".into()]).is_err());
    }
}
