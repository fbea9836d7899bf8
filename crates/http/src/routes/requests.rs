//! Access requests: made, listed, decided, cancelled and revoked, and written as documents.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_model::{Instant, Kind, Permission, Request, RequestStatus};
use domesday_service::ServiceError;
use domesday_service::caller::{Caller, Permit};
use domesday_service::idempotency::create_once;
use domesday_service::requests::create::NewRequest;
use domesday_service::requests::decide::{Decision, check_revocation_reason};
use domesday_service::requests::list::RequestPart;
use domesday_service::requests::{create, decide as decisions, document, list as lists};
use domesday_store::{Store, StoredObject};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::to_raw_value;

use crate::etag::{precondition, quote};
use crate::extract::{Authenticated, JsonText, Path, Query, json_text, parse};
use crate::idempotency::{CreatedResponse, idempotency_key};
use crate::openapi::reference;
use crate::paging::PageQuery;
use crate::problem::Problem;
use crate::route::{Route, schema};
use crate::state::{App, AppState};

use super::object_view::page_response;
use super::objects::invalid_document;
use super::request_body::{Ask, DecisionBody, RevocationBody};
use super::request_view::RequestView;

const WRITERS: Permit = Permit::AnyOf(&[Permission::Governance]);
const PATH: &str = "/api/v1/requests";

/// How large the body of a call about one request may be, in bytes. Answers are limited to 64 KiB; escapes of JSON
/// take up to six bytes for one.
const MAX_BODY_BYTES: usize = 512 << 10;

pub(super) fn routes() -> Vec<Route> {
    let object = || schema(reference("RequestObject"));
    let mut routes = vec![
        list_route(),
        Route::new(Method::POST, PATH, Permit::AnyKey, "askForAccess", ask)
            .about(
                "Asks for access to a data product or a data source, or for an exception from masking: for oneself, or \
                 with GOVERNANCE for somebody else. Required questions of the product's form must be answered, only \
                 its questions may be, and its agreements must be accepted. 409 when a pending request asks for the \
                 same thing for the same user, and when the caller has 100 pending requests. `notices` says what an \
                 approval would not suffice for.",
            )
            .idempotent()
            .body::<Ask>()
            .answers_as(201, "Asked; pending.", "application/json", Some(object()))
            .fails(&[400, 409, 413, 415, 422]),
        Route::new(Method::POST, format!("{PATH}/{{name}}/cancel"), Permit::AnyKey, "cancelRequest", cancel)
            .about("Takes a pending request back: the user who made it, the one it is for, or GOVERNANCE.")
            .answers_as(200, "Canceled.", "application/json", Some(object()))
            .fails(&[404, 409, 412]),
        Route::new(
            Method::POST,
            format!("{PATH}/{{name}}/determinations"),
            Permit::AnyKey,
            "decideRequest",
            decide,
        )
        .about(
            "Decides a pending request: an approver of the present review step, or GOVERNANCE, which decides for good. \
             Nobody decides a request that they made or that is for them. An approval counts for the present step \
             alone.",
        )
        .body::<DecisionBody>()
        .answers_as(200, "Decided.", "application/json", Some(object()))
        .fails(&[400, 404, 409, 412, 413, 415, 422]),
        Route::new(
            Method::POST,
            format!("{PATH}/{{name}}/revoke"),
            Permit::AnyKey,
            "revokeRequest",
            revoke,
        )
        .about(
            "Revokes an approved request, which ends the access it gives: GOVERNANCE, or an approver of any step of \
             its review. Nobody revokes a request that they made or that is for them.",
        )
        .body::<RevocationBody>()
        .answers_as(200, "Revoked.", "application/json", Some(object()))
        .fails(&[400, 404, 409, 412, 413, 415, 422]),
    ];
    for route in &mut routes {
        if route.body.is_some() {
            let handler = std::mem::take(&mut route.handler);
            route.handler = handler.layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
        }
    }
    let mut routes: Vec<_> = routes.into_iter().map(|route| route.tag("requests")).collect();
    routes.extend(document_routes());
    routes
}

fn list_route() -> Route {
    Route::new(Method::GET, PATH, Permit::AnyKey, "listRequests", list)
        .about(
            "Access requests, by id: all that the caller may read, which without GOVERNANCE and AUDIT are their own, \
             those that wait for their decision and those that they decided. `total` is exact. A page may end before \
             its limit where documents are large; `nextCursor` says whether there is more.",
        )
        .query::<RequestQuery>()
        .query::<PageQuery>()
        .answers_as(200, "A page.", "application/json", Some(schema(reference("RequestPage"))))
        .fails(&[400, 422])
}

