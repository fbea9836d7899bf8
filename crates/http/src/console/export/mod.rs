//! *Access summary export*: where the summary goes and when, verified, changed, removed; and its set-up.

mod actions;
mod checks;
mod place;
pub(super) mod schedule;
mod setup;
mod show;

use axum::Router;
use axum::routing::get;
use domesday_model::Permission;
use domesday_service::caller::Permit;

use crate::state::App;

const PATH: &str = "/console/export";
const GOVERNANCE: Permit = Permit::AnyOf(&[Permission::Governance]);
const READERS: Permit = Permit::AnyOf(&[Permission::Governance, Permission::Audit]);

/// Returns the routes of the pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/console/export", get(show::show))
        .route("/console/export/verify", get(show::to_page).post(actions::verify))
        .route("/console/export/schedule", get(actions::show_schedule).post(actions::save_schedule))
        .route("/console/export/remove", get(actions::confirm_remove).post(actions::remove))
        .route("/console/export/external-tables/{engine}", get(actions::script))
        .route("/console/export/setup", get(setup::show))
        .route("/console/export/setup/verify", get(setup::to_page).post(setup::verify))
        .route("/console/export/setup/save", get(setup::to_page).post(setup::save))
}
