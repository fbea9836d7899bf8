//! Who is calling, and what they may do.
//!
//! An API key may do at most what its owner may: both are looked up for every call, so that a disabled user is locked
//! out, and a permission that was taken away is gone, with the very next one.

use std::net::IpAddr;

use domesday_model::{Instant, Kind, Permission, User, UserId, UserStatus};
use domesday_store::{ApiKey, ChangeBy, Store, StoreError, StoredObject};
use secrecy::SecretString;
use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{AuthenticationError, ServiceError};
use crate::key_secret;
use crate::last_use::{LastUse, Used};
use crate::pool::Pool;
use crate::sessions::validity;

/// The owner of the operator's own keys, and the actor of what is done with one.
pub const ADMINISTRATOR: &str = "administrator";

/// Who may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Anybody, without a key.
    Public,
    /// Any valid key. What it sees may still depend on whose it is.
    AnyKey,
    /// Keys with one of these permissions.
    AnyOf(&'static [Permission]),
    /// Keys with all of these permissions.
    AllOf(&'static [Permission]),
}

impl Permit {
    /// Whether a caller may make the call.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`] when they may not.
    pub fn check(self, caller: &Caller) -> Result<(), ServiceError> {
        match self {
            Self::Public | Self::AnyKey => Ok(()),
            Self::AnyOf(list) if caller.has_any(list) => Ok(()),
            Self::AllOf(list) if list.iter().all(|permission| caller.has(*permission)) => Ok(()),
            Self::AnyOf(list) => Err(ServiceError::lacks_any(list)),
            Self::AllOf(list) => Err(ServiceError::lacks_all(list)),
        }
    }
}

/// Who is calling.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The username, or [`ADMINISTRATOR`].
    pub actor: String,
    /// The username, when a user's key was sent.
    pub user: Option<String>,
    /// The user's id.
    pub user_id: Option<UserId>,
    /// The other user who created the key, or the key that created it, and so may be calling.
    pub made_by: Option<Maker>,
    /// The API key that was sent, or that the session has its rights from; none in a session that has those of its user.
    pub key: Option<Uuid>,
    /// The session of the console in which the call is made; none with an API key.
    pub session: Option<Uuid>,
    /// When that key expires.
    pub expires_at: Option<Instant>,
    /// The permissions that the key and its owner both have.
    pub permissions: Vec<Permission>,
    /// Whether the key carries what follows from its user's roles: domains that they manage, data sources that they
    /// own, requests that they review. A narrowed key does not, nor does one that others made for them.
    pub roles: bool,
    /// Who may make the call.
    pub permit: Permit,
    /// The client's address.
    pub address: IpAddr,
    /// The catalog's revision when the call began.
    pub revision: u64,
}

/// Who made a key for another user.
#[derive(Debug, Clone)]
pub struct Maker {
    /// The user's id.
    pub id: UserId,
    /// The username; none when the user was deleted.
    pub username: Option<String>,
}

impl Caller {
    /// The API key that the caller has its rights from, or the session that has those of its user.
    #[must_use]
    pub fn credential(&self) -> Uuid {
        // Without a key there is a session.
        self.key.or(self.session).unwrap_or_default()
    }

    /// Whether the caller has a permission.
    #[must_use]
    pub fn has(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Whether the caller has one of these permissions.
    #[must_use]
    pub fn has_any(&self, permissions: &[Permission]) -> bool {
        permissions.iter().any(|permission| self.has(*permission))
    }

    /// Whether the caller is the operator, with a key that was not narrowed.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.user.is_none() && self.roles
    }

    /// The user whose roles the caller may act in; none with a narrowed key.
    #[must_use]
    pub fn user_with_roles(&self) -> Option<&str> {
        self.user.as_deref().filter(|_| self.roles)
    }

    /// Whether the caller is this user.
    #[must_use]
    pub fn is_user(&self, username: &str) -> bool {
        self.user.as_deref() == Some(username)
    }

    /// Whether the caller is this user, or may be: with a key that this user made for another.
    #[must_use]
    pub fn may_be_user(&self, username: &str) -> bool {
        let maker = self.made_by.as_ref().and_then(|maker| maker.username.as_deref());
        self.is_user(username) || maker == Some(username)
    }

