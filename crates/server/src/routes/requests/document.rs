//! Requests as documents: one read, one written as a whole, and those of a catalog that is applied over HTTP.
//!
//! What was decided is evidence. A document changes neither what a request asks for, for whom and by whom, nor its
//! status, decisions, agreements and dates; these change through [`decide`](super::decide) alone. Only the operator, who
//! holds the administrator's key, brings in requests that were decided elsewhere, under ids that do not exist yet.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_model::{Catalog, Declared, Instant, Kind, Permission, Request, RequestStatus};
use domesday_store::Store;
use serde_json::json;

use crate::caller::{self, Caller};
use crate::etag::Condition;
use crate::openapi::reference;
use crate::problem::Problem;
use crate::route::{Path, Permit, Route, Text, lacking, schema};
use crate::service::App;

use super::super::objects::read_request;
use super::super::review::{Reviews, Say};
use super::PATH;
use super::ask::check_limits;
use super::list::READERS;
use super::view::{RequestView, model};

const WRITERS: Permit = Permit::AnyOf(&[Permission::Governance]);

pub(super) fn routes() -> Vec<Route> {
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
                "Replaces the answers of one request, or makes one; its id stands in the path and the document. \
                 What a request asks for, its status, decisions, agreements and dates never change this way: 422. One \
                 that is already decided is made with the administrator's key only, to import history. `If-Match` \
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

async fn show(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let now = app.now();
    let work = move |store: &mut Store| -> Result<RequestView, Problem> {
        let reads_all = caller.has_any(READERS);
        // Who may not read all is refused unless they have a part in it, whether it exists or not.
        let refused = || lacking(READERS, " or ");
        let none =
            || if reads_all { Problem::not_found(format!("there is no request `{id}`")) } else { refused() };
        let stored = store.object(Kind::Request, &id)?.ok_or_else(none)?;
        // Deciders read what they decided in their role, which a narrowed key does not carry.
        let only_party = caller.in_roles().is_none();
        let username = caller.user.clone().unwrap_or_default();
        if !reads_all && !store.has_part_in_request(&id, &username, only_party)? {
            let request = model(&stored)?;
            let is_pending = request.status == RequestStatus::Pending;
            if !is_pending || Reviews::default().say(store, &caller, &request)? == Say::Nothing {
                return Err(refused());
            }
        }
        RequestView::new(store, stored, now)
    };
    Ok(app.pool.with(work).await?.response(StatusCode::OK))
}

async fn put(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
    Text(text): Text,
) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let document = app.pool.compute(move || read_request(&text)).await?;
    if document.id != id {
        return Err(Problem::invalid(format!("`id` must be the name in the path, `{id}`")));
    }
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let expected = condition.as_if_match()?;
        let before = store.object(Kind::Request, &id)?.map(|stored| model(&stored)).transpose()?;
        let request = written(caller, before.as_ref(), document, now)?;
        if before.is_none() && !is_operator(caller) {
            check_limits(store, caller, &request)?;
        }
        let stored =
            caller.change(now, |change| store.put_object(Kind::Request, &request, expected, change))?;
        let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
        Ok((status, stored, now))
    };
    let (status, stored, now) = caller::write(&app, caller, work).await?;
    Ok(RequestView::read(&app, stored, now).await?.response(status))
}

