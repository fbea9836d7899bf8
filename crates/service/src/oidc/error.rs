//! Why single sign-on did not sign anybody in.

use domesday_store::StoreError;

use crate::error::ServiceError;

/// Why single sign-on did not sign anybody in. There is no session then.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The browser did not begin this sign-in, or it is over.
    #[error(
        "this sign-in was not begun in this browser, took longer than 10 minutes, or was completed before; begin it again"
    )]
    NotBegun,
    /// The provider did not sign the person in.
    #[error("the provider of single sign-on did not sign you in: it answered `{0}`")]
    Declined(String),
    /// The provider cannot be reached, or its answer cannot be used. The log has the cause.
    #[error("the provider of single sign-on did not answer as expected; the service's log says why")]
    Provider(String),
    /// The token of the provider is not valid for this sign-in. The log has the cause.
    #[error("the provider's token is not valid for this sign-in; the service's log says why")]
    InvalidToken(&'static str),
    /// The token has no claim that names a user.
    #[error("single sign-on did not say who you are: there is no claim {0} with a name")]
    NoName(String),
    /// The only name is an address that the provider has not verified.
    #[error("single sign-on knows you as `{0}` only, an e-mail address that it has not verified")]
    UnverifiedEmail(String),
    /// No user of the catalog has the name.
    #[error("single sign-on knows you as `{0}`, and the catalog has no such user")]
    UnknownUser(String),
    /// Several users of the catalog have the address.
    #[error("single sign-on knows you as `{0}`, and the catalog has several users with this e-mail address")]
    AmbiguousEmail(String),
    /// The user is disabled.
    #[error("the user `{0}` is disabled")]
    DisabledUser(String),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<StoreError> for OidcError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

/// Longest part of a text of the provider that is shown or logged, in characters.
const MAX_CHARS: usize = 200;

/// Returns the beginning of a text of the provider without control characters.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_CHARS).collect()
}
