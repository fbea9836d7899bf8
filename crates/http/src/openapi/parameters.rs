//! Query parameters, declared once: as the fields of a type, from which both their reader and this documentation derive.

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

/// One query parameter.
#[derive(Debug, Clone)]
pub(crate) struct QueryParameter {
    pub(crate) name: String,
    is_required: bool,
    /// The documentation of the field.
    about: String,
    schema: Value,
}

impl QueryParameter {
    /// Returns the parameter as the document has it.
    pub(super) fn into_value(self) -> Value {
        json!({
            "name": self.name,
            "in": "query",
            "required": self.is_required,
            "description": self.about,
            "schema": self.schema,
        })
    }
}

/// Returns the query parameters that the fields of a type are, in their order.
pub(crate) fn query_parameters<T: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<QueryParameter> {
    let schema = T::json_schema(generator).to_value();
    let required: Vec<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields
        .map(|(name, field)| QueryParameter {
            name: name.clone(),
            is_required: required.contains(&name.as_str()),
            about: field["description"].as_str().unwrap_or_default().to_owned(),
            schema: value_schema(field.clone()),
        })
        .collect()
}

/// Returns the schema of a parameter's value. A parameter is absent rather than null, and has a value when it is given
/// ([`crate::query`]); its default is documented in words.
fn value_schema(mut field: Value) -> Value {
    if let Some(alternatives) = field["anyOf"].as_array() {
        let is_null = |schema: &&Value| schema["type"] == "null";
        if let Some(schema) = alternatives.iter().find(|schema| !is_null(schema)) {
            return schema.clone();
        }
    }
    if let Some(types) = field["type"].as_array() {
        let named = types.iter().find(|name| *name != "null").cloned();
        field["type"] = named.unwrap_or_default();
    }
    if let Some(schema) = field.as_object_mut() {
        schema.remove("description");
        if schema.get("format").is_some_and(|format| format == "uint") {
            schema.remove("format");
        }
        if schema.get("default").is_some_and(|default| !default.is_number()) {
            schema.remove("default");
        }
        if schema.get("type").is_some_and(|name| name == "string") {
            schema.insert("minLength".to_owned(), 1.into());
        }
    }
    field
}
