//! Requests by who has a part in them: one's own, those that wait for one's decision, and all for who may read them.

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use domesday_model::{Kind, Permission, Request};
use domesday_store::{Store, StoredObject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::caller::Caller;
use crate::openapi::reference;
use crate::paging;
use crate::problem::Problem;
use crate::route::{Permit, Query, Route, schema};
use crate::service::App;

use super::super::objects::{ObjectView, with_cursor};
use super::super::review::Review;
use super::super::scoped;
use super::PATH;

/// Who reads all requests.
const READERS: &[Permission] = &[Permission::Governance, Permission::Audit];

pub(super) fn route() -> Route {
    Route::new(Method::GET, PATH, Permit::AnyKey, "listRequests", list)
        .about(
            "Access requests, by id: all that the caller may read, which without GOVERNANCE and AUDIT are their own \
             and those that wait for their decision. `total` is exact.",
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
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum StatusName {
    Pending,
    Approved,
    Denied,
    Canceled,
    Revoked,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestQuery {
    part: Option<PartName>,
    status: Option<StatusName>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// The objects of a page, and how many there are on all pages.
type Found = (Vec<StoredObject>, u64);

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<RequestQuery>,
) -> Result<Response, Problem> {
    let limit = paging::limit(query.limit)?;
    let after: Option<String> = paging::position(query.cursor.as_deref())?;
    let status = query.status.map(|status| json!(status));
    let read = move |store: &mut Store| -> Result<Found, Problem> {
        let stands =
            |object: &StoredObject| status.as_ref().is_none_or(|status| object.document["status"] == *status);
        let own = |object: &StoredObject| stands(object) && scoped::is_theirs(&caller, object);
        match query.part {
            Some(PartName::Own) => {
                Ok(store.objects_where(Kind::Request, after.as_deref(), limit + 1, own)?)
            }
            None if caller.has_any(READERS) => {
                Ok(store.objects_where(Kind::Request, after.as_deref(), limit + 1, stands)?)
            }
            part => {
                let theirs = part.is_none();
                // Whether one is theirs to decide other objects tell, which are read once these are.
                let perhaps =
                    |object: &StoredObject| (theirs && own(object)) || (stands(object) && pending(object));
                let (objects, _) = store.objects_where(Kind::Request, None, usize::MAX, perhaps)?;
                let mut found = Vec::new();
                for object in objects {
                    if (theirs && own(&object)) || is_to_decide(store, &caller, &object)? {
                        found.push(object);
                    }
                }
                let total = found.len() as u64;
                found.retain(|object| after.as_ref().is_none_or(|after| object.name > *after));
                Ok((found, total))
            }
        }
    };
    let (mut objects, total) = app.pool.with(read).await?;
    let next = paging::cut(&mut objects, limit, |last| last.name.clone());
    let items: Vec<_> = objects.into_iter().map(ObjectView::from).collect();
    Ok(crate::route::json(with_cursor(json!({ "total": total, "items": items }), next)))
}

fn pending(object: &StoredObject) -> bool {
    object.document["status"] == "pending"
}

/// Whether an object is a request that the caller may decide as it stands.
pub(in crate::routes) fn is_to_decide(
    store: &mut Store,
    caller: &Caller,
    object: &StoredObject,
) -> Result<bool, Problem> {
    let Some(username) = caller.user.as_deref() else { return Ok(false) };
    if object.kind != Kind::Request || !pending(object) {
        return Ok(false);
    }
    if caller.has(Permission::Governance) {
        return Ok(true);
    }
    let request: Request =
        serde_json::from_value(object.document.clone()).map_err(|error| Problem::internal(&error))?;
    // Who reviews is so in a role, which a narrowed key does not carry.
    Ok(caller.in_roles().is_some() && Review::of(store, &request)?.admits(store, &request, username)?)
}
