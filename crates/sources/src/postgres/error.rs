//! Why a database cannot be read.

use std::time::Duration;

use crate::network::ConnectError;

/// Why a database cannot be read, by what can be done about it. No error contains the password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostgresError {
    /// A field of the connection is invalid; nothing was connected to.
    #[error("`{field}` is invalid: {message}")]
    Configuration {
        /// The field.
        field: &'static str,
        /// What was expected, and what was found.
        message: String,
    },
    /// The server cannot be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server does not let the role in.
    #[error("the database server does not let `{user}` in: {reason}")]
    Refused {
        /// The role.
        user: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The server did not answer in time.
    #[error("`{host}` did not answer within {} s; nothing was read", limit.as_secs_f64())]
    TimedOut {
        /// Host and port.
        host: String,
        /// How long was waited.
        limit: Duration,
    },
    /// The connection ended, or what answers is no PostgreSQL server.
    #[error("the connection to `{host}` ended: {reason}; nothing was read")]
    Interrupted {
        /// Host and port.
        host: String,
        /// The error.
        reason: String,
    },
    /// The server is older than version 13.
    #[error("PostgreSQL {found} is too old; versions 13 and later are supported")]
    TooOld {
        /// The major version found.
        found: u32,
    },
    /// The role may not read a catalog table, which every role usually may.
    #[error(
        "the role `{user}` may not read what it must: {reason}\nhelp: every role can read the catalog tables unless that was revoked; \
         grant SELECT on them to the role"
    )]
    Denied {
        /// The role.
        user: String,
        /// What the server said.
        reason: String,
    },
    /// There is more than is read.
    #[error(
        "the database has {found} {what}, and at most {most} are read; nothing was read\nhelp: narrow `schemas`"
    )]
    TooLarge {
        /// What there are too many of.
        what: &'static str,
        /// How many.
        found: u64,
        /// The bound.
        most: u64,
    },
    /// A query failed.
    #[error("the database cannot be read: {0}; nothing was read")]
    Failed(String),
}
