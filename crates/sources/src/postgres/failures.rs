//! Which error a failure of the client is.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use postgres::error::SqlState;

use super::address::Address;
use super::error::PostgresError;
use super::privileges::PrivilegesError;
use crate::network::ConnectError;
use crate::tls::explain_certificate;

/// Returns why connecting failed.
pub(super) fn connecting(
    error: &postgres::Error,
    address: &Address,
    has_password: bool,
    limit: Duration,
) -> PostgresError {
    let host = address.server.shown();
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
            return ConnectError::Tls { host, reason }.into();
        }
        return match error.kind() {
            io::ErrorKind::TimedOut => PostgresError::TimedOut { host, limit },
            _ => PostgresError::Interrupted { host, reason: error.to_string() },
        };
    }
    let reason = source.to_string();
    match reason.as_str() {
        "server does not support TLS" => ConnectError::Tls {
            host,
            reason: "the server does not support TLS\nhelp: enable TLS there, or write `sslmode=disable` in `url` if the network between \
                     them is trusted"
                .to_owned(),
        }
        .into(),
        "password missing" if !has_password => PostgresError::Refused {
            user: address.user.clone(),
            reason: "it asks for a password, and the connection has none\nhelp: set `password`".to_owned(),
        },
        _ => PostgresError::Interrupted { host, reason: format!("{error}: {reason}") },
    }
}

/// Returns why reading failed.
pub(super) fn reading(error: PrivilegesError, address: &Address, limit: Duration) -> PostgresError {
    let host = address.server.shown();
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
