//! SCIM over HTTP (RFC 7644): `/scim/{connection}/v2`.
//!
//! A router of its own that `server.rs` nests: its tokens are no API keys, so requests do not pass `router.rs`. Every
//! request passes [`authentication`], that of an unknown route too. Answers and errors are in the form of SCIM
//! ([`errors`]); those of the layers around are brought into it ([`answer_errors`]).

mod authentication;
mod discovery;
mod errors;
mod request;
mod resources;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{MethodRouter, get, post};
use domesday_service::apply::max_catalog_bytes;
use domesday_sources::scim::ResourceKind;

use crate::state::App;
use errors::ScimProblem;
use request::ScimRequest;

pub(crate) use errors::answer_errors;

/// The path of everything here.
const PREFIX: &str = "/scim/";

/// Whether a path is one of SCIM, whose clients expect its errors.
pub(crate) fn is_scim(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// Returns the router of every connection.
pub(crate) fn router(app: &App) -> Router {
    let mut routes = Router::new()
        .route("/ServiceProviderConfig", get(discovery::service_provider_config))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{id}", get(discovery::resource_type))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .route("/.search", post(|request: ScimRequest| resources::search(ResourceKind::ALL.into(), request)))
        .route("/Me", unsupported("`/Me` is not supported: tokens belong to no user"))
        .route("/Bulk", unsupported("bulk requests are not supported; send one request for each resource"));
    for kind in ResourceKind::ALL {
        let path = format!("/{}", kind.endpoint());
        let collection = get(move |request: ScimRequest| resources::list(kind, request))
            .post(move |request: ScimRequest| resources::create(kind, request));
        let resource = get(move |request: ScimRequest| resources::get(kind, request))
            .put(move |request: ScimRequest| resources::replace(kind, request))
            .patch(move |request: ScimRequest| resources::patch(kind, request))
            .delete(move |request: ScimRequest| resources::delete(kind, request));
        routes = routes
            .route(&path, collection)
            .route(
                &format!("{path}/.search"),
                post(move |request: ScimRequest| resources::search(vec![kind], request)),
            )
            .route(&format!("{path}/{{id}}"), resource);
    }
    let max_body_bytes = max_catalog_bytes(app.service.config.max_body_bytes);
    let routes = routes
        .fallback(async || {
            ScimProblem::not_found("there is no such address; /ResourceTypes lists the resources")
        })
        .method_not_allowed_fallback(async || {
            let detail = "this address does not take this method; the Allow header names those it takes";
            ScimProblem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        })
        // Groups come with all of their members.
        .layer(DefaultBodyLimit::max(max_body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), authentication::authenticate))
        .with_state(app.clone());
    Router::new().nest("/scim/{connection}/v2", routes)
}

fn unsupported(detail: &'static str) -> MethodRouter<App> {
    axum::routing::any(move || async move { ScimProblem::new(StatusCode::NOT_IMPLEMENTED, detail) })
}
