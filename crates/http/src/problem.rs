//! Errors as RFC 9457 problem details: a stable `type`, and a `detail` that says what to do.
//!
//! Every error of the API is answered as one, those of the router and of time limits too.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_model::validate;
use domesday_service::{MAX_LISTED, ServiceError};
use domesday_store::StoreError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// The prefix of every `type`.
const TYPE_PREFIX: &str = "urn:domesday:problem:";

/// The media type of problems.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// The longest `detail`, in bytes. Details quote what a client sent, which may be as long as a body.
const MAX_DETAIL: usize = 4 << 10;

/// Cuts a text at a character's end, and marks that it was cut.
fn shorten(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
}

/// One error, as it goes out. Boxed, since it is the other side of nearly every result here.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    members: Map<String, Value>,
    headers: Vec<(header::HeaderName, String)>,
}

/// The document of a problem, for the OpenAPI document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct ProblemDocument {
    /// What kind of error this is; stable.
    #[serde(rename = "type")]
    kind: String,
    /// The HTTP status in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong here, and what to do.
    detail: String,
    /// Further members, by kind: `problems` (at most 100 mistakes) with `problemCount` (how many there are), `checks`,
    /// `permissions`, `requestId`.
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl Problem {
    /// A problem of a kind.
    pub(crate) fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        shorten(&mut detail, MAX_DETAIL);
        Self(Box::new(Inner { status, kind, detail, members: Map::new(), headers: Vec::new() }))
    }

    /// With a further member.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// With the first of its mistakes, and how many there are.
    pub(crate) fn with_problems(self, mut list: Vec<Value>, count: usize) -> Self {
        list.truncate(MAX_LISTED);
        self.with("problems", list).with("problemCount", count)
    }

    /// With a header.
    pub(crate) fn header(mut self, name: header::HeaderName, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// The request cannot be read.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// Who is asking is not known.
    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            .header(header::WWW_AUTHENTICATE, "Bearer realm=\"domesday\"")
    }

    /// Who is asking may not.
    fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// There is no such thing.
    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// It does not fit the present state.
    fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// It is well-formed and wrong.
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }

    /// The service failed; the cause is in the log, under the request's id.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "request failed");
        Self::logged_failure()
    }

    /// The service failed, which is in the log already.
    fn logged_failure() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the service failed; its log says why under this request's id",
        )
    }

    /// A precondition is not met.
    fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", detail)
    }

    /// With further members.
    fn with_members(mut self, members: Map<String, Value>) -> Self {
        self.0.members.extend(members);
        self
    }

    /// The service is not able to answer at present.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).header(header::RETRY_AFTER, "5")
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The headers that it adds.
    pub(crate) fn headers(&self) -> &[(header::HeaderName, String)] {
        &self.0.headers
    }

    /// What is wrong, and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The document as it goes out.
    fn document(&self) -> ProblemDocument {
        let Inner { status, kind, detail, members, .. } = &*self.0;
        ProblemDocument {
            kind: format!("{TYPE_PREFIX}{kind}"),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.clone(),
            members: members.clone(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.kind, self.0.detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let itself = self.clone();
        let body = serde_json::to_vec(&self.document()).expect("a problem is plain data with text keys");
        let mut response = (self.0.status, body).into_response();
        // For browsers, whose layer makes a page of it.
        response.extensions_mut().insert(itself);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in self.0.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let detail = error.to_string();
        match error {
            ServiceError::Store(error) => Self::from(error),
            ServiceError::Unauthenticated(_) => Self::unauthenticated(detail),
            ServiceError::Forbidden { permissions, .. } if permissions.is_empty() => Self::forbidden(detail),
            ServiceError::Forbidden { permissions, .. } => {
                let names: Vec<_> = permissions.iter().map(|permission| permission.as_str()).collect();
                Self::forbidden(detail).with("permissions", names)
            }
            ServiceError::NotFound(_) => Self::not_found(detail),
            ServiceError::Invalid { details, .. } => Self::invalid(detail).with_members(details),
            ServiceError::Conflict { details, .. } => Self::conflict(detail).with_members(details),
            ServiceError::PreconditionFailed(_) => Self::precondition_failed(detail),
            ServiceError::DestinationRefused { checks } => {
                let checks = serde_json::to_value(checks).unwrap_or_default();
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "verification-failed", detail)
                    .with("checks", checks)
            }
            ServiceError::Unavailable(_) => Self::unavailable(detail),
            ServiceError::Busy { retry_after, .. } => {
                let seconds = retry_after.as_secs().to_string();
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
                    .header(header::RETRY_AFTER, seconds)
            }
            ServiceError::Internal => Self::logged_failure(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = error.to_string();
        match &error {
            StoreError::NotFound { .. } => Self::not_found(detail),
            StoreError::Precondition { .. } => Self::precondition_failed(detail),
            StoreError::Invalid { problems } => {
                let list = problems.iter().take(MAX_LISTED).map(|problem| mistake(problem, None)).collect();
                Self::invalid("the object is not valid").with_problems(list, problems.len())
            }
            StoreError::Inconsistent { problems } => {
                let list = problems.iter().take(MAX_LISTED);
                let list = list.map(|(name, problem)| mistake(problem, Some(name))).collect();
                Self::new(
                    StatusCode::CONFLICT,
                    "inconsistent",
                    "other objects would no longer fit; change them first",
                )
                .with_problems(list, problems.len())
            }
            StoreError::OtherTenant { .. } => Self::conflict(detail),
            StoreError::Listed { connections, .. } => {
                Self::conflict(detail).with("connections", connections.clone())
            }
            StoreError::RunUnderWay { run } => Self::conflict(detail).with("run", run.to_string()),
            StoreError::NulInText => Self::invalid(detail),
            StoreError::Busy | StoreError::DiskFull => Self::unavailable(detail),
            StoreError::ReadOnly => {
                Self::unavailable("the database is read-only at present; try again later")
            }
            StoreError::KeyReused => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
            }
            StoreError::ExportConfiguration { .. } => {
                tracing::error!(%error, "an export cannot be used");
                Self::unavailable(detail)
            }
            _ => {
                tracing::error!(%error, "the store failed");
                Self::unavailable("the store does not answer; the service's log says why")
            }
        }
    }
}

/// A mistake in an object, which may be named beside it.
fn mistake(problem: &validate::CatalogProblem, name: Option<&str>) -> Value {
    let mut value = serde_json::json!({
        "kind": problem.kind.key(),
        "field": problem.path.to_string(),
        "message": problem.message,
    });
    if let Some(name) = name {
        value["name"] = name.into();
    }
    value
}
