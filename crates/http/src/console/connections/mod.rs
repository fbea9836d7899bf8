//! *Connections*: the systems of record that people and data sources come from. Each connection with its state, its syncs,
//! its set-up with a live test, and its imports.

mod actions;
mod database_texts;
mod draft;
mod edit;
mod facts;
mod fields;
mod form_kind;
mod import;
mod list;
mod report;
mod secret;
mod show;
mod sync;
mod syncs;
mod token_list;
mod tokens;
pub(super) mod words;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use domesday_model::{Kind, Permission};
use domesday_service::ServiceError;
use domesday_service::caller::Permit;
use domesday_store::{Store, StoredObject};

use super::paths::named_path;
use super::see_other;
use super::upload::IMPORTERS;
use crate::state::App;

const PATH: &str = "/console/connections";

/// Who may read connections.
pub(super) const READERS: Permit =
    Permit::AnyOf(&[Permission::Audit, Permission::Governance, Permission::UserAdmin]);

/// Who may write connections of some kind; which kinds, the service decides.
const WRITERS: Permit = IMPORTERS;

/// Returns the routes of the pages.
pub(super) fn routes() -> Router<App> {
    let of_one = |part: &str| format!("{PATH}/{{name}}{part}");
    Router::new()
        .route("/console/connections.csv", get(list::csv))
        .route(PATH, get(list::show))
        .route("/console/connections/new", get(edit::show_new).post(edit::submit_new))
        .route(&of_one(""), get(show::show))
        .route(&of_one("/edit"), get(edit::show).post(edit::submit))
        .route(&of_one("/delete"), get(actions::confirm_delete).post(actions::delete))
        .route(&of_one("/sync"), get(to_connection).post(actions::sync))
        .route(&of_one("/dry-run"), get(to_connection).post(actions::dry_run))
        .route(&of_one("/accept"), get(actions::confirm_accept))
        .route(&of_one("/import"), get(import::show).post(import::submit))
        .route(&of_one("/tokens"), get(to_connection).post(tokens::create))
        .route(&of_one("/tokens/{id}/revoke"), get(tokens::confirm_revoke).post(tokens::revoke))
        .route(&of_one("/syncs"), get(to_connection))
        .route(&of_one("/syncs/csv"), get(syncs::csv))
        .route(&of_one("/syncs/{id}"), get(sync::show))
}

/// The page of a connection.
pub(super) fn connection_path(name: &str) -> String {
    match name {
        // The page on which one is set up has this path.
        "new" => format!("{PATH}/%6Eew"),
        name => named_path(PATH, name),
    }
}

/// Leads from the address of a form that was sent to the page of the connection.
async fn to_connection(Path(name): Path<String>) -> Response {
    see_other(&connection_path(&name))
}

fn find(store: &mut Store, name: &str) -> Result<StoredObject, ServiceError> {
    let found = store.object(Kind::Connection, name)?;
    found.ok_or_else(|| ServiceError::not_found(format!("there is no connection `{name}`")))
}
