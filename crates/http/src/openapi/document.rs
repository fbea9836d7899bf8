//! The OpenAPI document (3.1), made from the table of routes and the schemas of what they take and give.

use std::collections::BTreeMap;

use domesday_service::caller::Permit;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::catalog;
use super::parameters::QueryParameter;
use crate::problem::{MEDIA_TYPE, ProblemDocument};
use crate::route::Route;

/// Returns the document of these routes; `object_schemas` are those of what the routes of the catalog answer, by name.
pub(crate) fn document(routes: &[Route], object_schemas: Map<String, Value>) -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<ProblemDocument>().to_value();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for route in routes {
        let item = paths.entry(&route.path).or_default();
        item.insert(route.method.as_str().to_lowercase(), operation(route, &mut generator));
    }
    let mut schemas = catalog::schemas();
    schemas.extend(object_schemas);
    schemas.extend(generator.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Domesday",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Who can reach which data, and by what right.",
            "description": "Errors are RFC 9457 problem details with a stable `type`. Instants are RFC 3339.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": failures(&problem),
            "securitySchemes": {
                "key": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "The API key by itself."
                },
                "bearer": { "type": "http", "scheme": "bearer", "description": "The API key as a bearer token." }
            }
        }
    })
}

/// Every status of failure, with what it means.
const FAILURES: [(u16, &str); 11] = [
    (400, "The request cannot be read."),
    (401, "No valid API key."),
    (403, "The API key may not do this."),
    (404, "There is no such thing."),
    (409, "It does not fit the present state."),
    (412, "The precondition does not hold."),
    (413, "The body is too large."),
    (415, "The body is not JSON by its media type."),
    (422, "It is well-formed and wrong."),
    (429, "Too many failed authentications."),
    (503, "The service cannot answer at present."),
];

fn failures(problem: &Value) -> Map<String, Value> {
    let responses = FAILURES.iter().map(|(status, about)| {
        let response = json!({ "description": about, "content": { MEDIA_TYPE: { "schema": problem } } });
        (format!("Problem{status}"), response)
    });
    responses.collect()
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = path_parameters(&route.path);
    parameters.extend(route.query_parameters(generator).into_iter().map(QueryParameter::into_value));
    parameters.extend(route.headers.iter().map(|header| {
        json!({
            "name": header.name,
            "in": "header",
            "required": false,
            "description": header.about,
            "schema": (header.schema)(generator),
        })
    }));
    let mut responses = Map::new();
    for answer in &route.answers {
        let mut response = json!({ "description": answer.about });
        if let Some(schema) = &answer.schema {
            response["content"] = json!({ answer.media_type: { "schema": schema(generator) } });
        }
        responses.insert(answer.status.to_string(), response);
    }
    let guarded = route.permit != Permit::Public;
    let every: &[u16] = if guarded { &[401, 403, 429, 503] } else { &[] };
    for status in route.failures.iter().chain(every) {
        let response = json!({ "$ref": format!("#/components/responses/Problem{status}") });
        responses.insert(status.to_string(), response);
    }
    let mut operation = json!({
        "operationId": route.id,
        "tags": [route.tag],
        "description": route.about,
        "responses": responses,
    });
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some((media_type, schema)) = &route.body {
        operation["requestBody"] = json!({ "required": route.body_required, "content": { *media_type: { "schema": schema(generator) } } });
    }
    if guarded {
        operation["security"] = json!([{ "key": [] }, { "bearer": [] }]);
        operation["x-permission"] = permission(route.permit);
    }
    operation
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    names
        .map(|name| {
            let schema = if name == "id" {
                json!({ "type": "string", "format": "uuid" })
            } else {
                json!({ "type": "string", "minLength": 1 })
            };
            json!({ "name": name, "in": "path", "required": true, "schema": schema })
        })
        .collect()
}

fn permission(permit: Permit) -> Value {
    let names = |list: &[domesday_model::Permission]| -> Vec<_> {
        list.iter().map(|permission| permission.as_str()).collect()
    };
    match permit {
        Permit::Public | Permit::AnyKey => json!({ "anyKey": true }),
        Permit::AnyOf(list) => json!({ "anyOf": names(list) }),
        Permit::AllOf(list) => json!({ "allOf": names(list) }),
    }
}
