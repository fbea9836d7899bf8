//! *Runs*: the list with its chart, and a run with its progress.

mod actions;
mod attempts;
mod events;
mod list;
mod live;
mod query;
pub(super) mod report;
mod run;
pub(super) mod words;

use axum::Router;
use axum::routing::get;
use domesday_model::Permission;
use domesday_service::ServiceError;
use domesday_service::caller::Permit;
use uuid::Uuid;

use crate::state::App;

pub(super) const GOVERNANCE: Permit = Permit::AnyOf(&[Permission::Governance]);
const READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

/// Returns the routes of the pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/runs", get(list::show).post(actions::start))
        .route("/console/runs/csv", get(list::csv))
        .route("/console/runs/{id}", get(run::show))
        .route("/console/runs/{id}/events", get(events::stream))
        .route("/console/runs/{id}/cancel", get(actions::confirm_cancel).post(actions::cancel))
}

fn parse_id(id: &str) -> Result<Uuid, ServiceError> {
    Uuid::parse_str(id).map_err(|_| no_such_run(id))
}

fn no_such_run(id: &str) -> ServiceError {
    ServiceError::not_found(format!("there is no run `{id}`"))
}
