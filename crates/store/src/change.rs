//! Who makes a change, and its precondition.

use domesday_model::Instant;

use crate::StoreError;

/// Who makes a change, when and from where, as the audit log records it.
#[derive(Debug, Clone, Copy)]
pub struct ChangeBy<'a> {
    /// The username, or another actor (`administrator`, `scheduler`).
    pub actor: &'a str,
    /// The origin of the objects that are changed: `api`, or the name of an importer. An apply uses the origins in the
    /// catalog instead.
    pub origin: &'a str,
    /// The network address that the change came from.
    pub from: Option<&'a str>,
    /// When.
    pub at: Instant,
}

/// The precondition of a change (RFC 9110, section 13.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch<'a> {
    /// None.
    Any,
    /// The object does not exist (`If-None-Match: *`).
    MustNotExist,
    /// The object exists (`If-Match: *`).
    MustExist,
    /// It has this entity tag (`If-Match: "…"`), given without the quotes.
    Etag(&'a str),
}

impl IfMatch<'_> {
    /// Checks the precondition against the entity tag of the stored object, if it exists.
    pub(crate) fn check(self, etag: Option<&str>, target: impl Fn() -> String) -> Result<(), StoreError> {
        match (self, etag) {
            (Self::Any, _) | (Self::MustNotExist, None) | (Self::MustExist, Some(_)) => Ok(()),
            (Self::Etag(expected), Some(etag)) if expected == etag => Ok(()),
            (Self::MustNotExist, Some(_)) => {
                Err(StoreError::Precondition { target: target(), reason: "already exists" })
            }
            (Self::Etag(_), Some(_)) => Err(StoreError::Precondition {
                target: target(),
                reason: "was changed by somebody else; read it again and repeat the change",
            }),
            (Self::MustExist | Self::Etag(_), None) => Err(StoreError::NotFound { target: target() }),
        }
    }
}
