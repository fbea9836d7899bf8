//! *Policies*: the list; the editor, which checks while it is typed and previews before it saves; state and removal.

mod about;
mod check;
mod editor;
mod entries;
mod fields;
#[cfg(test)]
mod fields_tests;
mod list;
mod list_query;
mod mistakes;
mod preview;
mod preview_links;
mod preview_table;
mod removal;
mod save;
mod selection;
mod state;
mod submit;
mod words;

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use domesday_model::Kind;
use domesday_service::ServiceError;
use domesday_service::permissions::objects::PolicyRights as Rights;
use domesday_store::{Store, StoredObject};

use super::errors::Failure;
use super::see_other;
use super::signed_in::SignedIn;
use crate::state::{App, AppState};

pub(super) const PATH: &str = "/console/policies";

/// Returns the routes of these pages.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(list::show))
        .route("/console/policies/csv", get(list::csv))
        .route("/console/policies/check", post(check::check).get(to_list))
        .route("/console/policies/new", get(editor::new).post(submit::create))
        .route("/console/policies/{id}", get(editor::show).post(submit::update))
        .route("/console/policies/{id}/state", post(state::change).get(to_policy))
        .route("/console/policies/{id}/remove", get(removal::confirm_removal).post(removal::remove))
}

/// Leads from the address that the tables of earlier versions have.
pub(super) async fn from_old_path(Path(id): Path<String>) -> Response {
    match id.parse::<i64>() {
        Ok(id) => see_other(&policy_path(id)),
        Err(_) => see_other(PATH),
    }
}

async fn to_list() -> Response {
    see_other(PATH)
}

async fn to_policy(Path(id): Path<String>) -> Result<Response, Failure> {
    Ok(see_other(&policy_path(parse_id(&id)?)))
}

/// The address of a policy, or of a data policy: they share their ids.
pub(super) fn policy_path(id: i64) -> String {
    format!("{PATH}/{id}")
}

fn parse_id(text: &str) -> Result<i64, ServiceError> {
    text.parse().map_err(|_| ServiceError::not_found("there is no such page"))
}

/// What the caller may do with policies.
async fn rights(app: &AppState, signed_in: &SignedIn) -> Result<Rights, ServiceError> {
    let caller = signed_in.caller.clone();
    app.service.pool.with(move |store: &mut Store| Rights::find(store, &caller)).await
}

/// Finds a policy that the caller may read.
async fn find(
    app: &AppState,
    signed_in: &SignedIn,
    id: &str,
) -> Result<(Rights, StoredObject), ServiceError> {
    let (id, caller) = (parse_id(id), signed_in.caller.clone());
    let read = move |store: &mut Store| -> Result<_, ServiceError> {
        let rights = Rights::find(store, &caller)?;
        let id = id?;
        let mut found = store.object_by_id(Kind::Policy, id)?;
        if found.is_none() {
            found = store.object_by_id(Kind::DataPolicy, id)?;
        }
        // Managers of a domain are not told which other policies there are.
        match found.filter(|policy| rights.may_read(policy)) {
            Some(policy) => Ok((rights, policy)),
            None if rights.reads_all() => {
                Err(ServiceError::not_found(format!("there is no policy with the id {id}")))
            }
            None => Err(ServiceError::needs_governance(
                "managers of a domain see the policies that managers wrote for it",
            )),
        }
    };
    app.service.pool.with(read).await
}

/// Finds a policy that the caller may change.
async fn find_to_change(
    app: &AppState,
    signed_in: &SignedIn,
    id: &str,
) -> Result<(Rights, StoredObject), ServiceError> {
    let (rights, policy) = find(app, signed_in, id).await?;
    if !rights.may_change(&policy) {
        return Err(ServiceError::lacks_any(&[domesday_model::Permission::Governance]));
    }
    Ok((rights, policy))
}
