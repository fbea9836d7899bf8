//! Changes a document by an operation.

use std::mem;

use serde_json::{Value, json};

use super::super::error::{ScimError, ScimErrorKind};
use super::super::path::AttributePath;
use super::super::resource::{Document, check, normalize_extension, place, writable_value};
use super::super::schema::{Mutability, ResourceSchema};
use super::elements::{change_selected, change_sub, merge, required_value, sub_value, without};
use super::operation::{Action, Operation, Path};

impl Operation {
    /// Changes a document.
    ///
    /// # Errors
    /// When the value is not one that the attribute takes, the filter selects nothing, or the attribute is required.
    pub fn apply(self, schema: &ResourceSchema, document: &mut Document) -> Result<(), ScimError> {
        let Self { action, path, value } = self;
        match path {
            Path::Extension(id) => apply_to_extension(schema, document, action, &id, value)?,
            Path::Attribute(path) => apply_to_attribute(schema, document, action, &path, value)?,
            Path::Filtered { attribute, filter, sub } => {
                let Some(definition) = attribute.definition(schema) else { return Ok(()) };
                let elements = take(document, &attribute);
                let mut elements = match elements {
                    Some(Value::Array(elements)) => elements,
                    other => other.into_iter().collect(),
                };
                change_selected(definition, &mut elements, action, &filter, sub.as_deref(), value)?;
                put_back(document, &attribute, Value::Array(elements));
            }
        }
        check(schema, document)
    }
}

fn apply_to_extension(
    schema: &ResourceSchema,
    document: &mut Document,
    action: Action,
    id: &str,
    value: Option<Value>,
) -> Result<(), ScimError> {
    if action == Action::Remove {
        document.shift_remove(id);
        return Ok(());
    }
    let values = normalize_extension(schema, id, required_value(value)?)?;
    let stored = document.entry(id).or_insert_with(|| json!({}));
    if let (Value::Object(stored), Some(values)) = (stored, values) {
        stored.extend(values);
    }
    remove_if_empty(document, id);
    Ok(())
}

fn remove_if_empty(document: &mut Document, key: &str) {
    let is_empty = |value: &Value| *value == json!({}) || *value == json!([]);
    if document.get(key).is_some_and(is_empty) {
        document.shift_remove(key);
    }
}

/// Takes the value of an attribute out of the document.
fn take(document: &mut Document, path: &AttributePath) -> Option<Value> {
    match &path.extension {
        None => document.get_mut(&path.attribute).map(mem::take),
        Some(id) => document.get_mut(id)?.get_mut(&path.attribute).map(mem::take),
    }
}

/// Puts the value of an attribute in its place; removes the attribute when the value is empty.
fn put_back(document: &mut Document, path: &AttributePath, value: Value) {
    let is_empty = value.is_null() || value == json!({}) || value == json!([]);
    if !is_empty {
        place(document, path.extension.as_deref(), &path.attribute, value);
        return;
    }
    match &path.extension {
        None => drop(document.shift_remove(&path.attribute)),
        Some(id) => {
            if let Some(Value::Object(values)) = document.get_mut(id) {
                values.shift_remove(&path.attribute);
            }
            remove_if_empty(document, id);
        }
    }
}

fn apply_to_attribute(
    schema: &ResourceSchema,
    document: &mut Document,
    action: Action,
    path: &AttributePath,
    value: Option<Value>,
) -> Result<(), ScimError> {
    let Some(definition) = path.definition(schema) else { return Ok(()) };
    if definition.mutability == Mutability::WriteOnly {
        return Ok(());
    }
    if action == Action::Remove && definition.is_required && path.sub.is_none() {
        let detail = format!("`{}` is required and cannot be removed", definition.name);
        return Err(ScimError::new(ScimErrorKind::Mutability, detail));
    }
    let stored = take(document, path);
    let changed = match (&path.sub, action) {
        (None, Action::Remove) => match (stored, value) {
            // Only the values that the operation names.
            (Some(Value::Array(elements)), Some(value)) if definition.is_multi_valued => {
                Value::Array(without(definition, elements, value)?)
            }
            _ => Value::Null,
        },
        (None, Action::Add | Action::Replace) => {
            let value = writable_value(definition, required_value(value)?)?;
            merge(action, stored, value)
        }
        (Some(sub), action) => {
            let value = match action {
                Action::Remove => None,
                Action::Add | Action::Replace => sub_value(definition, sub, required_value(value)?)?,
            };
            change_sub(definition, stored, sub, value)
        }
    };
    put_back(document, path, changed);
    Ok(())
}