    /// Runs a change in the caller's name.
    pub fn change<T>(&self, at: Instant, run: impl FnOnce(&ChangeBy<'_>) -> T) -> T {
        let from = self.address.to_string();
        let origin = if self.session.is_some() { "console" } else { "api" };
        run(&ChangeBy { actor: &self.actor, origin, from: Some(&from), at })
    }
}

/// Finds out whose API key a call was sent with, and whether they may make it.
///
/// # Errors
/// [`ServiceError::Unauthenticated`] when the key is not accepted, [`ServiceError::Forbidden`] when `permit` does not
/// admit its owner.
pub async fn authenticate(
    pool: &Pool,
    last_use: &LastUse,
    secret: SecretString,
    permit: Permit,
    address: IpAddr,
    now: Instant,
) -> Result<Caller, ServiceError> {
    let look_up = move |store: &mut Store| -> Result<_, ServiceError> {
        // Looked up by its hash: the time of the lookup could reveal only a hash of 256 random bits.
        let key = store.api_key_by_hash(&key_secret::hash(&secret))?;
        let key = key.ok_or(ServiceError::Unauthenticated(AuthenticationError::UnknownKey))?;
        let (id, last_used_at) = (key.id, key.last_used_at);
        Ok((identify(store, key, permit, address, now)?, id, last_used_at))
    };
    // A key that is not accepted says nothing about the connection, which the pool tests after an error.
    let look_up = move |store: &mut Store| match look_up(store) {
        Err(error @ ServiceError::Unauthenticated(_)) => Ok(Err(error)),
        result => result.map(Ok),
    };
    let (caller, key, last_used_at) = pool.with(look_up).await??;
    last_use.record(Used::Key(key), last_used_at, now);
    permit.check(&caller)?;
    Ok(caller)
}

/// Returns the caller whose key this is, with the permissions that key and user have at present.
pub(crate) fn identify(
    store: &mut Store,
    key: ApiKey,
    permit: Permit,
    address: IpAddr,
    now: Instant,
) -> Result<Caller, ServiceError> {
    let refuse = |error| Err(ServiceError::Unauthenticated(error));
    if key.revoked_at.is_some() {
        return refuse(AuthenticationError::RevokedKey);
    }
    if !key.is_valid(now) {
        return refuse(AuthenticationError::ExpiredKey);
    }
    let Some(id) = key.user else {
        return caller(store, key, None, permit, address);
    };
    // By id: a new user with the username of a former one gets none of their keys.
    match active_user(store, id)? {
        Some(user) => caller(store, key, Some(user), permit, address),
        None => refuse(AuthenticationError::DisabledUser),
    }
}

/// Returns the caller with a valid key of the operator or of an active user.
fn caller(
    store: &mut Store,
    key: ApiKey,
    user: Option<User>,
    permit: Permit,
    address: IpAddr,
) -> Result<Caller, ServiceError> {
    let mut permissions = key.permissions;
    if let Some(user) = &user {
        permissions.retain(|permission| user.permissions.contains(permission));
    }
    let made_by = match key.made_by {
        None => None,
        Some(id) => Some(Maker { id, username: user_by_id(store, id)?.map(|maker| maker.username) }),
    };
    let user = user.map(|user| user.username);
    Ok(Caller {
        actor: user.clone().unwrap_or_else(|| ADMINISTRATOR.to_owned()),
        user,
        user_id: key.user,
        made_by,
        key: Some(key.id),
        session: None,
        expires_at: key.expires_at,
        permissions,
        roles: key.roles,
        permit,
        address,
        revision: store.revision()?,
    })
}

/// Returns the user as a caller who signed in without an API key, with all that the user may do at present.
pub(crate) fn identify_user(
    store: &mut Store,
    id: UserId,
    permit: Permit,
    address: IpAddr,
) -> Result<Caller, ServiceError> {
    let user = active_user(store, id)?;
    let user = user.ok_or(ServiceError::Unauthenticated(AuthenticationError::DisabledUser))?;
    Ok(Caller {
        actor: user.username.clone(),
        user: Some(user.username),
        user_id: Some(id),
        made_by: None,
        key: None,
        session: None,
        expires_at: None,
        permissions: user.permissions.into_iter().collect(),
        roles: true,
        permit,
        address,
        revision: store.revision()?,
    })
}

fn active_user(store: &mut Store, id: UserId) -> Result<Option<User>, StoreError> {
    Ok(user_by_id(store, id)?.filter(|user| user.status == UserStatus::Active))
}

/// Runs a change: in one exclusive transaction the caller is authenticated again, and then `work` judges and writes.
///
/// What a call was admitted with may have changed while it waited for its turn. In the transaction the key is still
/// valid, its user still active, and the permissions are those of this moment; nobody else writes before `work` has
/// ended. `work` gets the caller as they are now, and the instant.
///
/// # Errors
/// [`ServiceError::Unauthenticated`] and [`ServiceError::Forbidden`] when the caller may no longer make the call; what
/// `work` fails with. In each case nothing changes.
pub async fn write<T, E, F>(pool: &Pool, clock: &Clock, caller: Caller, work: F) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + From<ServiceError> + Send + 'static,
    F: FnOnce(&mut Store, &Caller, Instant) -> Result<T, E> + Send + 'static,
{
    let clock = clock.clone();
    let change = move |store: &mut Store| {
        store.exclusive_transaction(|store| {
            let now = clock.now();
            let caller = authenticate_again(store, &caller, now)?;
            work(store, &caller, now)
        })
    };
    pool.with_writer(change).await
}

/// Returns the caller as they are at present.
fn authenticate_again(store: &mut Store, caller: &Caller, now: Instant) -> Result<Caller, ServiceError> {
    let mut found = match (caller.key, caller.user_id) {
        (Some(key), _) => {
            let key = store.api_key(key)?;
            let key = key.ok_or(ServiceError::Unauthenticated(AuthenticationError::UnknownKey))?;
            identify(store, key, caller.permit, caller.address, now)?
        }
        (None, Some(user)) if caller.session.is_some() => {
            identify_user(store, user, caller.permit, caller.address)?
        }
        (None, _) => return Err(ServiceError::Unauthenticated(AuthenticationError::NoSession)),
    };
    if let Some(session) = caller.session {
        validity::check_again(store, session, now)?;
        found.session = Some(session);
    }
    found.permit.check(&found)?;
    Ok(found)
}

/// Reads a user by name.
pub(crate) fn user_by_name(store: &mut Store, username: &str) -> Result<Option<User>, StoreError> {
    store.object(Kind::User, username)?.map(parse_user).transpose()
}

/// Reads a user by id.
pub(crate) fn user_by_id(store: &mut Store, id: UserId) -> Result<Option<User>, StoreError> {
    store.object_by_id(Kind::User, id.0)?.map(parse_user).transpose()
}

/// Returns the user in an object of the catalog.
pub(crate) fn parse_user(stored: StoredObject) -> Result<User, StoreError> {
    let StoredObject { name, document, .. } = stored;
    serde_json::from_value(document).map_err(|source| StoreError::Document { kind: Kind::User, name, source })
}
