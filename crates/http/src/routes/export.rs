//! The export configuration of the access summary: saved only when the destination takes what a run would put.

use axum::RequestExt;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_model::Permission;
use domesday_service::caller::Permit;
use domesday_service::exports::{ExportPatch, ExportRequest, MERGE_PATCH, SavedExport};
use serde_json::{Value, json};

use crate::body;
use crate::etag::{precondition, quote};
use crate::extract::{Authenticated, JsonText, PatchText, expect_json, parse};
use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema, schema_of};
use crate::state::{App, AppState};

use super::export_view::ExportView;

const PATH: &str = "/api/v1/access-summary/export";
const GOVERNANCE: Permit = Permit::AnyOf(&[Permission::Governance]);
const READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

pub(super) fn routes() -> Vec<Route> {
    let routes = vec![
        Route::new(Method::GET, PATH, READERS, "getExport", show)
            .about("The export configuration, without its secret.")
            .answers::<ExportView>(200, "The configuration.")
            .fails(&[404]),
        Route::new(Method::PUT, PATH, GOVERNANCE, "putExport", put)
            .about(
                "Verifies and saves the export configuration. The destination is tried as a run would use it: \
                 credentials, a listing under the path, a put. When a check fails the answer is 422 with the \
                 named checks, and nothing is saved. Without `secretAccessKey` the stored one is kept, as long as \
                 `accessKeyId` and `endpoint` stay the same. When only `schedule` or `layout` differ from what is \
                 stored, the destination is not tried. A run under way goes on with the configuration that its \
                 attempt began with.",
            )
            .conditional()
            .body::<ExportRequest>()
            .answers::<ExportView>(200, "Verified and saved.")
            .answers::<ExportView>(201, "Verified and saved for the first time.")
            .fails(&[400, 404, 409, 412, 413, 415, 422, 503]),
        Route::new(Method::PATCH, PATH, GOVERNANCE, "patchExport", patch)
            .about(
                "Changes some fields of the export configuration, as a JSON merge patch (RFC 7386): null removes a \
                 field. The secret is kept as long as `accessKeyId` and `endpoint` stay the same. The destination is \
                 verified as by PUT when anything but `schedule` and `layout` changes.",
            )
            .conditional()
            .body_of(MERGE_PATCH, schema_of::<ExportPatch>())
            .answers::<ExportView>(200, "Verified and saved.")
            .fails(&[400, 404, 409, 412, 413, 415, 422, 503]),
        Route::new(Method::DELETE, PATH, GOVERNANCE, "deleteExport", delete)
            .about(
                "Deletes the configuration and its secret, and cancels the run that is queued or under way. What was \
                 delivered stays in the bucket. A run under way begins no further put once it notices, which takes \
                 seconds at most, and ends as cancelled.",
            )
            .conditional()
            .answers_nothing(204, "Forgotten.")
            .fails(&[400, 404, 412]),
        Route::new(Method::POST, format!("{PATH}/verify"), GOVERNANCE, "verifyExport", verify)
            .about(
                "Tries a destination and saves nothing: the configuration in the body, or without a body the \
                 saved one. The answer is 200 whether the checks pass or not: `ok` tells.",
            )
            .body::<ExportRequest>()
            .body_optional()
            .answers_as(200, "The checks.", "application/json", Some(schema(verification_schema())))
            .fails(&[400, 404, 413, 415, 422, 503]),
    ];
    routes.into_iter().map(|route| route.tag("access summary")).collect()
}

fn verification_schema() -> Value {
    json!({
        "type": "object",
        "required": ["destination", "ok", "checks"],
        "properties": {
            "destination": { "type": "string" },
            "ok": { "type": "boolean" },
            "checks": { "type": "array", "items": {
                "type": "object",
                "required": ["name", "status", "message"],
                "properties": {
                    "name": { "type": "string" },
                    "status": { "enum": ["passed", "failed", "skipped"] },
                    "message": { "type": "string" },
                    "fix": { "type": "string", "description": "What to do about it." },
                    "kind": { "type": "string" },
                    "code": { "type": "string", "description": "The service's own code." },
                    "serviceMessage": { "type": "string" },
                    "requestId": { "type": "string" }
                }
            } }
        }
    })
}

fn respond(app: &AppState, saved: &SavedExport) -> Result<Response, Problem> {
    let status = if saved.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let view = ExportView::new(saved, app.service.now());
    Ok((status, [(header::ETAG, quote(&saved.export.etag))], to_response(view)).into_response())
}

async fn show(State(app): State<App>) -> Result<Response, Problem> {
    respond(&app, &app.service.exports.get().await?)
}

async fn put(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let request = parse::<ExportRequest>(&text)?;
    respond(&app, &app.service.exports.put(caller, &precondition, request).await?)
}

async fn patch(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    PatchText(text): PatchText,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let patch = parse::<ExportPatch>(&text)?;
    respond(&app, &app.service.exports.patch(caller, &precondition, patch).await?)
}

async fn delete(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    app.service.exports.delete(caller, precondition(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn verify(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.with_limited_body().into_parts();
    let text = body::read(body).await?;
    let request = if text.is_empty() {
        None
    } else {
        expect_json(&parts.headers)?;
        Some(parse::<ExportRequest>(&text)?)
    };
    Ok(to_response(app.service.exports.verify(request).await?))
}
