//! Sessions of the console: how they begin and end, and the caller that a session stands for.
//!
//! A session begins with an API key, with the link of the first start, which stands for the operator's own key, or by
//! single sign-on. It has exactly the rights of that key, or those of the user who signed in without one: they are looked
//! up with every request, and again in the transaction of a change ([`crate::caller::write`]). It ends after
//! [`validity::IDLE`] without a request and [`LIFETIME`] after it began, by signing out, with its key and with its user. Its
//! token is 256 random bits, of which the store has the SHA-256.

pub(crate) mod validity;

use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domesday_model::{Instant, Permission, UserId};
use domesday_store::{ApiKey, ChangeBy, NewSession, Session, SignInMethod, Store};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::caller::{self, ADMINISTRATOR, Caller, Permit, identify, identify_user};
use crate::clock::Clock;
use crate::error::{AuthenticationError, ServiceError};
use crate::key_secret::{hash, random_text};
use crate::last_use::{LastUse, Used};
use crate::pool::Pool;
use validity::{delete_expired, is_valid};

pub use validity::LIFETIME;

/// How long the link of the first start is valid, in microseconds: 15 minutes.
const LINK_LIFETIME: i64 = 15 * 60 * 1_000_000;

/// How long the start of the service waits for the link of the first start to be stored.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The longest `User-Agent` header that is stored, in bytes.
const MAX_BROWSER: usize = 300;

/// Where somebody signs in from.
#[derive(Debug, Clone)]
pub struct Client {
    /// The address.
    pub address: IpAddr,
    /// The `User-Agent` header.
    pub browser: String,
}

impl Client {
    fn session(&self, api_key: Option<Uuid>, user: Option<UserId>, method: SignInMethod) -> NewSession {
        let mut browser = self.browser.clone();
        browser.truncate(browser.floor_char_boundary(MAX_BROWSER));
        // Not every database stores the character U+0000.
        browser.retain(|character| !character.is_control());
        NewSession { id: Uuid::new_v4(), api_key, user, method, address: self.address.to_string(), browser }
    }
}

/// Returns a new token, of a session or of a link.
///
/// # Errors
/// When the system gives no random bytes.
fn new_token() -> Result<SecretString, getrandom::Error> {
    random_text().map(SecretString::from)
}