async fn delete(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let condition = Condition::of(&headers)?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        let expected = condition.as_if_match()?;
        if let Some(stored) = store.object(Kind::Request, &id)?
            && !is_operator(caller)
            && model(&stored)?.is_decided()
        {
            return Err(Problem::conflict(format!(
                "the request `{id}` was decided, and decisions are evidence: revoke it to end the access it gives"
            )));
        }
        Ok(caller.change(now, |change| store.delete_object(Kind::Request, &id, expected, change))?)
    };
    caller::write(&app, caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Checks the requests of a catalog before it is applied over HTTP, and makes them what [`put`] would make them. When
/// the apply prunes, decided requests that it does not declare stay.
pub(in crate::routes) fn prepare_apply(
    store: &mut Store,
    caller: &Caller,
    catalog: &mut Catalog,
    prune: bool,
    now: Instant,
) -> Result<(), Problem> {
    let mut problems = Vec::new();
    for declared in &mut catalog.requests {
        let id = declared.spec.id.clone();
        let before = store.object(Kind::Request, &id)?.map(|stored| model(&stored)).transpose()?;
        match written(caller, before.as_ref(), declared.spec.clone(), now) {
            Ok(request) => declared.spec = request,
            Err(problem) => {
                problems.push(json!({ "kind": "requests", "name": id, "message": problem.detail() }));
            }
        }
    }
    if !problems.is_empty() {
        let count = problems.len();
        return Err(Problem::invalid("requests of the catalog cannot be written this way")
            .with_problems(problems, count));
    }
    if prune && !is_operator(caller) {
        let declared: std::collections::HashSet<_> =
            catalog.requests.iter().map(|request| request.id.clone()).collect();
        let mut after: Option<String> = None;
        loop {
            let page = store.object_page(Kind::Request, after.as_deref(), 500)?;
            let Some(last) = page.objects.last() else { break };
            after = Some(last.name.clone());
            for stored in &page.objects {
                let request = model(stored)?;
                if request.is_decided() && !declared.contains(&request.id) {
                    catalog.requests.push(Declared::new(request, stored.origin.as_str()));
                }
            }
        }
    }
    Ok(())
}

/// Whether the caller is the operator and may bring in requests: a key of the administrator that was not narrowed.
fn is_operator(caller: &Caller) -> bool {
    caller.is_operator() && caller.has(Permission::Governance)
}

/// The request that a document makes of what there is, or why it may not.
fn written(
    caller: &Caller,
    before: Option<&Request>,
    mut document: Request,
    now: Instant,
) -> Result<Request, Problem> {
    let Some(before) = before else {
        if is_operator(caller) {
            return Ok(document);
        }
        check_new(caller, &mut document)?;
        return Ok(document);
    };
    if let Some(field) = changed_field(before, &document) {
        return Err(Problem::invalid(format!(
            "`{field}` of the request `{}` cannot be written: what a request asks for, its status, decisions, \
             agreements and dates change only when it is decided, canceled or revoked",
            before.id
        ))
        .with("field", field));
    }
    document.updated_at = if document.answers == before.answers { before.updated_at } else { Some(now) };
    Ok(document)
}

/// A user makes a request by a document as they would by asking: pending, in their own name, with nothing accepted for
/// somebody else.
fn check_new(caller: &Caller, request: &mut Request) -> Result<(), Problem> {
    if request.status != RequestStatus::Pending || request.is_decided() {
        return Err(Problem::forbidden(
            "a request that is already decided is imported by the operator: with `domesday apply` or the \
             administrator's key",
        ));
    }
    let username = caller.user.as_deref().unwrap_or_default();
    if request.requester.is_none() && request.user != username {
        // Whoever made it must not decide it.
        request.requester = Some(username.to_owned());
    }
    if request.made_by() != username {
        return Err(Problem::invalid(
            "`requester` must be yourself; only the operator makes requests for others",
        ));
    }
    if request.agreements.iter().any(|accepted| accepted.accepted_by != username) {
        return Err(Problem::invalid(
            "`agreements` are accepted by yourself; nobody accepts for somebody else",
        ));
    }
    Ok(())
}

/// The first field that a document may not change and does.
fn changed_field(before: &Request, after: &Request) -> Option<&'static str> {
    let dates = after.updated_at.is_some() && after.updated_at != before.updated_at;
    let differs = [
        ("type", before.kind != after.kind),
        ("user", before.user != after.user),
        ("requester", before.made_by() != after.made_by()),
        ("target", before.target != after.target),
        ("columns", before.columns != after.columns),
        ("scope", before.scope != after.scope),
        ("status", before.status != after.status),
        ("determinations", before.determinations != after.determinations),
        ("agreements", before.agreements != after.agreements),
        ("createdAt", before.created_at != after.created_at),
        ("updatedAt", dates),
        ("expiresAt", before.expires_at != after.expires_at),
    ];
    differs.into_iter().find(|(_, differs)| *differs).map(|(field, _)| field)
}
