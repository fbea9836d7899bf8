//! Who is pushing: a token of the connection, checked for every request, and again in the transaction that writes.

use std::net::IpAddr;

use domesday_model::Instant;
use domesday_store::{ChangeBy, ScimToken, Store};
use secrecy::SecretString;
use uuid::Uuid;

use super::error::ScimFailure;
use super::layer::{self, OpenConnection};
use super::reader::Reader;
use super::writer::Writer;
use crate::clock::Clock;
use crate::error::{AuthenticationError, ServiceError};
use crate::key_secret;
use crate::last_use::{LastUse, Used};
use crate::pool::Pool;

/// An identity provider that was let in.
#[derive(Debug, Clone)]
pub struct ScimClient {
    connection: String,
    token: Uuid,
    address: IpAddr,
    /// The address of the connection's resources, without a slash at its end.
    base: String,
}

/// Checks the token of a request to a connection, whose resources are below the address `base`.
///
/// # Errors
/// [`ServiceError::Unauthenticated`] when it is no valid token of the connection. The error does not tell whether there is
/// such a connection.
pub async fn authenticate(
    pool: &Pool,
    last_use: &LastUse,
    secret: SecretString,
    connection: String,
    base: String,
    address: IpAddr,
    now: Instant,
) -> Result<ScimClient, ServiceError> {
    let name = connection.clone();
    let look_up = move |store: &mut Store| -> Result<_, ServiceError> {
        // Looked up by its hash: the time of the lookup could reveal only a hash of 256 random bits.
        let token = store.scim_token_by_hash(&key_secret::hash(&secret))?;
        // A token that is not accepted says nothing about the connection to the database, which the pool tests after an
        // error.
        match admit(store, token, &name) {
            Err(error @ ServiceError::Unauthenticated(_)) => Ok(Err(error)),
            result => result.map(|(_, token)| Ok(token)),
        }
    };
    let token = pool.with(look_up).await??;
    last_use.record(Used::ScimToken(token.id), token.last_used_at, now);
    Ok(ScimClient { connection, token: token.id, address, base })
}

/// Returns the connection when the token is a valid one of it.
fn admit(
    store: &mut Store,
    token: Option<ScimToken>,
    connection: &str,
) -> Result<(OpenConnection, ScimToken), ServiceError> {
    let refuse = |error| Err(ServiceError::Unauthenticated(error));
    let Some(token) = token else { return refuse(AuthenticationError::UnknownToken) };
    let connection = layer::open(store, connection)?.filter(|connection| connection.id == token.connection);
    let Some(connection) = connection else { return refuse(AuthenticationError::UnknownToken) };
    if token.revoked_at.is_some() {
        return refuse(AuthenticationError::RevokedToken);
    }
    Ok((connection, token))
}

fn admit_again(store: &mut Store, client: &ScimClient) -> Result<OpenConnection, ServiceError> {
    let token = store.scim_token(client.token)?;
    Ok(admit(store, token, &client.connection)?.0)
}

/// Runs a request that reads, in one consistent read.
///
/// # Errors
/// When the client is no longer let in; what `work` fails with.
pub async fn read<T, F>(pool: &Pool, client: ScimClient, work: F) -> Result<T, ScimFailure>
where
    T: Send + 'static,
    F: FnOnce(&mut Reader<'_>) -> Result<T, ScimFailure> + Send + 'static,
{
    let look = move |store: &mut Store| {
        store.consistent_read(|store| {
            let connection = admit_again(store, &client)?;
            work(&mut Reader::new(store, &connection, &client.base))
        })
    };
    pool.with(look).await
}

/// Runs a request that writes, in one exclusive transaction.
///
/// # Errors
/// When the client is no longer let in; what `work` fails with. In each case nothing changes.
pub async fn write<T, F>(pool: &Pool, clock: &Clock, client: ScimClient, work: F) -> Result<T, ScimFailure>
where
    T: Send + 'static,
    F: FnOnce(&mut Writer<'_>) -> Result<T, ScimFailure> + Send + 'static,
{
    let clock = clock.clone();
    let change = move |store: &mut Store| {
        store.exclusive_transaction(|store| {
            let connection = admit_again(store, &client)?;
            let (actor, from) = (format!("scim:{}", connection.name), client.address.to_string());
            let change =
                ChangeBy { actor: &actor, origin: &connection.name, from: Some(&from), at: clock.now() };
            let mut writer = Writer::new(Reader::new(store, &connection, &client.base), &change);
            let done = work(&mut writer)?;
            writer.record()?;
            Ok(done)
        })
    };
    pool.with_writer(change).await
}
