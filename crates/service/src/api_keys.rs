//! API keys: who may create and revoke them.

use domesday_model::{Instant, Kind, Permission, UserId};
use domesday_store::{ApiKey, NewApiKey, Store};
use secrecy::SecretString;
use uuid::Uuid;

use crate::caller::{ADMINISTRATOR, Caller, parse_user, user_by_id};
use crate::error::ServiceError;
use crate::key_secret;
use crate::permissions::people;

/// The longest name of a key, in characters.
const MAX_NAME_CHARS: usize = 200;

/// A key to be created.
#[derive(Debug, Clone)]
pub struct KeyRequest {
    /// What the key is for: 1 to 200 characters.
    pub name: String,
    /// A username, or [`ADMINISTRATOR`]; the caller when absent.
    pub owner: Option<String>,
    /// Narrows the key to these permissions; all that is allowed when absent.
    pub permissions: Option<Vec<Permission>>,
    /// When it expires; when the key that creates it expires if absent.
    pub expires_at: Option<Instant>,
}

/// Creates a key. It may do at most what the caller's key may, and expires no later.
///
/// # Errors
/// When the request is not valid, or asks for more than the caller may give.
pub fn create(
    store: &mut Store,
    caller: &Caller,
    request: KeyRequest,
    now: Instant,
) -> Result<(ApiKey, SecretString), ServiceError> {
    if request.name.trim().is_empty() || request.name.chars().count() > MAX_NAME_CHARS {
        return Err(ServiceError::invalid("`name` must say what the key is for, in at most 200 characters"));
    }
    if request.expires_at.is_some_and(|end| end <= now) {
        return Err(ServiceError::invalid("`expiresAt` must be in the future"));
    }
    if let (Some(wanted), Some(latest)) = (request.expires_at, caller.expires_at)
        && wanted > latest
    {
        let message =
            format!("`expiresAt` must not be after {latest}, when the key that creates this one expires");
        return Err(ServiceError::invalid(message));
    }
    let holder = Holder::find(store, caller, request.owner)?;
    let (permissions, roles) = match request.permissions {
        None => (holder.permissions, holder.roles),
        Some(mut asked) => {
            asked.sort_unstable();
            asked.dedup();
            if let Some(lacking) = asked.iter().find(|permission| !holder.permissions.contains(permission)) {
                return Err(ServiceError::Forbidden {
                    message: format!(
                        "`permissions` contains {lacking}, which is more than this key may have"
                    ),
                    permissions: vec![*lacking],
                });
            }
            (asked, false)
        }
    };
    let secret = key_secret::generate().map_err(|error| ServiceError::internal(&error))?;
    let new = NewApiKey {
        id: Uuid::new_v4(),
        name: request.name,
        owner: holder.name,
        user: holder.user,
        permissions,
        roles,
        made_by: holder.made_by,
        expires_at: request.expires_at.or(caller.expires_at),
    };
    let key = caller.change(now, |change| store.create_api_key(new, &key_secret::hash(&secret), change))?;
    Ok((key, secret))
}

/// Who holds a new key, and what it may do at most.
struct Holder {
    name: String,
    user: Option<UserId>,
    permissions: Vec<Permission>,
    roles: bool,
    /// Who else may know the key's secret.
    made_by: Option<UserId>,
}

impl Holder {
    fn find(store: &mut Store, caller: &Caller, owner: Option<String>) -> Result<Self, ServiceError> {
        let maker = caller.made_by.as_ref().map(|maker| maker.id);
        let Some(owner) = owner.filter(|owner| *owner != caller.actor) else {
            return Ok(Self {
                name: caller.actor.clone(),
                user: caller.user_id,
                permissions: caller.permissions.clone(),
                roles: caller.roles,
                made_by: maker,
            });
        };
        if owner == ADMINISTRATOR {
            return Err(ServiceError::forbidden(
                "only the administrator's own key creates keys of the administrator",
            ));
        }
        if !caller.has(Permission::UserAdmin) {
            return Err(ServiceError::lacks_any(&[Permission::UserAdmin]));
        }
        let stored = store.object(Kind::User, &owner)?;
        let stored = stored.ok_or_else(|| ServiceError::not_found(format!("there is no user `{owner}`")))?;
        let id = UserId(stored.id);
        let user = parse_user(stored)?;
        people::check_acts_for(caller, &user)?;
        // Who manages a domain, owns or reviews may do less than GOVERNANCE, and more than any other permission.
        let roles = caller.is_operator() || (caller.roles && caller.has(Permission::Governance));
        let made_by = maker.or(caller.user_id);
        let permissions = user.permissions.into_iter().collect();
        Ok(Self { name: owner, user: Some(id), permissions, roles, made_by })
    }
}

/// Revokes a key: the caller's own, or with USER_ADMIN that of a user who has no permission that the caller lacks.
///
/// # Errors
/// When there is no such key, or the caller may not revoke it.
pub fn revoke(store: &mut Store, caller: &Caller, id: Uuid, now: Instant) -> Result<(), ServiceError> {
    let is_visible = |key: &ApiKey| key.user == caller.user_id || caller.has(Permission::UserAdmin);
    let key = store.api_key(id)?.filter(is_visible);
    let key = key.ok_or_else(|| ServiceError::not_found(format!("there is no API key `{id}` of yours")))?;
    check_revokes(store, caller, &key)?;
    Ok(caller.change(now, |change| store.revoke_api_key(id, change))?)
}

fn check_revokes(store: &mut Store, caller: &Caller, key: &ApiKey) -> Result<(), ServiceError> {
    if Some(key.id) == caller.key || caller.is_operator() || (caller.roles && key.user == caller.user_id) {
        return Ok(());
    }
    if !caller.has(Permission::UserAdmin) {
        return Err(ServiceError::forbidden("a narrowed key revokes none of its user's other keys"));
    }
    let Some(user) = key.user else {
        return Err(ServiceError::forbidden(
            "keys of the administrator are revoked with the administrator's own key",
        ));
    };
    // A key of a user who was deleted gives access to nothing.
    match user_by_id(store, user)? {
        Some(user) => people::check_acts_for(caller, &user),
        None => Ok(()),
    }
}
