//! Warnings about the catalog as it is: what an export would warn of.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_model::Permission;
use serde_json::json;

use crate::caller::Caller;
use crate::notices;
use crate::problem::Problem;
use crate::route::{Permit, Route, json, schema};
use crate::service::App;

pub(super) fn routes() -> Vec<Route> {
    let answer = json!({
        "type": "object",
        "required": ["total", "items"],
        "properties": {
            "total": { "type": "integer", "minimum": 0, "description": "How many there are, listed or not." },
            "items": notices::schema()
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

async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let notices = app.evaluated(caller.revision).await?.notices().await?;
    Ok(json(json!({ "total": notices.list.len() + notices.omitted, "items": notices.list })))
}
