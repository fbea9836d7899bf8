//! Errors in the form of SCIM (RFC 7644, section 3.12).

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_service::ServiceError;
use domesday_service::scim::ScimFailure;
use domesday_sources::scim::{ERROR_SCHEMA, ScimError};
use serde_json::json;

use crate::problem::Problem;

/// The media type of SCIM.
pub(super) const MEDIA_TYPE: &str = "application/scim+json";

/// An error, as it goes out.
#[derive(Debug)]
pub(super) struct ScimProblem {
    status: StatusCode,
    scim_type: Option<&'static str>,
    detail: String,
    headers: Vec<(HeaderName, String)>,
}

impl ScimProblem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into(), headers: Vec::new() }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    fn body(&self) -> Vec<u8> {
        let mut body = json!({
            "schemas": [ERROR_SCHEMA],
            "status": self.status.as_str(),
            "detail": self.detail,
        });
        if let Some(scim_type) = self.scim_type {
            body["scimType"] = scim_type.into();
        }
        body.to_string().into_bytes()
    }
}

impl From<ScimError> for ScimProblem {
    fn from(error: ScimError) -> Self {
        let status = StatusCode::from_u16(error.kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self { scim_type: Some(error.kind.as_str()), ..Self::new(status, error.detail) }
    }
}

impl From<Problem> for ScimProblem {
    fn from(problem: Problem) -> Self {
        let headers = problem.headers().to_vec();
        Self { headers, ..Self::new(problem.status(), problem.detail()) }
    }
}

impl From<ScimFailure> for ScimProblem {
    fn from(failure: ScimFailure) -> Self {
        match failure {
            ScimFailure::Request(error) => error.into(),
            ScimFailure::NotFound(detail) => Self::not_found(detail),
            ScimFailure::PreconditionFailed(detail) => Self::new(StatusCode::PRECONDITION_FAILED, detail),
            ScimFailure::Service(error) => error.into(),
        }
    }
}

impl From<ServiceError> for ScimProblem {
    fn from(error: ServiceError) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for ScimProblem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// Brings a problem of the API into the form of SCIM: limits of size, number and time are those of the API.
pub(crate) fn answer_errors(response: Response) -> Response {
    match response.extensions().get::<Problem>() {
        Some(problem) => ScimProblem::from(problem.clone()).into_response(),
        None => response,
    }
}
