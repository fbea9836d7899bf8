//! Who is calling, and what they may do.
//!
//! A key may do at most what its owner may: both are looked up for every request, so a disabled user is locked
//! out and a permission taken away is gone with the very next one.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use domesday_model::{Instant, Kind, Permission, User, UserId, UserStatus};
use domesday_store::{ApiKey, ChangeBy, Store, StoreError, StoredObject};
use secrecy::SecretString;
use uuid::Uuid;

use crate::forwarded::client_address;
use crate::keys;
use crate::last_use::LastUse;
use crate::listener::Peer;
use crate::problem::Problem;
use crate::route::Permit;
use crate::service::{App, Service};

/// What the operator's own keys have for an owner, and the audit log for who acts with one.
pub(crate) const ADMINISTRATOR: &str = "administrator";

/// Who is calling.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The username, or [`ADMINISTRATOR`].
    pub(crate) actor: String,
    /// The username, when a user's key was shown.
    pub(crate) user: Option<String>,
    /// The user's id.
    pub(crate) user_id: Option<UserId>,
    /// The other user who made the key, or the key that made it, and so may be who is calling.
    pub(crate) made_by: Option<Maker>,
    /// The API key that was shown.
    pub(crate) key: Uuid,
    /// When that key expires.
    pub(crate) expires_at: Option<Instant>,
    /// What the key and its owner may both do.
    pub(crate) permissions: Vec<Permission>,
    /// Whether the key carries what follows from its user's roles: domains that they manage, data sources that they
    /// own, requests that they review. One that was narrowed does not, nor does one that others made for them.
    pub(crate) roles: bool,
    /// Who may call the route.
    pub(crate) permit: Permit,
    /// Where the request came from.
    pub(crate) address: IpAddr,
    /// The catalog's revision when the request came in.
    pub(crate) revision: u64,
}

/// Who made a key for another user.
#[derive(Debug, Clone)]
pub(crate) struct Maker {
    pub(crate) id: UserId,
    /// The username; none when the user is gone.
    pub(crate) username: Option<String>,
}

impl Caller {
    /// Whether the caller has a permission.
    pub(crate) fn has(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }

    /// Whether the caller has one of these.
    pub(crate) fn has_any(&self, permissions: &[Permission]) -> bool {
        permissions.iter().any(|permission| self.has(*permission))
    }

    /// Whether the caller is the operator, with a key that was not narrowed.
    pub(crate) fn is_operator(&self) -> bool {
        self.user.is_none() && self.roles
    }

    /// The user whose roles the caller may act in; none with a key that was narrowed.
    pub(crate) fn in_roles(&self) -> Option<&str> {
        self.user.as_deref().filter(|_| self.roles)
    }

    /// Whether the caller is this user.
    pub(crate) fn is(&self, username: &str) -> bool {
        self.user.as_deref() == Some(username)
    }

    /// The caller, when the route's permit admits them.
    fn permitted(self) -> Result<Self, Problem> {
        self.permit.refuse(&self).map_or(Ok(self), Err)
    }

    /// Whether the caller is this user, or may be: with a key that this user made for another.
    pub(crate) fn may_be(&self, username: &str) -> bool {
        let maker = self.made_by.as_ref().and_then(|maker| maker.username.as_deref());
        self.is(username) || maker == Some(username)
    }

    /// Runs a change in the caller's name.
    pub(crate) fn change<T>(&self, at: Instant, run: impl FnOnce(&ChangeBy<'_>) -> T) -> T {
        let from = self.address.to_string();
        run(&ChangeBy { actor: &self.actor, origin: "api", from: Some(&from), at })
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Problem::internal(&"a handler asks for a caller on a route without one"))
    }
}

/// Why nobody is let in.
enum Refusal {
    Unknown,
    Expired,
    Revoked,
    Disabled,
}

impl Refusal {
    fn problem(&self) -> Problem {
        match self {
            Self::Unknown => Problem::unauthenticated("there is no such API key"),
            Self::Expired => Problem::unauthenticated("this API key has expired; ask for a new one"),
            Self::Revoked => Problem::unauthenticated("this API key was revoked; ask for a new one"),
            Self::Disabled => Problem::unauthenticated("the user of this API key is disabled or gone"),
        }
    }
}

/// Finds out who sends a request, and whether they may call the route.
pub(crate) async fn authenticate(app: &App, parts: &Parts, permit: Permit) -> Result<Caller, Problem> {
    let address = address(app, parts);
    let secret = match secret(parts) {
        Ok(secret) => secret,
        Err(problem) => return Err(failed(app, address, problem)),
    };
    let now = app.now();
    let service = App::clone(app);
    let look_up = move |store: &mut Store| who(store, &service.last_use, &secret, permit, address, now);
    let found = app.pool.with(look_up).await;
    match found {
        Ok(Ok(caller)) => caller.permitted(),
        Ok(Err(refusal)) => Err(failed(app, address, refusal.problem())),
        Err(problem) => Err(problem),
    }
}

