//! Why a request of SCIM failed, by what its client can do about it.

use domesday_sources::scim::{ScimError, ScimErrorKind};
use domesday_store::StoreError;

use crate::error::ServiceError;

/// Why a request failed. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ScimFailure {
    /// Correct what was sent.
    #[error(transparent)]
    Request(#[from] ScimError),
    /// Name a resource that exists.
    #[error("{0}")]
    NotFound(String),
    /// Read the resource again and repeat the change.
    #[error("{0}")]
    PreconditionFailed(String),
    /// As any call of the service.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl ScimFailure {
    pub(super) fn request(kind: ScimErrorKind, detail: impl Into<String>) -> Self {
        Self::Request(ScimError::new(kind, detail))
    }
}

impl From<StoreError> for ScimFailure {
    fn from(error: StoreError) -> Self {
        match error {
            // What the catalog does not take of a resource, the client has sent.
            StoreError::Invalid { .. } | StoreError::NulInText => {
                Self::request(ScimErrorKind::InvalidValue, error.to_string())
            }
            error => Self::Service(error.into()),
        }
    }
}
