//! Objects of the catalog as the API shows them, alone and in pages.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_engine::CatalogWarning;
use domesday_model::layers::PartOrigins;
use domesday_store::{LayerView, ObjectPage, StoredObject};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::etag::quote;
use crate::openapi::reference;
use crate::paging::cursor;
use crate::response::json as to_response;

use super::warnings::warnings_schema;

/// The kinds that are shown this way, by their names in the document of the API.
const OBJECT_SCHEMAS: [&str; 11] = [
    "Tag",
    "Group",
    "User",
    "Domain",
    "DataSource",
    "Policy",
    "DataPolicy",
    "Agreement",
    "RequestForm",
    "DataProduct",
    "Request",
];

/// One object with its id, history and entity tag.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ObjectView {
    id: i64,
    name: String,
    origin: String,
    created_at: String,
    updated_at: String,
    pub(super) etag: String,
    document: Box<RawValue>,
    /// Since when no connection lists it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    absent_since: Option<String>,
    /// What each origin says of it, the highest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    layers: Option<Vec<Value>>,
    /// Which origins give each of its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    origins: Option<PartOrigins>,
    /// What is valid in the policy just written and most likely not meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<CatalogWarning>>,
}

impl ObjectView {
    /// Adds what each origin says of the object.
    pub(super) fn with_layers(self, layers: Vec<LayerView>, origins: PartOrigins) -> Self {
        let layers = layers.into_iter().map(|layer| {
            let mut view =
                json!({ "origin": layer.origin, "label": layer.label, "document": layer.document });
            if let Some(at) = layer.absent_since {
                view["absentSince"] = at.to_string().into();
            }
            view
        });
        Self { layers: Some(layers.collect()), origins: Some(origins), ..self }
    }

    /// Adds the warnings about the policy that was written.
    pub(super) fn with_warnings(self, warnings: Option<Vec<CatalogWarning>>) -> Self {
        Self { warnings, ..self }
    }
}

impl From<StoredObject> for ObjectView {
    fn from(object: StoredObject) -> Self {
        Self {
            id: object.id,
            name: object.name,
            origin: object.origin,
            created_at: object.created_at.to_string(),
            updated_at: object.updated_at.to_string(),
            etag: object.etag,
            document: RawValue::from_string(object.text).expect("the store has JSON"),
            absent_since: object.absent_since.map(|at| at.to_string()),
            layers: None,
            origins: None,
            warnings: None,
        }
    }
}

/// Returns the schemas of what the routes answer, by name.
pub(crate) fn object_schemas() -> serde_json::Map<String, Value> {
    let each = OBJECT_SCHEMAS.iter().flat_map(|name| {
        [(format!("{name}Object"), object_schema(name)), (format!("{name}Page"), list_schema(name))]
    });
    each.collect()
}

fn object_schema(name: &str) -> Value {
    let instant = json!({ "type": "string", "format": "date-time" });
    let mut schema = json!({
        "type": "object",
        "required": ["id", "name", "origin", "createdAt", "updatedAt", "etag", "document"],
        "properties": {
            "id": { "type": "integer", "description": "The id it keeps." },
            "name": { "type": "string" },
            "origin": { "type": "string", "description": "`api`, the file it was applied from, or the connection that lists it." },
            "createdAt": instant,
            "updatedAt": instant,
            "etag": { "type": "string", "description": "For If-Match, to be put in quotes." },
            "document": reference(name)
        }
    });
    if matches!(name, "User" | "Group" | "DataSource") {
        schema["properties"]["absentSince"] = json!({
            "type": "string", "format": "date-time", "description": "Since when no connection lists it any more."
        });
        schema["properties"]["layers"] = json!({
            "type": "array",
            "description": "What each origin says of it, the highest first; of a single object.",
            "items": {
                "type": "object",
                "required": ["origin", "document"],
                "properties": {
                    "origin": { "type": "string", "description": "`files`, `api`, or the name of a connection." },
                    "label": { "type": "string", "description": "The file, or where an edit came from." },
                    "document": { "type": "object" },
                    "absentSince": { "type": "string", "format": "date-time" }
                }
            }
        });
        schema["properties"]["origins"] = json!({
            "type": "object",
            "description": "The origins that give each part: by field, and by element of a set as `field/element`.",
            "additionalProperties": { "type": "array", "items": { "type": "string" } }
        });
    }
    if matches!(name, "Policy" | "DataPolicy") {
        schema["properties"]["warnings"] = warnings_schema();
    }
    if name == "Request" {
        schema["properties"]["notices"] = json!({
            "type": "array",
            "description": "Why an approval would not suffice to give access, or does not.",
            "items": {
                "type": "object",
                "required": ["message"],
                "properties": {
                    "message": { "type": "string" },
                    "dataSource": { "type": "string" },
                    "guardrails": {
                        "type": "array",
                        "description": "The guardrails that block the user.",
                        "items": { "type": "string" }
                    }
                }
            }
        });
    }
    schema
}

fn list_schema(name: &str) -> Value {
    json!({
        "type": "object",
        "required": ["total", "items"],
        "properties": {
            "total": { "type": "integer", "minimum": 0 },
            "items": { "type": "array", "items": reference(&format!("{name}Object")) },
            "nextCursor": { "type": "string" }
        }
    })
}

/// A page with the cursor of the next, if there is one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PageView {
    total: u64,
    items: Vec<ObjectView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Returns the response with a page.
pub(super) fn page_response(page: ObjectPage) -> Response {
    let last = page.objects.last().filter(|_| !page.is_last);
    let next_cursor = last.map(|last| cursor(&last.name));
    let items = page.objects.into_iter().map(ObjectView::from).collect();
    to_response(PageView { total: page.total, items, next_cursor })
}

/// Returns the response with the view of an object.
pub(super) fn view_response(status: StatusCode, view: ObjectView) -> Response {
    let tag = quote(&view.etag);
    (status, [(header::ETAG, tag)], to_response(view)).into_response()
}

/// The characters that are not encoded anywhere in a URL (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Returns a name as a segment of a path.
pub(super) fn percent_encoded(name: &str) -> String {
    utf8_percent_encode(name, UNRESERVED).to_string()
}
