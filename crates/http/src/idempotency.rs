//! `Idempotency-Key`: a creating call that is sent again gets the answer of the first, and creates nothing twice.

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_service::caller::Caller;
use domesday_service::idempotency::IdempotencyKey;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::response::json;

/// The header's name.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The answer to a creating call, as it is stored: it contains no secret, which is added to the first answer only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CreatedResponse {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) etag: Option<String>,
    /// As JSON text, in which numbers keep their digits.
    pub(crate) body: Box<serde_json::value::RawValue>,
}

/// Reads the idempotency key of a request, if it has one.
///
/// # Errors
/// 400 when it cannot be one.
pub(crate) fn idempotency_key(
    headers: &HeaderMap,
    caller: &Caller,
    path: &str,
    body: &[u8],
) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let call = IdempotencyKey::new(value.to_str().unwrap_or_default(), caller, path, body);
    call.map(Some).map_err(|error| Problem::bad_request(format!("{IDEMPOTENCY_KEY}: {error}")))
}

impl IntoResponse for CreatedResponse {
    fn into_response(self) -> Response {
        let mut response = json(self.body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::CREATED);
        for (name, value) in [("location", self.location), ("etag", self.etag)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
