//! *Drift*: where connected databases differ from the policies, how that changed from run to run, and the SQL that repairs
//! it.

mod chart;
mod download;
mod list;
mod query;
mod show;
pub(super) mod words;

use axum::Router;
use axum::routing::get;
use domesday_drift::Drift;
use domesday_service::ServiceError;

use super::paths::with_query;
use crate::state::App;

pub(super) const PATH: &str = "/console/drift";

/// Returns the routes of the page.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(show::show))
        .route("/console/drift/csv", get(download::csv))
        .route("/console/drift/repair", get(download::repair))
}

/// The list of findings with filters.
pub(super) fn filtered<'f>(fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    with_query(PATH, fields) + "#all"
}

/// Finds a database by its connection.
fn find_database(drifts: &[Drift], connection: &str) -> Result<usize, ServiceError> {
    let found = drifts.iter().position(|drift| drift.database().connection == connection);
    found.ok_or_else(|| {
        ServiceError::not_found(format!(
            "no connection `{connection}` has read a database yet; sync it first"
        ))
    })
}
