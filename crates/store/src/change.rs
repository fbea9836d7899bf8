//! Who changes something, and on what condition.

use domesday_model::Instant;

use crate::StoreError;

/// Who changes something, when and from where: what the audit log says of every change.
#[derive(Debug, Clone, Copy)]
pub struct ChangeBy<'a> {
    /// The username, or another name for who acts (`administrator`, `scheduler`).
    pub actor: &'a str,
    /// What objects changed this way have as their origin: `api`, or the importer's name. An apply keeps the
    /// origins that the catalog gives.
    pub origin: &'a str,
    /// The address that the change came from, where it came over a network.
    pub from: Option<&'a str>,
    /// When.
    pub at: Instant,
}

/// What must hold of the thing that a change replaces (RFC 9110, section 13.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch<'a> {
    /// Nothing.
    Any,
    /// There is none yet (`If-None-Match: *`).
    MustNotExist,
    /// There is one (`If-Match: *`).
    MustExist,
    /// It has this entity tag (`If-Match: "…"`), given without the quotes.
    Etag(&'a str),
}

impl IfMatch<'_> {
    /// Whether the condition holds, `etag` being that of what there is.
    pub(crate) fn check(self, etag: Option<&str>, target: impl Fn() -> String) -> Result<(), StoreError> {
        match (self, etag) {
            (Self::Any, _) | (Self::MustNotExist, None) | (Self::MustExist, Some(_)) => Ok(()),
            (Self::Etag(expected), Some(etag)) if expected == etag => Ok(()),
            (Self::MustNotExist, Some(_)) => {
                Err(StoreError::Precondition { target: target(), reason: "exists already" })
            }
            (Self::Etag(_), Some(_)) => Err(StoreError::Precondition {
                target: target(),
                reason: "was changed by somebody else; read it again and repeat the change",
            }),
            (Self::MustExist | Self::Etag(_), None) => Err(StoreError::NotFound { target: target() }),
        }
    }
}
