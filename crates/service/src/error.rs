//! Why a call of the service failed, by what its caller can do about it.

use std::fmt::Display;
use std::time::Duration;

use domesday_delivery::VerificationCheck;
use domesday_model::Permission;
use domesday_store::StoreError;
use serde_json::{Map, Value};

/// Facts about an error for programs, by name, such as `run` or `problems`.
pub type Details = Map<String, Value>;

/// How many mistakes an error lists; its `problemCount` is of all.
pub const MAX_LISTED: usize = 100;

/// Why a call failed. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Authenticate with a valid API key.
    #[error("{0}")]
    Unauthenticated(AuthenticationError),
    /// Ask somebody who may, or get the permissions that are named.
    #[error("{message}")]
    Forbidden {
        /// What is not allowed, and what it needs.
        message: String,
        /// The permissions that would allow it, or that the caller lacks.
        permissions: Vec<Permission>,
    },
    /// Name something that exists.
    #[error("{0}")]
    NotFound(String),
    /// Correct what was sent.
    #[error("{message}")]
    Invalid {
        /// What is wrong with it.
        message: String,
        /// Where, for programs.
        details: Details,
    },
    /// Read the present state, then decide again.
    #[error("{message}")]
    Conflict {
        /// What the call does not fit.
        message: String,
        /// What it is about, for programs.
        details: Details,
    },
    /// Read the object again and repeat the change, or change the precondition.
    #[error("{0}")]
    PreconditionFailed(String),
    /// Correct the destination: each failed check says how.
    #[error(
        "the destination does not take a summary yet; nothing was saved. Each failed check says what to fix"
    )]
    DestinationRefused {
        /// Every check, in order.
        checks: Vec<VerificationCheck>,
    },
    /// Send the call again later.
    #[error("{0}")]
    Unavailable(String),
    /// As many calls of this kind as are allowed are under way: send it again after a while.
    #[error("{message}")]
    Busy {
        /// What there are too many of.
        message: String,
        /// How long such a call takes at most.
        retry_after: Duration,
    },
    /// Nothing but to read the service's log, where the cause is.
    #[error("the service failed; its log says why")]
    Internal,
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an API key is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthenticationError {
    /// No key has this secret.
    #[error("there is no such API key")]
    UnknownKey,
    /// The key has expired.
    #[error("this API key has expired; ask for a new one")]
    ExpiredKey,
    /// The key was revoked.
    #[error("this API key was revoked; ask for a new one")]
    RevokedKey,
    /// The key's user is disabled or was deleted.
    #[error("the user of this API key is disabled or gone")]
    DisabledUser,
    /// No token of the connection has this secret.
    #[error("there is no such token of this connection")]
    UnknownToken,
    /// The token was revoked.
    #[error("this token was revoked; create another one for the connection")]
    RevokedToken,
    /// There is no session with this token, or it has ended.
    #[error("you are not signed in, or your session has ended; sign in again")]
    NoSession,
    /// The link of the first start was used, has expired, or somebody has signed in already.
    #[error(
        "this link is no longer valid: it works once, for 15 minutes, until somebody has signed in; sign in with an API \
         key, or restart the service for another link if nobody has signed in yet"
    )]
    InvalidLink,
}

impl ServiceError {
    /// A call whose caller may not make it.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden { message: message.into(), permissions: Vec::new() }
    }

    /// A call that needs GOVERNANCE.
    pub fn needs_governance(message: impl Into<String>) -> Self {
        Self::Forbidden { message: message.into(), permissions: vec![Permission::Governance] }
    }

    /// A call by somebody who lacks all of these permissions and needs one.
    #[must_use]
    pub fn lacks_any(needed: &[Permission]) -> Self {
        Self::lacks(needed, " or ")
    }

    /// A call by somebody who lacks one of these permissions and needs all.
    #[must_use]
    pub fn lacks_all(needed: &[Permission]) -> Self {
        Self::lacks(needed, " and ")
    }

    fn lacks(needed: &[Permission], conjunction: &str) -> Self {
        let names: Vec<_> = needed.iter().map(|permission| permission.as_str()).collect();
        let names = names.join(conjunction);
        let message = format!("this needs the permission {names}, which this API key or its user lacks");
        Self::Forbidden { message, permissions: needed.to_vec() }
    }

    /// A call about something that does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(message.into())
    }

    /// A call that is well-formed and wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid { message: message.into(), details: Details::new() }
    }

    /// A call that does not fit the present state.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into(), details: Details::new() }
    }

    /// A call that cannot be answered at present.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable(message.into())
    }

    /// A call that met a fault of the service, whose cause goes to the log.
    pub fn internal(cause: &dyn Display) -> Self {
        tracing::error!(error = %cause, "request failed");
        Self::Internal
    }

    /// Adds a fact for programs. Errors without details ignore it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Self::Invalid { details, .. } | Self::Conflict { details, .. } = &mut self {
            details.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Adds the first mistakes, and how many there are.
    #[must_use]
    pub fn with_problems(self, mut problems: Vec<Value>, count: usize) -> Self {
        problems.truncate(MAX_LISTED);
        self.with("problems", problems).with("problemCount", count)
    }
}
