//! What a change requires of the thing that it replaces.

use domesday_store::IfMatch;

use crate::error::ServiceError;

/// A condition on the present state of a thing (RFC 9110, section 13.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// None.
    None,
    /// There must be no such thing.
    MustNotExist,
    /// There must be such a thing.
    MustExist,
    /// The thing must have this entity tag.
    Etag(String),
    /// There must and must not be such a thing: never met.
    Contradictory,
}

impl Precondition {
    /// Whether the precondition is met by a thing with this entity tag, or by none. The store decides again in the
    /// transaction that writes; this refuses early what takes long to prepare.
    ///
    /// # Errors
    /// [`ServiceError::PreconditionFailed`] when it is not met, [`ServiceError::NotFound`] when it requires a thing that
    /// does not exist.
    pub fn check(&self, etag: Option<&str>, what: &str) -> Result<(), ServiceError> {
        let failed = |message: String| Err(ServiceError::PreconditionFailed(message));
        match (self, etag) {
            (Self::Contradictory, _) => self.as_if_match().map(drop),
            (Self::MustNotExist, Some(_)) => failed(format!("{what} exists already")),
            (Self::Etag(expected), Some(etag)) if expected != etag => {
                failed(format!("{what} was changed by somebody else; read it again and repeat the change"))
            }
            (Self::Etag(_) | Self::MustExist, None) => {
                Err(ServiceError::not_found(format!("{what} does not exist")))
            }
            _ => Ok(()),
        }
    }

    /// The precondition as the store takes it.
    ///
    /// # Errors
    /// [`ServiceError::PreconditionFailed`] when it is contradictory.
    pub fn as_if_match(&self) -> Result<IfMatch<'_>, ServiceError> {
        match self {
            Self::None => Ok(IfMatch::Any),
            Self::MustNotExist => Ok(IfMatch::MustNotExist),
            Self::MustExist => Ok(IfMatch::MustExist),
            Self::Etag(tag) => Ok(IfMatch::Etag(tag)),
            Self::Contradictory => Err(ServiceError::PreconditionFailed(
                "If-Match and If-None-Match cannot both hold; send one of them".to_owned(),
            )),
        }
    }
}
