//! What a client discovers about this server (RFC 7644, section 4).

use serde_json::{Value, json};

use super::schema::{ResourceSchema, Schemas, discovery_schemas};

/// The most resources in one answer.
pub const MAX_PAGE: usize = 1000;

/// Returns what this server supports (RFC 7643, section 5).
#[must_use]
pub fn service_provider_config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": MAX_PAGE },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of the connection in the Authorization header, as `Bearer <token>`",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig")
        }
    })
}

/// Returns the resource types (RFC 7643, section 6).
#[must_use]
pub fn resource_types(schemas: &Schemas, base: &str) -> Vec<Value> {
    [&schemas.user, &schemas.group].map(|schema| resource_type_document(schema, base)).into()
}

/// Returns the resource type of a name.
#[must_use]
pub fn resource_type(schemas: &Schemas, base: &str, name: &str) -> Option<Value> {
    resource_types(schemas, base).into_iter().find(|document| document["id"] == name)
}

fn resource_type_document(schema: &ResourceSchema, base: &str) -> Value {
    let name = schema.kind.as_str();
    let extensions =
        schema.extensions.iter().map(|extension| json!({ "schema": extension.id, "required": false }));
    let mut document = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name,
        "name": name,
        "description": schema.core.description,
        "endpoint": format!("/{}", schema.kind.endpoint()),
        "schema": schema.core.id,
        "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}") }
    });
    let extensions: Vec<_> = extensions.collect();
    if !extensions.is_empty() {
        document["schemaExtensions"] = extensions.into();
    }
    document
}

/// Returns every schema, or the one of an id in any case of letters.
#[must_use]
pub fn schema_document(schemas: &Schemas, base: &str, id: Option<&str>) -> Vec<Value> {
    let discovered = discovery_schemas();
    let all = schemas.all().chain(&discovered);
    let wanted = all.filter(|schema| id.is_none_or(|id| schema.id.eq_ignore_ascii_case(id)));
    let documents = wanted.map(|schema| {
        let mut document = schema.document();
        let location = format!("{base}/Schemas/{}", schema.id);
        document["meta"] = json!({ "resourceType": "Schema", "location": location });
        document
    });
    documents.collect()
}
