//! The state that requests share.

use std::sync::Arc;

use bytes::Bytes;
use domesday_service::Service;

use crate::event_streams::EventStreams;
use crate::limiter::Limiter;

/// The state that requests share; cheap to clone.
pub(crate) type App = Arc<AppState>;

/// The service, and what HTTP adds to it.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) service: Arc<Service>,
    /// Limits failed authentication.
    pub(crate) limiter: Limiter,
    /// Places for streams of events.
    pub(crate) event_streams: EventStreams,
    /// The OpenAPI document.
    pub(crate) openapi: Bytes,
}
