//! The tokens of a connection: who may create, see and revoke them.

use domesday_model::{Excerpt, Instant};
use domesday_store::{NewScimToken, ScimToken, Store};
use secrecy::SecretString;
use uuid::Uuid;

use super::layer::{self, OpenConnection};
use crate::caller::Caller;
use crate::error::ServiceError;
use crate::key_secret;

/// The longest name of a token, in characters.
const MAX_NAME_CHARS: usize = 200;

/// The most tokens that a connection has, those that were revoked not counted.
const MAX_TOKENS: usize = 100;

/// What a token is called whose creator gives it no name.
const DEFAULT_NAME: &str = "SCIM";

fn find(store: &mut Store, name: &str) -> Result<OpenConnection, ServiceError> {
    layer::open(store, name)?.ok_or_else(|| {
        let name = Excerpt(name);
        ServiceError::not_found(format!(
            "there is no connection `{name}` of the kind `scim`; only those have tokens"
        ))
    })
}

/// Creates a token of a connection. The caller needs USER_ADMIN, which the route requires.
///
/// # Errors
/// When there is no such connection, it has too many tokens, or the name is not valid.
pub fn create_token(
    store: &mut Store,
    caller: &Caller,
    connection: &str,
    name: Option<String>,
    now: Instant,
) -> Result<(ScimToken, SecretString), ServiceError> {
    let connection = find(store, connection)?;
    let name = name.unwrap_or_else(|| DEFAULT_NAME.to_owned());
    if name.trim().is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(ServiceError::invalid(
            "`name` must say what the token is for, in at most 200 characters",
        ));
    }
    let valid = store.scim_tokens(connection.id)?;
    if valid.iter().filter(|token| token.revoked_at.is_none()).count() >= MAX_TOKENS {
        let message = format!("the connection has {MAX_TOKENS} tokens; revoke those that are not used");
        return Err(ServiceError::conflict(message));
    }
    let secret = key_secret::generate_scim_token().map_err(|error| ServiceError::internal(&error))?;
    let new = NewScimToken {
        id: Uuid::new_v4(),
        connection: connection.id,
        connection_name: connection.name,
        name,
    };
    let hash = key_secret::hash(&secret);
    let token = caller.change(now, |change| store.create_scim_token(new, &hash, change))?;
    Ok((token, secret))
}

/// Returns the tokens of a connection, oldest first, those that were revoked included.
///
/// # Errors
/// When there is no such connection.
pub fn tokens(store: &mut Store, connection: &str) -> Result<Vec<ScimToken>, ServiceError> {
    let connection = find(store, connection)?;
    Ok(store.scim_tokens(connection.id)?)
}

/// Revokes a token of a connection. The caller needs USER_ADMIN, which the route requires.
///
/// # Errors
/// When there is no such connection, or it has no such token.
pub fn revoke_token(
    store: &mut Store,
    caller: &Caller,
    connection: &str,
    id: Uuid,
    now: Instant,
) -> Result<(), ServiceError> {
    let connection = find(store, connection)?;
    let of = (connection.id, connection.name.as_str());
    Ok(caller.change(now, |change| store.revoke_scim_token(of, id, change))?)
}
