//! *Requests*: those of the caller, those that wait for them, and all; a request with its steps, and decisions on it.

pub(super) mod effect;
pub(super) mod review;
pub(super) mod status;

mod decide;
mod list;
mod show;

use axum::Router;
use axum::routing::{get, post};

use crate::state::App;

pub(super) const PATH: &str = "/console/requests";

/// Returns the routes of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(list::show))
        // Ids of requests may be anything, so that nothing else is beside them.
        .route("/console/requests.csv", get(list::csv))
        .route("/console/requests/{id}", get(show::show))
        .route("/console/requests/{id}/decide", post(decide::decide).get(decide::to_request))
        .route("/console/requests/{id}/cancel", get(decide::confirm_cancel).post(decide::cancel))
        .route("/console/requests/{id}/revoke", get(decide::confirm_revoke).post(decide::revoke))
}
