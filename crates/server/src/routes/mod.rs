//! The routes, a file a resource, a function a verb; here the table of them all.

mod access;
mod apply;
mod audit;
mod authority;
mod export;
mod guarding;
mod health;
mod keys;
mod objects;
mod preview;
mod requests;
mod review;
mod runs;
mod scoped;
mod setup;
mod tenant;
mod warnings;
mod webhook;

pub use audit::AuditView;
pub(crate) use health::is_probe;
pub(crate) use objects::object_schemas;

use crate::route::Route;

/// Every route of the API.
pub(crate) fn table(max_body_bytes: usize) -> Vec<Route> {
    let mut routes = tenant::routes();
    routes.extend(keys::routes());
    routes.extend(objects::routes());
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

/// Health and metrics, which may listen apart from the API.
pub(crate) fn operations() -> Vec<Route> {
    health::operations()
}
