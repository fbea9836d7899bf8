//! A request as the API shows it.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domesday_model::{Instant, Request};
use domesday_store::{Store, StoredObject};
use serde::Serialize;

use crate::etag::quoted;
use crate::problem::Problem;
use crate::service::App;

use super::super::objects::ObjectView;
use super::notices::{Notice, notices};

/// A request with why its approval would not suffice.
#[derive(Debug, Serialize)]
pub(super) struct RequestView {
    #[serde(flatten)]
    object: ObjectView,
    notices: Vec<Notice>,
    #[serde(skip)]
    etag: String,
}

impl RequestView {
    pub(super) fn new(store: &mut Store, stored: StoredObject, at: Instant) -> Result<Self, Problem> {
        let request: Request = model(&stored)?;
        let notices = notices(store, &request, at)?;
        Ok(Self { notices, etag: stored.etag.clone(), object: ObjectView::from(stored) })
    }

    /// The view of a request after the transaction that changed it: what it takes to find notices holds up no writer.
    pub(super) async fn read(app: &App, stored: StoredObject, at: Instant) -> Result<Self, Problem> {
        app.pool.with(move |store| Self::new(store, stored, at)).await
    }

    pub(super) fn response(self, status: StatusCode) -> Response {
        (status, [(header::ETAG, quoted(&self.etag))], crate::route::json(self)).into_response()
    }
}

/// A stored request as the model has it.
pub(super) fn model(stored: &StoredObject) -> Result<Request, Problem> {
    serde_json::from_str(&stored.text).map_err(|error| Problem::internal(&error))
}