fn document_routes() -> Vec<Route> {
    let path = format!("{PATH}/{{name}}");
    let object = || schema(reference("RequestObject"));
    let routes = vec![
        Route::new(Method::GET, &path, Permit::AnyKey, "getRequest", show)
            .about(
                "One request. Read by the user who made it, the one it is for, those who decided it, and those who may \
                 decide it now. `notices` says why an approval would not suffice.",
            )
            .answers_as(200, "The object.", "application/json", Some(object()))
            .fails(&[404]),
        Route::new(Method::PUT, &path, WRITERS, "putRequest", put)
            .about(
                "Replaces the answers of one request, or creates one; its id is in the path and the document. \
                 What a request asks for, its status, decisions, agreements and dates never change this way: 422. One \
                 that is already decided is created with the administrator's key only, to import history. `If-Match` \
                 guards against overwriting somebody else's change.",
            )
            .conditional()
            .body_of("application/json", schema(reference("Request")))
            .answers_as(200, "Replaced.", "application/json", Some(object()))
            .answers_as(201, "Created.", "application/json", Some(object()))
            .fails(&[400, 404, 409, 412, 413, 415, 422]),
        Route::new(Method::DELETE, &path, WRITERS, "deleteRequest", delete)
            .about(
                "Deletes one request that nobody decided. A decided one is evidence and deleted with the \
                 administrator's key only.",
            )
            .conditional()
            .answers_nothing(204, "Deleted.")
            .fails(&[400, 404, 409, 412]),
    ];
    routes.into_iter().map(|route| route.tag("catalog")).collect()
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

/// A status, as documents have it.
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

#[derive(Debug, Deserialize, JsonSchema)]
struct RequestQuery {
    /// Only those in which the caller has this part.
    part: Option<PartName>,
    /// Only those with this status; one that was approved and has expired is approved.
    status: Option<StatusName>,
}

impl From<PartName> for RequestPart {
    fn from(name: PartName) -> Self {
        match name {
            PartName::Own => Self::Own,
            PartName::Review => Self::Review,
        }
    }
}

async fn list(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Query(query): Query<RequestQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Response, Problem> {
    let limit = page.limit()?;
    let after: Option<String> = page.after()?;
    let (part, status) = (query.part.map(RequestPart::from), query.status.map(RequestStatus::from));
    let read = move |store: &mut Store| lists::page(store, &caller, part, status, after.as_deref(), limit);
    Ok(page_response(app.service.pool.with(read).await?))
}

async fn ask(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, PATH, &text)?;
    let request = NewRequest::from(parse::<Ask>(&text)?);
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        create_once(store, &sealer, key.as_ref(), now, |store| {
            let stored = create::create(store, caller, request, now)?;
            let (location, etag) = (format!("{PATH}/{}", stored.name), quote(&stored.etag));
            let view = RequestView::new(store, stored, now)?;
            Ok(CreatedResponse {
                status: 201,
                location: Some(location),
                etag: Some(etag),
                body: to_raw_value(&view).expect("a request is plain data"),
            })
        })
    };
    Ok(app.service.write(caller, work).await?.into_response())
}

/// Changes a request, and shows it.
async fn change(
    app: &AppState,
    caller: Caller,
    edit: impl FnOnce(&mut Store, &Caller, Instant) -> Result<StoredObject, ServiceError> + Send + 'static,
) -> Result<Response, Problem> {
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, ServiceError> {
        Ok((edit(store, caller, now)?, now))
    };
    let (stored, now) = app.service.write(caller, work).await?;
    Ok(RequestView::read(&app.service.pool, stored, now).await?.response(StatusCode::OK))
}

async fn cancel(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    change(&app, caller, move |store, caller, now| decisions::cancel(store, caller, &id, now)).await
}

async fn decide(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let decision = Decision::from(parse::<DecisionBody>(&text)?).check()?;
    change(&app, caller, move |store, caller, now| decisions::decide(store, caller, &id, decision, now)).await
}

async fn revoke(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let RevocationBody { reason } = parse(&text)?;
    check_revocation_reason(&reason)?;
    change(&app, caller, move |store, caller, now| decisions::revoke(store, caller, &id, reason, now)).await
}

async fn show(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let now = app.service.now();
    let work = move |store: &mut Store| -> Result<RequestView, Problem> {
        let stored = document::read(store, &caller, &id)?;
        RequestView::new(store, stored, now)
    };
    Ok(app.service.pool.with(work).await?.response(StatusCode::OK))
}

async fn put(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Path(id): Path<String>,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let request: Request = app.service.pool.compute(move || read_request(&text)).await?;
    if request.id != id {
        return Err(Problem::invalid(format!("`id` must be the name in the path, `{id}`")));
    }
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        Ok((document::put(store, caller, request, &precondition, now)?, now))
    };
    let ((stored, is_new), now) = app.service.write(caller, work).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(RequestView::read(&app.service.pool, stored, now).await?.response(status))
}

async fn delete(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let precondition = precondition(&headers)?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        Ok(document::delete(store, caller, &id, &precondition, now)?)
    };
    app.service.write(caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Reads a request as strictly as files are read, numbers in its answers as they are written.
fn read_request(text: &[u8]) -> Result<Request, Problem> {
    let text = json_text(text)?;
    let parsed = domesday_sources::parse_object_text(Kind::Request, text);
    let text = parsed.map_err(|wrong| invalid_document(Kind::Request, &wrong))?;
    serde_json::from_str(&text).map_err(|error| Problem::internal(&error))
}
