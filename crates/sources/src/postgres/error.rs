//! Why a database cannot be read.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use postgres::error::SqlState;

use super::address::Address;
use super::privileges::PrivilegesError;
use crate::tls::explain_certificate;

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
    /// Connecting to the host is not allowed.
    #[error("connecting to `{host}` is not allowed: {reason}")]
    NotAllowed {
        /// The host of the URL.
        host: String,
        /// Why.
        reason: String,
    },
    /// The server cannot be reached.
    #[error(
        "cannot connect to `{host}`: {reason}\nhelp: check the host and port of `url`, and that a firewall lets it through"
    )]
    Unreachable {
        /// Host and port.
        host: String,
        /// The error of the system.
        reason: String,
    },
    /// TLS cannot be established.
    #[error("no TLS connection to `{host}`: {reason}")]
    Tls {
        /// Host and port.
        host: String,
        /// Why, and what to do.
        reason: String,
    },
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

/// Returns why connecting failed.
pub(super) fn connecting(
    error: &postgres::Error,
    address: &Address,
    has_password: bool,
    limit: Duration,
) -> PostgresError {
    let host = address.shown();
    if let Some(error) = error.as_db_error() {
        let message = error.message();
        let refused = |help: &str| PostgresError::Refused {
            user: address.user.clone(),
            reason: format!("{message}{help}"),
        };
        let code = error.code();
        return if *code == SqlState::INVALID_PASSWORD {
            refused("\nhelp: check the user in `url` and the password")
        } else if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
            refused(
                "\nhelp: check the user in `url` and `sslmode`; pg_hba.conf of the server says who may connect from where",
            )
        } else if *code == SqlState::INVALID_CATALOG_NAME {
            refused("\nhelp: check the database in `url`")
        } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
            refused("\nhelp: grant CONNECT on the database to the role")
        } else {
            refused("")
        };
    }
    let Some(source) = error.source() else {
        return PostgresError::Interrupted { host, reason: error.to_string() };
    };
    if let Some(error) = source.downcast_ref::<io::Error>() {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            let reason = explain_certificate(tls).unwrap_or_else(|| tls.to_string());
            return PostgresError::Tls { host, reason };
        }
        return match error.kind() {
            io::ErrorKind::TimedOut => PostgresError::TimedOut { host, limit },
            _ => PostgresError::Interrupted { host, reason: error.to_string() },
        };
    }
    let reason = source.to_string();
    match reason.as_str() {
        "server does not support TLS" => PostgresError::Tls {
            host,
            reason: "the server does not support TLS\nhelp: enable TLS there, or write `sslmode=disable` in `url` if the network between \
                     them is trusted"
                .to_owned(),
        },
        "password missing" if !has_password => PostgresError::Refused {
            user: address.user.clone(),
            reason: "it asks for a password, and the connection has none\nhelp: set `password`".to_owned(),
        },
        _ => PostgresError::Interrupted { host, reason: format!("{error}: {reason}") },
    }
}

/// Returns why reading failed.
pub(super) fn reading(error: PrivilegesError, address: &Address, limit: Duration) -> PostgresError {
    let host = address.shown();
    match error {
        PrivilegesError::TimedOut => PostgresError::TimedOut { host, limit },
        PrivilegesError::TooOld { found } => PostgresError::TooOld { found },
        error @ (PrivilegesError::UnknownRole { .. } | PrivilegesError::NoDatabase) => {
            PostgresError::Failed(error.to_string())
        }
        PrivilegesError::Database(error) => match error.as_db_error() {
            Some(error) if *error.code() == SqlState::QUERY_CANCELED => {
                PostgresError::TimedOut { host, limit }
            }
            Some(error) if *error.code() == SqlState::INSUFFICIENT_PRIVILEGE => {
                PostgresError::Denied { user: address.user.clone(), reason: error.message().to_owned() }
            }
            Some(error) => PostgresError::Failed(error.message().to_owned()),
            None => {
                let reason = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                PostgresError::Interrupted { host, reason }
            }
        },
    }
}
