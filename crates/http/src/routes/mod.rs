//! The routes, a file a resource, a function a verb; here the table of them all.

mod access;
mod apply;
mod audit;
mod connection_tokens;
mod connections;
pub(crate) mod drift;
mod export;
mod export_view;
mod health;
mod imports;
mod keys;
mod object_view;
mod objects;
mod preview;
mod request_body;
mod request_view;
mod requests;
mod runs;
mod setup;
mod tenant;
mod warnings;
mod webhook;

use serde_json::Value;

use crate::openapi::document;
use crate::route::Route;

pub use audit::AuditView;
pub(crate) use health::{is_probe, operations};

/// Returns every route of the API.
pub(crate) fn table(max_body_bytes: usize) -> Vec<Route> {
    let mut routes = tenant::routes();
    routes.extend(keys::routes());
    routes.extend(connection_tokens::routes());
    routes.extend(objects::routes());
    routes.extend(connections::routes());
    routes.extend(drift::routes());
    routes.extend(imports::routes(max_body_bytes));
    routes.extend(requests::routes());
    routes.extend(preview::routes());
    routes.extend(warnings::routes());
    routes.extend(apply::routes(max_body_bytes));
    routes.extend(export::routes());
    routes.extend(runs::routes());
    routes.extend(webhook::routes());
    routes.extend(setup::routes());
    routes.extend(access::routes());
    routes.extend(audit::routes());
    routes.extend(health::documentation());
    routes
}

/// Returns the OpenAPI document of every route.
pub(crate) fn documentation(max_body_bytes: usize) -> Value {
    let mut routes = table(max_body_bytes);
    routes.extend(operations());
    document(&routes, object_view::object_schemas())
}
