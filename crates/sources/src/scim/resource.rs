//! Resources as clients send them, in the form in which they are stored.
//!
//! Identity providers write booleans as texts (Microsoft Entra), numbers where texts belong, and one value where the
//! standard has a list: the schema tells what was meant. Unknown schemas and attributes are ignored, and so are
//! read-only attributes (RFC 7644, sections 3.3 and 3.5.1). Passwords are dropped.

use domesday_model::limits::check_name;
use domesday_model::{Excerpt, Instant, reserved_name};
use serde_json::{Map, Value, json};

use super::error::ScimError;
use super::path::{Target, resolve};
use super::schema::{Attribute, DataType, Mutability, ResourceKind, ResourceSchema};

/// A resource: attributes by the names that the schemas spell, those of extensions in an object by the schema's id. As it
/// is stored, without `schemas`, `id` and `meta`.
pub type Document = Map<String, Value>;

/// The longest external id, in characters: every one fits an index entry of every database.
const MAX_EXTERNAL_ID: usize = 500;

/// Returns a text in the form in which texts are compared where the case of letters does not count.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Brings a resource that a client sent into the form in which it is stored.
///
/// # Errors
/// `invalidSyntax` when it is no object; `invalidValue` when a value is not one that its attribute takes, or the name is
/// missing.
pub fn normalize(schema: &ResourceSchema, body: Value) -> Result<Document, ScimError> {
    let Value::Object(body) = body else {
        return Err(ScimError::syntax("the body must be a JSON object: the resource"));
    };
    let mut document = Document::new();
    for (key, value) in body {
        match resolve(&key, schema) {
            Target::Attribute(path) if path.sub.is_none() => {
                let Some(attribute) = path.definition(schema) else { continue };
                if let Some(value) = writable_value(attribute, value)? {
                    place(&mut document, path.extension.as_deref(), &attribute.name, value);
                }
            }
            Target::Extension(id) => {
                if let Some(values) = normalize_extension(schema, &id, value)? {
                    document.insert(id, Value::Object(values));
                }
            }
            Target::Attribute(_) | Target::Unknown => {}
        }
    }
    check(schema, &document)?;
    Ok(document)
}

/// Puts the value of an attribute in its place.
pub(super) fn place(document: &mut Document, extension: Option<&str>, name: &str, value: Value) {
    match extension {
        None => drop(document.insert(name.to_owned(), value)),
        Some(id) => {
            let values = document.entry(id).or_insert_with(|| json!({}));
            if let Value::Object(values) = values {
                values.insert(name.to_owned(), value);
            }
        }
    }
}

/// Returns the attributes of an extension that a client may write.
pub(super) fn normalize_extension(
    schema: &ResourceSchema,
    id: &str,
    value: Value,
) -> Result<Option<Map<String, Value>>, ScimError> {
    let Some(extension) = schema.extension(id) else { return Ok(None) };
    let Value::Object(sent) = value else {
        return if value.is_null() {
            Ok(None)
        } else {
            Err(ScimError::value(format!("`{id}` must be an object with the attributes of this schema")))
        };
    };
    let mut values = Map::new();
    for (key, value) in sent {
        if let Some(attribute) = extension.attribute(&key)
            && let Some(value) = writable_value(attribute, value)?
        {
            values.insert(attribute.name.clone(), value);
        }
    }
    Ok(Some(values).filter(|values| !values.is_empty()))
}

/// Checks what every stored resource satisfies.
pub(super) fn check(schema: &ResourceSchema, document: &Document) -> Result<(), ScimError> {
    let name = schema.kind.name_attribute();
    let Some(value) = document.get(name).and_then(Value::as_str) else {
        return Err(ScimError::value(format!("`{name}` is missing; every {} has one", schema.kind)));
    };
    check_name(value).map_err(|error| ScimError::value(format!("`{name}`: {error}")))?;
    if let Some(reserved) = reserved_name(value) {
        let detail = format!("`{name}`: the name `{reserved}` is reserved; choose another one");
        return Err(ScimError::value(detail));
    }
    let external_id = document.get("externalId").and_then(Value::as_str).unwrap_or_default();
    if external_id.chars().count() > MAX_EXTERNAL_ID {
        let detail = format!("`externalId` is longer than {MAX_EXTERNAL_ID} characters");
        return Err(ScimError::value(detail));
    }
    Ok(())
}

