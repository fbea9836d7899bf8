//! Health and metrics for operators: no key, and on a port of their own if wanted.

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use domesday_service::NotReady;
use domesday_service::caller::Permit;
use serde_json::json;

use crate::problem::Problem;
use crate::response::json as to_response;
use crate::route::{Route, schema};
use crate::state::App;

/// The media type of Prometheus's text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";
const METRICS: &str = "/metrics";

pub(crate) fn operations() -> Vec<Route> {
    let state = || {
        schema(json!({
            "type": "object", "required": ["status"], "properties": { "status": { "const": "ok" } }
        }))
    };
    let routes = vec![
        Route::new(Method::GET, LIVE, Permit::Public, "live", live)
            .about("Whether the process answers.")
            .answers_as(200, "It does.", "application/json", Some(state())),
        Route::new(Method::GET, READY, Permit::Public, "ready", ready)
            .about(
                "Whether the service can work: a change could be committed, and it is not shutting down. A problem's \
                 `reason` is disk-full, read-only, transaction-pooler, locked, unreachable, timeout, shutting-down or \
                 failed.",
            )
            .answers_as(200, "It can.", "application/json", Some(state()))
            .fails(&[503]),
        Route::new(Method::GET, METRICS, Permit::Public, "metrics", metrics)
            .about("Counters and gauges in the text format of Prometheus.")
            .answers_as(200, "The metrics.", METRICS_TYPE, Some(schema(json!({ "type": "string" })))),
    ];
    routes.into_iter().map(|route| route.tag("operations")).collect()
}

/// Whether a route is one that machines ask every few seconds.
pub(crate) fn is_probe(route: &str) -> bool {
    [LIVE, READY, METRICS].contains(&route)
}

/// Returns the route of the document that describes this API.
pub(super) fn documentation() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/openapi.json", Permit::Public, "getOpenApi", openapi)
            .tag("operations")
            .about("This document.")
            .answers_as(200, "The document.", "application/json", Some(schema(json!({ "type": "object" })))),
    ]
}

async fn live() -> Response {
    to_response(json!({ "status": "ok" }))
}

async fn ready(State(app): State<App>) -> Result<Response, Problem> {
    if app.service.signals.is_stopping() {
        return Err(Problem::unavailable("the service is shutting down").with("reason", "shutting-down"));
    }
    if let Err(reason) = app.service.readiness.check().await {
        if matches!(reason, NotReady::ReadOnly | NotReady::Unreachable) {
            // The primary may be another server by now.
            app.service.pool.discard_idle();
        }
        return Err(Problem::unavailable(reason.detail()).with("reason", reason.key()));
    }
    Ok(to_response(json!({ "status": "ok" })))
}

async fn metrics(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, METRICS_TYPE)], app.service.metrics.render(app.service.now())).into_response()
}

async fn openapi(State(app): State<App>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], app.openapi.clone()).into_response()
}
