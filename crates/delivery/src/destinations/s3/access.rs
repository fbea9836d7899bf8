//! Who calls S3, and with how much patience.

use super::credentials::{Identity, Role};
use crate::http::Timeouts;
use crate::{Environment, Patience};

/// Who calls S3, and with how much patience.
#[derive(Debug, Clone)]
pub struct Access {
    /// Whose credentials sign.
    pub identity: Identity,
    /// A role to assume with them first.
    pub role: Option<Role>,
    /// The environment variables.
    pub environment: Environment,
    /// How long a server may take.
    pub timeouts: Timeouts,
    /// How often calls are repeated.
    pub patience: Patience,
    /// How many files are put at the same time.
    pub parallel: usize,
}

impl Access {
    /// Creates the access of an identity, with the default retry policy.
    #[must_use]
    pub fn new(identity: Identity, role: Option<Role>, environment: Environment) -> Self {
        Self {
            identity,
            role,
            environment,
            timeouts: Timeouts::default(),
            patience: Patience::default(),
            parallel: 4,
        }
    }
}