/// Returns the value of an attribute as it is stored; none when there is none, or the client does not write it.
pub(super) fn writable_value(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    match attribute.mutability {
        Mutability::ReadOnly | Mutability::WriteOnly => Ok(None),
        Mutability::ReadWrite | Mutability::Immutable => normalize_value(attribute, value),
    }
}

/// Returns a value of an attribute as it is stored; none for no value.
pub(super) fn normalize_value(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    if value.is_null() {
        return Ok(None);
    }
    if attribute.is_open {
        return Ok(Some(value));
    }
    if !attribute.is_multi_valued {
        // Some clients send the one value of an attribute in a list.
        return match value {
            Value::Array(mut elements) if elements.len() <= 1 => match elements.pop() {
                None => Ok(None),
                Some(element) => single(attribute, element),
            },
            value => single(attribute, value),
        };
    }
    let sent = match value {
        Value::Array(elements) => elements,
        other => vec![other],
    };
    let mut elements: Vec<Value> = Vec::with_capacity(sent.len());
    for element in sent {
        if let Some(element) = single(attribute, element)? {
            elements.push(element);
        }
    }
    keep_one_primary(&mut elements, 0);
    Ok(Some(Value::Array(elements)).filter(|value| value.as_array().is_some_and(|all| !all.is_empty())))
}

/// Leaves at most one element primary (RFC 7643, section 2.4): the first one from `start` on, else the first one.
pub(super) fn keep_one_primary(elements: &mut [Value], start: usize) {
    let is_primary = |element: &Value| element.get("primary") == Some(&Value::Bool(true));
    let later = elements.iter().skip(start).position(is_primary).map(|position| start + position);
    let Some(chosen) = later.or_else(|| elements.iter().position(is_primary)) else { return };
    for (position, element) in elements.iter_mut().enumerate() {
        if position != chosen && is_primary(element) {
            element["primary"] = Value::Bool(false);
        }
    }
}

fn single(attribute: &Attribute, value: Value) -> Result<Option<Value>, ScimError> {
    let refuse =
        |expected: &str| Err(ScimError::value(format!("`{}` must be {expected}", Excerpt(&attribute.name))));
    match (attribute.data_type, value) {
        (_, Value::Null) => Ok(None),
        (DataType::Complex, Value::Object(sent)) => {
            let mut values = Map::new();
            for (key, value) in sent {
                if let Some(sub) = attribute.sub_attribute(&key)
                    && sub.mutability != Mutability::ReadOnly
                    && let Some(value) = normalize_value(sub, value)?
                {
                    values.insert(sub.name.clone(), value);
                }
            }
            Ok(Some(Value::Object(values)).filter(|value| value != &json!({})))
        }
        // A plain value stands for an object with this `value`: Microsoft Entra sends managers so.
        (DataType::Complex, value @ (Value::String(_) | Value::Number(_))) => {
            match attribute.sub_attribute("value") {
                Some(sub) if value != json!("") => {
                    Ok(normalize_value(sub, value)?.map(|value| json!({ "value": value })))
                }
                Some(_) => Ok(None),
                None => refuse("an object"),
            }
        }
        (DataType::Complex, _) => refuse("an object"),
        (DataType::Boolean, Value::Bool(value)) => Ok(Some(Value::Bool(value))),
        (DataType::Boolean, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Some(Value::Bool(true))),
            "false" => Ok(Some(Value::Bool(false))),
            "" => Ok(None),
            _ => refuse("`true` or `false`"),
        },
        (DataType::Boolean, _) => refuse("`true` or `false`"),
        (DataType::Integer, value @ Value::Number(_)) => Ok(Some(value)),
        (DataType::Integer, _) => refuse("a number"),
        (_, value @ Value::String(_)) => Ok(Some(value)),
        (_, value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(Value::String(value.to_string()))),
        (_, Value::Array(_) | Value::Object(_)) => refuse("a text"),
    }
}