fn secret(parts: &Parts) -> Result<SecretString, Problem> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return Err(Problem::unauthenticated(
            "an API key is needed: send it as `Authorization: <key>` or `Authorization: Bearer <key>`",
        ));
    };
    let key = value.to_str().ok().and_then(keys::of_header);
    key.ok_or_else(|| {
        Problem::unauthenticated(
            "the Authorization header holds no API key of this service; send `<key>` or `Bearer <key>`",
        )
    })
}

fn who(
    store: &mut Store,
    last_use: &LastUse,
    secret: &SecretString,
    permit: Permit,
    address: IpAddr,
    now: Instant,
) -> Result<Result<Caller, Refusal>, Problem> {
    // Looked up by its hash: what the lookup's time could tell is about a hash of 256 random bits.
    let Some(key) = store.api_key_by_hash(&keys::hash(secret))? else { return Ok(Err(Refusal::Unknown)) };
    let (id, last_used_at) = (key.id, key.last_used_at);
    let found = identify(store, key, permit, address, now)?;
    if found.is_ok() {
        last_use.note(id, last_used_at, now);
    }
    Ok(found)
}

/// The caller whose key this is, with the permissions that key and user have at present.
fn identify(
    store: &mut Store,
    key: ApiKey,
    permit: Permit,
    address: IpAddr,
    now: Instant,
) -> Result<Result<Caller, Refusal>, Problem> {
    if key.revoked_at.is_some() {
        return Ok(Err(Refusal::Revoked));
    }
    if !key.is_valid(now) {
        return Ok(Err(Refusal::Expired));
    }
    let mut permissions = key.permissions;
    let mut user = None;
    if let Some(id) = key.user {
        // By id: whoever gets the username after somebody else gets none of their keys.
        let Some(found) = user_with(store, id)?.filter(|user| user.status == UserStatus::Active) else {
            return Ok(Err(Refusal::Disabled));
        };
        permissions.retain(|permission| found.permissions.contains(permission));
        user = Some(found.username);
    }
    let made_by = match key.made_by {
        None => None,
        Some(id) => Some(Maker { id, username: user_with(store, id)?.map(|maker| maker.username) }),
    };
    let revision = store.revision()?;
    let actor = user.clone().unwrap_or_else(|| ADMINISTRATOR.to_owned());
    Ok(Ok(Caller {
        actor,
        user,
        user_id: key.user,
        made_by,
        key: key.id,
        expires_at: key.expires_at,
        permissions,
        roles: key.roles,
        permit,
        address,
        revision,
    }))
}

/// Runs a change: in one exclusive transaction the caller is looked up again, and then `work` judges and writes.
///
/// What a request was let in with may have changed while it waited for its turn. In here the key is still valid, its
/// user still active, and the permissions are those of this moment; nobody else writes before `work` has. `work` gets
/// the caller as they are now, and the instant.
///
/// # Errors
/// 401 and 403 when the caller may no longer call the route; what `work` fails with. In each case nothing changes.
pub(crate) async fn write<T, F>(app: &App, caller: Caller, work: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&mut Store, &Caller, Instant) -> Result<T, Problem> + Send + 'static,
{
    let service = App::clone(app);
    let change = move |store: &mut Store| {
        store.exclusive_transaction(|store| {
            let now = service.now();
            let caller = again(store, &caller, now)?;
            work(store, &caller, now)
        })
    };
    app.pool.with_writer(change).await
}

/// The caller as they are at present.
fn again(store: &mut Store, caller: &Caller, now: Instant) -> Result<Caller, Problem> {
    let Some(key) = store.api_key(caller.key)? else { return Err(Refusal::Unknown.problem()) };
    let found = identify(store, key, caller.permit, caller.address, now)?;
    found.map_err(|refusal| refusal.problem())?.permitted()
}

/// A user as declared.
pub(crate) fn user_of(store: &mut Store, username: &str) -> Result<Option<User>, StoreError> {
    store.object(Kind::User, username)?.map(user_in).transpose()
}

/// The user with an id.
pub(crate) fn user_with(store: &mut Store, id: UserId) -> Result<Option<User>, StoreError> {
    store.object_by_id(Kind::User, id.0)?.map(user_in).transpose()
}

/// The user in an object of the catalog.
pub(crate) fn user_in(stored: StoredObject) -> Result<User, StoreError> {
    let StoredObject { name, document, .. } = stored;
    serde_json::from_value(document).map_err(|source| StoreError::Document { kind: Kind::User, name, source })
}

fn failed(app: &Service, address: IpAddr, problem: Problem) -> Problem {
    app.metrics.authentication_failed();
    let Some(seconds) = app.limiter.failed(address, app.now()) else { return problem };
    app.metrics.rate_limited();
    Problem::new(
        axum::http::StatusCode::TOO_MANY_REQUESTS,
        "too-many-failures",
        "too many requests without a valid API key came from this address",
    )
    .header(header::RETRY_AFTER, seconds.to_string())
}

/// Where a request came from: the peer, or what trusted proxies say of it.
fn address(app: &Service, parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
    client_address(peer, &parts.headers, &app.config.trusted_proxies)
}
