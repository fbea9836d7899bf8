//! Parts of responses.

use axum::Json;
use axum::response::{IntoResponse, Response};

/// Returns an answer in JSON.
pub(crate) fn json(value: impl serde::Serialize) -> Response {
    Json(value).into_response()
}
