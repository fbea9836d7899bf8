//! The extractors of handlers: the caller, the path, query parameters and bodies, each read strictly.

use std::sync::Arc;

use axum::RequestExt;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use domesday_service::MAX_LISTED;
use domesday_service::caller::Caller;
use domesday_service::exports::MERGE_PATCH;
use domesday_sources::{Diagnostic, Diagnostics};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::body;
use crate::problem::Problem;
use crate::query;
use crate::state::App;

/// The caller, on a route that takes a key.
pub(crate) struct Authenticated(pub(crate) Caller);

impl FromRequestParts<App> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned().map(Self);
        caller.ok_or_else(|| Problem::internal(&"a handler asks for a caller on a route without one"))
    }
}

/// The query parameters that the route declares.
#[derive(Clone)]
pub(crate) struct DeclaredQuery(pub(crate) Arc<[String]>);

/// Query parameters, read strictly ([`crate::query`]): the fields of `T`, which the route declares.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let declared = parts.extensions.get::<DeclaredQuery>().cloned();
        let declared =
            declared.ok_or_else(|| Problem::internal(&"a handler reads a query on a route without one"))?;
        let pairs = query::pairs(parts.uri.query().unwrap_or_default(), &declared.0)?;
        query::read(pairs).map(Self)
    }
}

/// The parameters of the path, as text.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        path.map(|path| Self(path.0)).map_err(|rejection| Problem::not_found(rejection.body_text()))
    }
}

/// Reads a JSON body, strictly.
pub(crate) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let text = json_text(text)?;
    domesday_sources::check_json(text).map_err(|wrong| refusal(&wrong, "the body is not valid"))?;
    serde_json::from_str(text).map_err(|error| Problem::invalid(format!("the body does not fit: {error}")))
}

/// Returns a body as text, for a reader of JSON that reports where it is wrong.
pub(crate) fn json_text(text: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(text).map_err(|error| {
        let (at, byte) = (error.valid_up_to(), text[error.valid_up_to()]);
        Problem::bad_request(format!("the body is not UTF-8: byte {at}, counted from 0, is 0x{byte:02x}"))
    })
}

/// Returns the refusal of a document: 400 for a body that is no JSON, else 422. It lists the first mistakes and counts
/// all.
pub(crate) fn refusal(wrong: &Diagnostics, detail: &str) -> Problem {
    let list: Vec<_> = wrong.iter().take(MAX_LISTED).collect();
    if let ([first], true) = (list.as_slice(), wrong.is_syntax()) {
        let Diagnostic { line, column, message, .. } = first;
        return Problem::bad_request(format!("{message} (line {line}, column {column} of the body)"));
    }
    let list = list.iter().map(
        |one| json!({ "field": one.field, "line": one.line, "column": one.column, "message": one.message }),
    );
    Problem::invalid(detail).with_problems(list.collect(), wrong.mistakes())
}

/// Refuses a body whose media type is not JSON.
pub(crate) fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    expect_media_type(headers, "application/json")
}

/// Refuses a body of another media type.
fn expect_media_type(headers: &HeaderMap, expected: &str) -> Result<(), Problem> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        format!("send the body as {expected}"),
    ))
}

/// The text of a JSON body.
pub(crate) struct JsonText(pub(crate) Bytes);

impl FromRequest<App> for JsonText {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        body::read(request.with_limited_body().into_body()).await.map(Self)
    }
}

/// The text of a JSON merge patch (RFC 7386).
pub(crate) struct PatchText(pub(crate) Bytes);

impl FromRequest<App> for PatchText {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &App) -> Result<Self, Problem> {
        // RFC 5789, section 2.2: a refusal names the formats that are taken.
        expect_media_type(request.headers(), MERGE_PATCH).map_err(|problem| {
            problem.header(header::HeaderName::from_static("accept-patch"), MERGE_PATCH)
        })?;
        body::read(request.with_limited_body().into_body()).await.map(Self)
    }
}

/// Reads an optional field of a body that is absent or has a value: a null would mean what its absence means, which is
/// mostly more than was intended.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
