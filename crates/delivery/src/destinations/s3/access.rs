//! Who calls S3, and with how much retry_policy.

use super::credentials::{AssumedRole, SigningIdentity};
use crate::http::Timeouts;
use crate::{Environment, RetryPolicy};

/// Who calls S3, and with how much retry_policy.
#[derive(Debug, Clone)]
pub struct S3Access {
    /// Whose credentials sign.
    pub identity: SigningIdentity,
    /// A role to assume with them first.
    pub role: Option<AssumedRole>,
    /// The environment variables.
    pub environment: Environment,
    /// How long a server may take.
    pub timeouts: Timeouts,
    /// How often calls are repeated.
    pub retry_policy: RetryPolicy,
    /// How many files are put at the same time.
    pub parallel: usize,
}

impl S3Access {
    /// Creates the access of an identity, with the default retry policy.
    #[must_use]
    pub fn new(identity: SigningIdentity, role: Option<AssumedRole>, environment: Environment) -> Self {
        Self {
            identity,
            role,
            environment,
            timeouts: Timeouts::default(),
            retry_policy: RetryPolicy::default(),
            parallel: 4,
        }
    }
}
