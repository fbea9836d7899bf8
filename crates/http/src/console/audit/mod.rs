//! *Audit log*: who changed what, when and from where; each change as before and after; the verification of its chain.

mod changes;
mod download;
mod entries;
mod entry;
mod filter;
pub(super) mod history;
mod list;
mod verification;
mod verify;

use axum::Router;
use axum::routing::{get, post};

use crate::state::App;

/// Returns the routes of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/audit", get(list::show))
        .route("/console/audit.csv", get(download::csv))
        .route("/console/audit/verify", post(verify::verify).get(verify::to_log))
        .route("/console/audit/{seq}", get(entry::show))
}