/// What the service knows of a resource beside its document.
#[derive(Debug, Clone)]
pub struct ResourceFacts<'f> {
    /// The id.
    pub id: &'f str,
    /// When it was created.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// Its entity tag, as the header has it.
    pub version: &'f str,
    /// Its address.
    pub location: &'f str,
}

/// Returns a resource as answers contain it (RFC 7643, section 3).
#[must_use]
pub fn represent(schema: &ResourceSchema, document: Document, facts: &ResourceFacts<'_>) -> Document {
    let extensions = schema.extensions.iter().map(|extension| &extension.id);
    let ids: Vec<_> =
        [&schema.core.id].into_iter().chain(extensions.filter(|id| document.contains_key(*id))).collect();
    let mut resource = Document::new();
    resource.insert("schemas".to_owned(), json!(ids));
    resource.insert("id".to_owned(), json!(facts.id));
    resource.extend(document);
    let meta = json!({
        "resourceType": schema.kind.as_str(),
        "created": facts.created_at,
        "lastModified": facts.updated_at,
        "location": facts.location,
        "version": facts.version,
    });
    resource.insert("meta".to_owned(), meta);
    resource
}

/// Returns the name of a stored resource.
#[must_use]
pub fn name(kind: ResourceKind, document: &Document) -> &str {
    document.get(kind.name_attribute()).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use domesday_model::ScimConnection;

    use super::super::{ENTERPRISE_SCHEMA, Schemas, ScimErrorKind, USER_SCHEMA};
    use super::*;

    fn user(body: Value) -> Result<Document, ScimError> {
        normalize(&Schemas::new(&ScimConnection::default()).user, body)
    }

    #[test]
    fn what_providers_send_gets_its_form_from_the_schema() {
        let document = user(json!({
            "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA, "urn:unknown"],
            "id": "chosen by the client", "meta": { "resourceType": "User" },
            "username": "ada", "Active": "False", "password": "secret", "nickName": null, "unknown": 1,
            "groups": [{ "value": "x" }],
            "emails": { "VALUE": "ada@acme.example", "primary": "True", "other": 1 },
            "urn:unknown": { "a": 1 },
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:user": {
                "employeeNumber": 7, "manager": "26118915", "unknown": true
            }
        }));
        let expected = json!({
            "userName": "ada", "active": false,
            "emails": [{ "value": "ada@acme.example", "primary": true }],
            ENTERPRISE_SCHEMA: { "employeeNumber": "7", "manager": { "value": "26118915" } }
        });
        assert_eq!(Value::Object(document.unwrap()), expected);
    }

    #[test]
    fn mistakes_name_the_attribute() {
        for (body, kind, word) in [
            (json!([]), ScimErrorKind::InvalidSyntax, "object"),
            (json!({}), ScimErrorKind::InvalidValue, "`userName` is missing"),
            (json!({ "userName": "" }), ScimErrorKind::InvalidValue, "expected a name"),
            (json!({ "userName": "x".repeat(256) }), ScimErrorKind::InvalidValue, "256 characters"),
            (json!({ "userName": "Administrator" }), ScimErrorKind::InvalidValue, "reserved"),
            (json!({ "userName": ["a", "b"] }), ScimErrorKind::InvalidValue, "`userName` must be a text"),
            (json!({ "userName": "a", "active": "yes" }), ScimErrorKind::InvalidValue, "`active`"),
            (
                json!({ "userName": "a", "name": "b" }),
                ScimErrorKind::InvalidValue,
                "`name` must be an object",
            ),
            (json!({ "userName": "a", "externalId": "x".repeat(501) }), ScimErrorKind::InvalidValue, "500"),
            (json!({ "userName": "a", ENTERPRISE_SCHEMA: "x" }), ScimErrorKind::InvalidValue, "object"),
        ] {
            let error = user(body).unwrap_err();
            assert!(error.kind == kind && error.detail.contains(word), "{}", error.detail);
        }
    }

    #[test]
    fn one_value_is_primary() {
        let document = user(json!({
            "userName": "a", "emails": [{ "value": "1" }, { "value": "2", "primary": true }, { "value": "3", "primary": true }]
        }));
        let emails = &document.unwrap()["emails"];
        assert_eq!((&emails[1]["primary"], &emails[2]["primary"]), (&json!(true), &json!(false)));
    }
}
