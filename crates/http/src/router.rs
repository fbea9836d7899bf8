//! The router: each route behind its permission, and what it takes in its address.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use domesday_service::caller::Permit;
use schemars::SchemaGenerator;

use crate::authentication::authenticate;
use crate::extract::DeclaredQuery;
use crate::problem::Problem;
use crate::query;
use crate::route::Route;
use crate::state::App;

/// Returns a router of these routes, each behind its permission.
pub(crate) fn router(routes: Vec<Route>, app: &App) -> Router {
    let mut router = Router::new();
    for route in routes {
        let parameters = route.query_parameters(&mut SchemaGenerator::default());
        let parameters = parameters.into_iter().map(|parameter| parameter.name).collect();
        let guard = Guard { app: app.clone(), permit: route.permit, parameters };
        let layer = middleware::from_fn_with_state(guard, check);
        router = router.route(&route.path, route.handler.route_layer(layer));
    }
    router
        .fallback(async || Problem::not_found("there is no such route; /openapi.json lists them"))
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "this route does not take this method; the Allow header names those it takes",
            )
        })
        .with_state(app.clone())
}

/// What a request must satisfy before a handler gets it.
#[derive(Clone)]
struct Guard {
    app: App,
    permit: Permit,
    /// The query parameters that the route takes.
    parameters: Arc<[String]>,
}

async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if guard.permit == Permit::Public {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let admitted = authenticate(&guard.app, &parts, guard.permit)
        .await
        .and_then(|caller| check_address(&parts.uri, &guard.parameters).map(|()| caller));
    let caller = match admitted {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    parts.extensions.insert(caller);
    parts.extensions.insert(DeclaredQuery(guard.parameters));
    next.run(Request::from_parts(parts, body)).await
}

/// Checks that a route takes an address. A misspelt filter that is ignored shows too much, and not every database stores
/// the character U+0000: no name contains it.
fn check_address(uri: &Uri, parameters: &[String]) -> Result<(), Problem> {
    if uri.path().contains("%00") {
        return Err(Problem::not_found("no name contains the character U+0000"));
    }
    query::pairs(uri.query().unwrap_or_default(), parameters).map(drop)
}
