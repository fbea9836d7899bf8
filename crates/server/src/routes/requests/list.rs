//! Requests by who has a part in them: one's own, those that wait for one's decision, and all for those who may read
//! them. What the caller may not see is not read.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_model::{Permission, RequestStatus};
use domesday_store::{ObjectPage, Store, StoreError};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::caller::Caller;
use crate::openapi::reference;
use crate::paging;
use crate::problem::Problem;
use crate::route::{Permit, Query, Route, schema};
use crate::service::App;

use super::super::objects::page_response;
use super::super::review::{Reviews, Say};
use super::PATH;

/// The permissions with which all requests are read.
pub(super) const READERS: &[Permission] = &[Permission::Governance, Permission::Audit];

pub(super) fn route() -> Route {
    Route::new(Method::GET, PATH, Permit::AnyKey, "listRequests", list)
        .about(
            "Access requests, by id: all that the caller may read, which without GOVERNANCE and AUDIT are their own, \
             those that wait for their decision and those that they decided. `total` is exact. A page may end before \
             its limit where documents are large; `nextCursor` says whether there is more.",
        )
        .query::<PartName>("part", "Only those in which the caller has this part.")
        .query::<StatusName>("status", "Only those that stand so; one that was approved and ended stands approved.")
        .limited()
        .answers_as(200, "A page.", "application/json", Some(schema(reference("RequestPage"))))
        .fails(&[400, 422])
}

/// The caller's part in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum PartName {
    /// By or for them.
    Own,
    /// Theirs to decide now.
    Review,
}

/// A status, as it stands in documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum StatusName {
    Pending,
    Approved,
    Denied,
    Canceled,
    Revoked,
}

impl From<StatusName> for RequestStatus {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::Pending => Self::Pending,
            StatusName::Approved => Self::Approved,
            StatusName::Denied => Self::Denied,
            StatusName::Canceled => Self::Canceled,
            StatusName::Revoked => Self::Revoked,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestQuery {
    part: Option<PartName>,
    status: Option<StatusName>,
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<RequestQuery>,
) -> Result<Response, Problem> {
    let limit = paging::limit(query.limit)?;
    let after: Option<String> = paging::position(query.cursor.as_deref())?;
    let status = query.status.map(RequestStatus::from);
    let part = query.part;
    let read = move |store: &mut Store| -> Result<ObjectPage, Problem> {
        if part.is_none() && caller.has_any(READERS) {
            return Ok(store.request_page(status, after.as_deref(), limit)?);
        }
        let names = names(store, &caller, part, status)?;
        Ok(store.requests_named(&names, after.as_deref(), limit)?)
    };
    Ok(page_response(app.pool.with(read).await?))
}

/// The ids of the requests in which the caller has a part.
fn names(
    store: &mut Store,
    caller: &Caller,
    part: Option<PartName>,
    status: Option<RequestStatus>,
) -> Result<BTreeSet<String>, Problem> {
    let Some(username) = caller.user.as_deref() else { return Ok(BTreeSet::new()) };
    let mut names = match part {
        Some(PartName::Own) => store.request_names(username, true, status)?,
        Some(PartName::Review) => BTreeSet::new(),
        // Deciders read what they decided in their role, which a narrowed key does not carry.
        None => store.request_names(username, caller.in_roles().is_none(), status)?,
    };
    let waiting = part != Some(PartName::Own) && status.is_none_or(|status| status == RequestStatus::Pending);
    if waiting {
        names.extend(to_decide(store, caller)?);
    }
    Ok(names)
}

/// The ids of the pending requests that the caller may decide. Requests are read only where the caller is an approver
/// of some step of the review.
fn to_decide(store: &mut Store, caller: &Caller) -> Result<Vec<String>, Problem> {
    let mut reviews = Reviews::default();
    let governs = caller.has(Permission::Governance);
    let mut names = Vec::new();
    for target in store.pending_targets()? {
        if !governs && !reviews.is_concerned(store, caller, &target)? {
            continue;
        }
        let mut pending = Vec::new();
        store.each_pending_request(&target, &mut |mut request| {
            // Only what the review looks at: answers may be large, and there may be many requests.
            request.answers.clear();
            pending.push(request);
            Ok::<_, StoreError>(())
        })?;
        for request in pending {
            if reviews.say(store, caller, &request)? != Say::Nothing {
                names.push(request.id);
            }
        }
    }
    Ok(names)
}
