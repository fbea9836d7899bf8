//! *Who can reach what*: the search, a data source, a user, and why the one can or cannot reach the other.

mod actual;
mod data_source;
mod list;
mod lookup;
mod search;
mod tree;
mod user;
mod ways;
mod why;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use domesday_service::ServiceError;
use domesday_service::evaluation::Evaluation;

use super::errors::Failure;
use super::link::Link;
use super::paths::with_query;
use super::see_other;
use super::signed_in::SignedIn;
use super::times::grouped;
use crate::state::{App, AppState};

pub(super) use words::place;

const PATH: &str = "/console/access";

/// Returns the routes of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(search::show))
        .route("/console/access/suggest", get(search::suggest))
        .route("/console/access/data-source/{id}", get(data_source::show))
        .route("/console/access/data-source/{id}/csv", get(data_source::csv))
        .route("/console/access/user/{id}", get(user::show))
        .route("/console/access/user/{id}/csv", get(user::csv))
        .route("/console/access/user/{id}/data-source/{source}", get(why::show))
}

/// Leads from the address that the tables of earlier versions have.
pub(super) async fn from_old_path(Path(id): Path<String>) -> Response {
    match id.parse::<i64>() {
        Ok(id) => see_other(&source_path(id)),
        Err(_) => see_other(PATH),
    }
}

/// The page of a data source.
pub(super) fn source_path(id: i64) -> String {
    format!("{PATH}/data-source/{id}")
}

/// The page of a user.
pub(super) fn user_path(id: i64) -> String {
    format!("{PATH}/user/{id}")
}

/// The data sources at which a policy admits or blocks somebody.
pub(super) fn policy_sources_path(id: i64) -> String {
    format!("{PATH}?policy={id}")
}

/// A number that leads to the rows of a page that it counts. Blocked to read is blocked from everything: what grants writing
/// grants reading, and guardrails to read bind writers too (`docs/access.md` rule 1).
fn counted_rows(path: &str, count: u64, outcome: &str, scope: &str) -> Link {
    let fields = [("outcome", outcome), ("scope", scope)];
    Link::new(grouped(count), if count == 0 { String::new() } else { with_query(path, fields) })
}

pub(super) fn pair_path(user: i64, source: i64) -> String {
    format!("{PATH}/user/{user}/data-source/{source}")
}

/// Reads an id in a path.
fn parse_id(text: &str) -> Result<i64, ServiceError> {
    text.parse().map_err(|_| ServiceError::not_found("there is no such page"))
}

/// Returns the outcomes of the catalog as it is.
async fn current(app: &AppState, signed_in: &SignedIn) -> Result<Arc<Evaluation>, Failure> {
    Ok(app.service.evaluations.current(signed_in.caller.revision).await?)
}