/// Returns the token that forms of a session carry, so that nobody else can send one. It follows from the session's
/// token, which only the browser has, and reveals nothing of it.
#[must_use]
pub fn form_token(token: &SecretString) -> String {
    let mut hash = Sha256::new();
    hash.update(b"domesday form token\0");
    hash.update(token.expose_secret().as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// Returns whether a form was sent from a session. The comparison takes the same time wherever the tokens differ.
#[must_use]
pub fn is_form_token(token: &SecretString, sent: &str) -> bool {
    let expected = form_token(token);
    let differing = expected.bytes().zip(sent.bytes()).fold(0, |found, (one, other)| found | (one ^ other));
    expected.len() == sent.len() && differing == 0
}

/// Signs in with an API key, and returns the token of the new session.
///
/// # Errors
/// [`ServiceError::Unauthenticated`] when the key is not accepted.
pub async fn sign_in(
    pool: &Pool,
    last_use: &LastUse,
    clock: &Clock,
    key: SecretString,
    client: Client,
) -> Result<SecretString, ServiceError> {
    let caller =
        caller::authenticate(pool, last_use, key, Permit::AnyKey, client.address, clock.now()).await?;
    let token = new_token().map_err(|error| ServiceError::internal(&error))?;
    let hash = hash(&token);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), ServiceError> {
        delete_expired(store, now)?;
        let new = client.session(caller.key, caller.user_id, SignInMethod::Key);
        caller.change(now, |change| {
            store.create_session(new, &hash, &ChangeBy { origin: "console", ..*change })
        })?;
        Ok(())
    };
    caller::write(pool, clock, caller, work).await?;
    Ok(token)
}

/// Signs in the operator with the token of a link, and returns the token of the new session.
///
/// # Errors
/// [`ServiceError::Unauthenticated`] when the link is not valid, or no key of the operator is.
pub async fn sign_in_by_link(
    pool: &Pool,
    clock: &Clock,
    link: SecretString,
    client: Client,
) -> Result<SecretString, ServiceError> {
    let token = new_token().map_err(|error| ServiceError::internal(&error))?;
    let (link, session, clock) = (hash(&link), hash(&token), clock.clone());
    let work = move |store: &mut Store| -> Result<bool, ServiceError> {
        store.exclusive_transaction(|store| {
            let now = clock.now();
            if !store.take_sign_in_link(&link, now)? {
                return Ok(false);
            }
            let has_all =
                |key: &ApiKey| Permission::ALL.iter().all(|permission| key.permissions.contains(permission));
            let keys = store.api_keys_of(None)?;
            let key = keys.into_iter().find(|key| key.is_valid(now) && key.roles && has_all(key));
            let Some(key) = key else { return Ok(false) };
            let new = client.session(Some(key.id), None, SignInMethod::Link);
            let from = client.address.to_string();
            let change = ChangeBy { actor: ADMINISTRATOR, origin: "console", from: Some(&from), at: now };
            store.create_session(new, &session, &change)?;
            Ok(true)
        })
    };
    if pool.with_writer(work).await? {
        Ok(token)
    } else {
        Err(ServiceError::Unauthenticated(AuthenticationError::InvalidLink))
    }
}

/// Begins a session of a user whom single sign-on has identified, in a transaction of the caller, and returns its token.
///
/// # Errors
/// When the store fails.
pub(crate) fn begin_by_oidc(
    store: &mut Store,
    user: UserId,
    username: &str,
    client: &Client,
    now: Instant,
) -> Result<SecretString, ServiceError> {
    let token = new_token().map_err(|error| ServiceError::internal(&error))?;
    delete_expired(store, now)?;
    let new = client.session(None, Some(user), SignInMethod::Oidc);
    let from = client.address.to_string();
    let change = ChangeBy { actor: username, origin: "console", from: Some(&from), at: now };
    store.create_session(new, &hash(&token), &change)?;
    Ok(token)
}

/// Creates a link that signs in the operator, and returns its token. A service starts without one while the database takes
/// no changes.
pub async fn new_link(pool: &Pool, now: Instant) -> Option<SecretString> {
    let token = new_token().ok()?;
    let hash = hash(&token);
    let create = move |store: &mut Store| -> Result<(), ServiceError> {
        let end = Instant::from_micros(now.as_micros() + LINK_LIFETIME);
        Ok(store.create_sign_in_link(&hash, end, now)?)
    };
    match tokio::time::timeout(LONGEST_WAIT, pool.with_writer(create)).await {
        Ok(Ok(())) => return Some(token),
        Ok(Err(error)) => tracing::warn!(%error, "no link to sign in to the console can be created"),
        Err(_) => {
            tracing::warn!("no link to sign in to the console can be created while the database is busy");
        }
    }
    None
}

/// Finds out whose session a request belongs to.
///
/// # Errors
/// [`ServiceError::Unauthenticated`] when there is no such session or it has ended.
pub async fn authenticate(
    pool: &Pool,
    last_use: &LastUse,
    token: &SecretString,
    address: IpAddr,
    now: Instant,
) -> Result<(Caller, Session), ServiceError> {
    let hash = hash(token);
    let look_up = move |store: &mut Store| -> Result<_, ServiceError> {
        let Some(session) = store.session_by_hash(&hash)? else { return Ok(None) };
        let identified = match (session.api_key, session.user) {
            (Some(key), _) => {
                let Some(key) = store.api_key(key)? else { return Ok(None) };
                identify(store, key, Permit::AnyKey, address, now)
            }
            (None, Some(user)) => identify_user(store, user, Permit::AnyKey, address),
            (None, None) => return Ok(None),
        };
        match identified {
            Ok(caller) => Ok(Some((caller, session))),
            Err(ServiceError::Unauthenticated(_)) => Ok(None),
            Err(error) => Err(error),
        }
    };
    let refused = ServiceError::Unauthenticated(AuthenticationError::NoSession);
    let Some((mut caller, mut session)) = pool.with(look_up).await? else { return Err(refused) };
    let stored = session.last_used_at;
    session.last_used_at = last_use.latest_of_session(session.id, stored);
    if !is_valid(&session, now) {
        return Err(refused);
    }
    caller.session = Some(session.id);
    last_use.record(Used::Session(session.id), Some(stored), now);
    Ok((caller, session))
}

/// Returns the valid sessions of the caller, newest first.
///
/// # Errors
/// When the store fails.
pub fn list(
    store: &mut Store,
    last_use: &LastUse,
    caller: &Caller,
    now: Instant,
) -> Result<Vec<Session>, ServiceError> {
    let mut sessions = store.sessions_of(caller.user_id)?;
    for session in &mut sessions {
        session.last_used_at = last_use.latest_of_session(session.id, session.last_used_at);
    }
    let mut valid = Vec::with_capacity(sessions.len());
    for session in sessions {
        // Keys are few: those of one user.
        let has_rights = match session.api_key {
            Some(key) => store.api_key(key)?.is_some_and(|key| key.is_valid(now)),
            None => true,
        };
        if has_rights && is_valid(&session, now) {
            valid.push(session);
        }
    }
    Ok(valid)
}

/// Returns a session of a user.
///
/// # Errors
/// [`ServiceError::NotFound`] when the user has no such session.
pub fn find(store: &mut Store, user: Option<UserId>, id: Uuid) -> Result<Session, ServiceError> {
    let session = store.session(id)?.filter(|session| session.user == user);
    session.ok_or_else(|| ServiceError::not_found("there is no such session of yours; it may have ended"))
}

/// Ends a session: the caller's own, or another of the same user if the caller's key was not narrowed.
///
/// # Errors
/// When there is no such session, or the caller may not end it.
pub fn end(store: &mut Store, caller: &Caller, id: Uuid, now: Instant) -> Result<(), ServiceError> {
    let session = find(store, caller.user_id, id)?;
    if Some(id) != caller.session && session.api_key != caller.key && !caller.roles {
        return Err(ServiceError::forbidden("a narrowed key ends none of its user's other sessions"));
    }
    Ok(caller.change(now, |change| store.end_session(id, change))?)
}

/// Ends every other session of the caller, and returns how many there were.
///
/// # Errors
/// When the caller may not end one of them.
pub fn end_others(store: &mut Store, caller: &Caller, now: Instant) -> Result<usize, ServiceError> {
    let sessions = store.sessions_of(caller.user_id)?;
    let others: Vec<_> = sessions.into_iter().filter(|session| Some(session.id) != caller.session).collect();
    for session in &others {
        end(store, caller, session.id, now)?;
    }
    Ok(others.len())
}
