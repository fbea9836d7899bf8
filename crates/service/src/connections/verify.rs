//! The trial of a connection.

use domesday_model::{Connection, Instant, Kind};
use domesday_sources::connections::{Access, Findings, verify as verify_source};
use domesday_store::Store;
use secrecy::SecretString;

use crate::error::ServiceError;
use crate::machine::BlockingWork;

use super::configuration::{account, check_configuration};
use super::sync::{SyncContext, secret};

/// Connects to the source of a connection as a sync would, and says what it finds. Changes nothing. Without a password, the
/// one that is kept for the connection is used, as long as its address and account stay the same.
///
/// # Errors
/// What is wrong, and what to do about it.
pub async fn verify(
    context: &SyncContext,
    connection: Connection,
    password: Option<SecretString>,
) -> Result<(Findings, Instant), ServiceError> {
    check_configuration(&connection)?;
    let (context, machine) = (context.clone(), context.clock.machine().clone());
    let work = move || -> Result<_, ServiceError> {
        let password = match password {
            Some(password) => Some(password),
            None => kept(&context, &connection)?,
        };
        let judge =
            |host: &str, addresses: &[std::net::SocketAddr]| context.allowed_hosts.judge(host, addresses);
        let access = Access { password, authorities: context.authorities.to_vec(), judge_addresses: &judge };
        let findings = verify_source(&connection, &access);
        Ok((findings.map_err(|error| ServiceError::invalid(error.to_string()))?, context.clock.now()))
    };
    machine.run_blocking(BlockingWork::Verification, work).await.unwrap_or_else(Err)
}

fn kept(context: &SyncContext, connection: &Connection) -> Result<Option<SecretString>, ServiceError> {
    let mut store: Store = context.pool.connect()?;
    let stored = store.object(Kind::Connection, &connection.name)?;
    let stored: Option<Connection> = stored.and_then(|it| serde_json::from_value(it.document).ok());
    // A password is not sent to an address that it was not given for.
    if stored.is_some_and(|stored| account(&stored) != account(connection)) {
        return Ok(None);
    }
    secret(context, &mut store, connection).map_err(ServiceError::invalid)
}
