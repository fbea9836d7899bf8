//! Warnings about the catalog as it is: what an export would warn of.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_model::Permission;
use domesday_service::caller::Permit;
use serde_json::{Value, json};

use crate::extract::Authenticated;
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema};
use crate::state::App;

pub(super) fn routes() -> Vec<Route> {
    let answer = json!({
        "type": "object",
        "required": ["total", "items"],
        "properties": {
            "total": { "type": "integer", "minimum": 0, "description": "How many there are, listed or not." },
            "items": warnings_schema()
        }
    });
    vec![
        Route::new(
            Method::GET,
            "/api/v1/warnings",
            Permit::AnyOf(&[Permission::Governance, Permission::Audit]),
            "listWarnings",
            list,
        )
        .tag("catalog")
        .about(
            "What is valid in the catalog and most likely not meant: the warnings of `domesday check` and of an \
             export. Of each kind a hundred are listed.",
        )
        .answers_as(200, "The warnings.", "application/json", Some(schema(answer))),
    ]
}

async fn list(State(app): State<App>, Authenticated(caller): Authenticated) -> Result<Response, Problem> {
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let warnings = evaluation.catalog_warnings().await?;
    let total = warnings.list.len() + warnings.omitted;
    Ok(to_response(json!({ "total": total, "items": warnings.list })))
}

/// Returns the schema of a list of warnings.
pub(super) fn warnings_schema() -> Value {
    json!({
        "type": "array",
        "description": "What is valid and most likely not meant, such as a policy that matches no data source.",
        "items": {
            "type": "object",
            "required": ["kind", "object", "message"],
            "properties": {
                "kind": { "enum": [
                    "level-conflict", "idle-level-choice", "no-data-source", "no-match", "no-exception", "no-column",
                    "admits-nobody", "blocks-everybody", "unknown-attribute", "unknown-value", "variable-in-name",
                    "long-name"
                ] },
                "object": {
                    "type": "object",
                    "required": ["kind", "name"],
                    "properties": {
                        "kind": { "type": "string", "description": "The key of its kind in the catalog format." },
                        "name": { "type": "string" }
                    }
                },
                "field": { "type": "string", "description": "The field inside the object." },
                "message": { "type": "string" },
                "hint": { "type": "string", "description": "What to do, or which name may have been meant." }
            }
        }
    })
}
