//! What a draft policy would change, before anybody saves it.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_model::{Kind, Permission};
use domesday_service::caller::Permit;
use domesday_service::preview::{self, Draft};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::extract::{Authenticated, JsonText, Query};
use crate::openapi::reference;
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema};
use crate::state::App;

use super::objects::read_document;
use super::warnings::warnings_schema;

pub(super) fn routes() -> Vec<Route> {
    let answer = || {
        schema(json!({
            "type": "object",
            "required": ["counts", "gained", "access", "columns", "listedInFull"],
            "properties": {
                "counts": {
                    "type": "object",
                    "description": "Changes by effect: of access `added`, `unblocked`, `removed`, `blocked`, `idle`; of columns `columnsClear`, `columnsMasked`. Effects that do not occur are left out.",
                    "additionalProperties": { "type": "integer" }
                },
                "gained": { "type": "integer", "description": "How many outcomes give access that there was not before." },
                "access": { "type": "array", "items": { "type": "object" } },
                "columns": { "type": "array", "items": { "type": "object" } },
                "listedInFull": {
                    "type": "boolean",
                    "description": "Whether the lists contain every change; the counts always do."
                },
                "warnings": warnings_schema()
            }
        }))
    };
    let governance = Permit::AnyOf(&[Permission::Governance]);
    let route = |path: &str, id: &str, kind: Kind, name: &str| {
        Route::new(Method::POST, path, governance, id, move |app, caller, query, text| {
            preview(kind, app, caller, query, text)
        })
        .tag("catalog")
        .about(
            "What the draft of a policy would change, compared with now: a policy of that name is replaced, \
             another is new. With `remove`, what removing the policy of that name would change. Nothing is saved.",
        )
        .query::<PreviewQuery>()
        .body_of("application/json", schema(reference(name)))
        .answers_as(200, "What would change.", "application/json", Some(answer()))
        .fails(&[400, 404, 413, 415, 422])
    };
    vec![
        route("/api/v1/policy-preview", "previewPolicy", Kind::Policy, "Policy"),
        route("/api/v1/data-policy-preview", "previewDataPolicy", Kind::DataPolicy, "DataPolicy"),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
struct PreviewQuery {
    /// Preview the removal instead.
    #[serde(default)]
    remove: bool,
}

async fn preview(
    kind: Kind,
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Query(query): Query<PreviewQuery>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let document = read_document(kind, &text)?;
    let evaluation = app.service.evaluations.current(caller.revision).await?;
    let draft = Draft { kind, document, remove: query.remove };
    Ok(to_response(preview::preview(&app.service.previews, evaluation, draft).await?))
}
