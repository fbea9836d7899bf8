//! A request as the API shows it.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_model::Instant;
use domesday_service::Pool;
use domesday_service::requests::{Obstacle, find_obstacles};
use domesday_store::{Store, StoredObject};
use serde::Serialize;

use crate::etag::quote;
use crate::problem::Problem;
use crate::response::json;

use super::object_view::ObjectView;

/// A request with why its approval would not suffice.
#[derive(Debug, Serialize)]
pub(super) struct RequestView {
    #[serde(flatten)]
    object: ObjectView,
    #[serde(rename = "notices")]
    obstacles: Vec<Obstacle>,
    #[serde(skip)]
    etag: String,
}

impl RequestView {
    /// Returns the view of a stored request.
    pub(super) fn new(store: &mut Store, stored: StoredObject, at: Instant) -> Result<Self, Problem> {
        let obstacles = find_obstacles(store, &stored, at)?;
        Ok(Self { obstacles, etag: stored.etag.clone(), object: ObjectView::from(stored) })
    }

    /// Returns the view of a request after the transaction that changed it: finding obstacles holds up no writer.
    pub(super) async fn read(pool: &Pool, stored: StoredObject, at: Instant) -> Result<Self, Problem> {
        pool.with(move |store| Self::new(store, stored, at)).await
    }

    pub(super) fn response(self, status: StatusCode) -> Response {
        (status, [(header::ETAG, quote(&self.etag))], json(self)).into_response()
    }
}
