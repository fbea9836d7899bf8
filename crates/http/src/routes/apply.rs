//! A whole catalog at once: the declarative files over HTTP, with the same plan and the same strictness.

use axum::extract::{DefaultBodyLimit, State};
use axum::http::Method;
use axum::response::Response;
use domesday_model::{Instant, Permission};
use domesday_service::apply::{self, max_catalog_bytes, planned_warnings, stored_warnings};
use domesday_service::caller::{Caller, Permit};
use domesday_store::Store;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::extract::{Authenticated, JsonText, Query, json_text, refusal};
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema};
use crate::state::App;

use super::warnings::warnings_schema;

pub(super) fn routes(max_body_bytes: usize) -> Vec<Route> {
    let catalog = json!({
        "type": "object",
        "description": "One document of the catalog format: any of its top-level keys.",
        "additionalProperties": false,
        "properties": {
            "tenant": { "type": ["object", "null"] },
            "tags": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Tag" } },
            "groups": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Group" } },
            "users": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/User" } },
            "domains": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Domain" } },
            "dataSources": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/DataSource" } },
            "policies": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Policy" } },
            "dataPolicies": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/DataPolicy" } },
            "agreements": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Agreement" } },
            "requestForms": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/RequestForm" } },
            "dataProducts": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/DataProduct" } },
            "requests": { "type": ["array", "null"], "items": { "$ref": "#/components/schemas/Request" } },
            "connections": { "type": ["array", "null"], "items": { "type": "object" } }
        }
    });
    let plan = json!({
        "type": "object",
        "required": ["applied", "plan"],
        "properties": {
            "applied": { "type": "boolean" },
            "plan": {
                "type": "object",
                "required": ["changes", "unchanged", "kept"],
                "properties": {
                    "changes": { "type": "array", "items": { "type": "object" } },
                    "unchanged": { "type": "integer" },
                    "kept": { "type": "integer" },
                    "overridden": {
                        "type": "array",
                        "description": "Declared values that do not count, since a connection or a person gave others.",
                        "items": { "type": "object" }
                    }
                }
            },
            "warnings": warnings_schema()
        }
    });
    let mut route = Route::new(
        Method::POST,
        "/api/v1/apply",
        Permit::AllOf(&[Permission::Governance, Permission::UserAdmin]),
        "applyCatalog",
        apply,
    )
    .tag("catalog")
    .about(
        "Applies a whole catalog in one transaction, as `domesday apply` does: objects are matched by kind and \
         name, what the document no longer contains stays unless `prune`, and `dryRun` stops at the plan. Each object \
         that changes is judged as on its own route.",
    )
    .query::<ApplyQuery>()
    .body_of("application/json", schema(catalog))
    .answers_as(200, "What changed, or would.", "application/json", Some(schema(plan)))
    .fails(&[400, 409, 413, 415, 422]);
    route.handler = route.handler.layer(DefaultBodyLimit::max(max_catalog_bytes(max_body_bytes)));
    vec![route]
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ApplyQuery {
    /// Change nothing, only plan.
    #[serde(default)]
    dry_run: bool,
    /// Delete what the document does not contain.
    #[serde(default)]
    prune: bool,
}

async fn apply(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Query(ApplyQuery { dry_run, prune }): Query<ApplyQuery>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let service = &app.service;
    let read = move || -> Result<_, Problem> {
        let text = json_text(&text)?;
        domesday_sources::parse_str("api.json", text)
            .map_err(|wrong| refusal(&wrong, "the catalog is not valid"))
    };
    let mut loaded = service.pool.compute(read).await?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let plan = apply::apply(store, caller, &mut loaded.catalog, prune, dry_run, now)?;
        Ok((plan, loaded.catalog))
    };
    let (plan, catalog) = service.write(caller, work).await?;
    let warnings = match dry_run {
        true => planned_warnings(&service.pool, catalog, &plan, service.now()).await?,
        false => stored_warnings(&service.pool, &service.clock).await?,
    };
    Ok(to_response(json!({ "applied": !dry_run, "plan": plan, "warnings": warnings.list })))
}
