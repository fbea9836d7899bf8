//! Users and groups: created, read, changed, deleted, searched.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_service::scim::{ResourceAnswer, ScimFailure, Search, Writer, read, write};
use domesday_sources::scim::{LIST_SCHEMA, ResourceKind};
use serde_json::{Value, json};

use super::errors::MEDIA_TYPE;
use super::errors::ScimProblem;
use super::request::ScimRequest;

type Answer = Result<Response, ScimProblem>;

pub(super) async fn list(kind: ResourceKind, request: ScimRequest) -> Answer {
    let search = request.search(kind)?;
    answer_search(request, search).await
}

pub(super) async fn search(kinds: Vec<ResourceKind>, request: ScimRequest) -> Answer {
    let search = request.search_in_body(kinds)?;
    answer_search(request, search).await
}

async fn answer_search(request: ScimRequest, search: Search) -> Answer {
    let page = read(&request.app.service.pool, request.client, move |reader| reader.search(&search)).await?;
    let resources: Vec<_> = page.resources.into_iter().map(Value::Object).collect();
    Ok(list_response(page.total, page.start_index, &resources))
}

/// Returns a list (RFC 7644, section 3.4.2).
pub(super) fn list_response(total: u64, start_index: u64, resources: &[Value]) -> Response {
    json_response(
        StatusCode::OK,
        &json!({
            "schemas": [LIST_SCHEMA],
            "totalResults": total,
            "itemsPerPage": resources.len(),
            "startIndex": start_index,
            "Resources": resources,
        }),
    )
}

/// Returns an answer in SCIM's media type.
pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

pub(super) async fn get(kind: ResourceKind, request: ScimRequest) -> Answer {
    let precondition = request.precondition()?;
    let (attributes, excluded) = request.attributes()?;
    let id = request.id;
    let answer = read(&request.app.service.pool, request.client, move |reader| {
        let projection = reader.projection(kind, &attributes, &excluded)?;
        reader.get(kind, &id, &projection)
    })
    .await?;
    if precondition.is_known(&answer.etag) {
        let not_modified = ResourceAnswer { resource: None, ..answer };
        return Ok(respond(StatusCode::NOT_MODIFIED, not_modified));
    }
    Ok(respond(StatusCode::OK, answer))
}

pub(super) async fn create(kind: ResourceKind, request: ScimRequest) -> Answer {
    let body = request.json()?;
    let (attributes, excluded) = request.attributes()?;
    let answer = change(request, move |writer| {
        let projection = writer.projection(kind, &attributes, &excluded)?;
        writer.create(kind, body, &projection)
    });
    let answer = answer.await?;
    let location = HeaderValue::from_str(&answer.location);
    let mut response = respond(StatusCode::CREATED, answer);
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

pub(super) async fn replace(kind: ResourceKind, request: ScimRequest) -> Answer {
    let (body, precondition) = (request.json()?, request.precondition()?);
    let (attributes, excluded) = request.attributes()?;
    let id = request.id.clone();
    let answer = change(request, move |writer| {
        let projection = writer.projection(kind, &attributes, &excluded)?;
        writer.replace(kind, &id, body, &precondition, &projection)
    });
    Ok(respond(StatusCode::OK, answer.await?))
}

pub(super) async fn patch(kind: ResourceKind, request: ScimRequest) -> Answer {
    let (body, precondition) = (request.json()?, request.precondition()?);
    let (attributes, excluded) = request.attributes()?;
    let id = request.id.clone();
    let answer = change(request, move |writer| {
        let projection = writer.projection(kind, &attributes, &excluded)?;
        writer.patch(kind, &id, body, &precondition, &projection)
    });
    Ok(respond(StatusCode::OK, answer.await?))
}

pub(super) async fn delete(kind: ResourceKind, request: ScimRequest) -> Answer {
    let precondition = request.precondition()?;
    let id = request.id.clone();
    change(request, move |writer| writer.delete(kind, &id, &precondition)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn change<T: Send + 'static>(
    request: ScimRequest,
    work: impl FnOnce(&mut Writer<'_>) -> Result<T, ScimFailure> + Send + 'static,
) -> Result<T, ScimFailure> {
    let service = &request.app.service;
    write(&service.pool, &service.clock, request.client, work).await
}

/// Returns the answer about a resource, without a body where there is none.
fn respond(status: StatusCode, answer: ResourceAnswer) -> Response {
    let mut response = match answer.resource {
        Some(resource) => json_response(status, &Value::Object(resource)),
        None if status == StatusCode::NOT_MODIFIED => status.into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    };
    if let Ok(etag) = HeaderValue::from_str(&format!("W/\"{}\"", answer.etag)) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
