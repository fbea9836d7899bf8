//! API keys: made, listed and revoked by whom they belong to, and for everybody by USER_ADMIN.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_model::{Instant, Kind, Permission, UserId};
use domesday_store::{ApiKey, NewApiKey, Store};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::{self, ADMINISTRATOR, Caller, user_in, user_with};
use crate::idempotency::{self, Created, Once};
use crate::keys;
use crate::problem::Problem;
use crate::route::{Path, Permit, Query, Route, Text, lacking};
use crate::service::App;

use super::authority;

const PATH: &str = "/api/v1/api-keys";

/// Who lists everybody's keys.
const READERS: &[Permission] = &[Permission::UserAdmin, Permission::Audit];

pub(super) fn routes() -> Vec<Route> {
    let routes = vec![
        Route::new(Method::GET, PATH, Permit::AnyKey, "listApiKeys", list)
            .about(
                "The caller's keys, or with USER_ADMIN or AUDIT those of `owner`, or everybody's with `owner=*`.",
            )
            .query::<String>("owner", "A username, `administrator`, or `*`.")
            .answers::<KeyList>(200, "The keys, oldest first.")
            .fails(&[400]),
        Route::new(Method::POST, PATH, Permit::AnyKey, "createApiKey", create)
            .about(
                "Makes a key and shows its secret this once: sent again under the same `Idempotency-Key`, the answer \
                 has the key without it. A key may do at most what the key that made it may, and expires no later. One \
                 for somebody else needs USER_ADMIN and every permission that they have. With `permissions` a key is \
                 narrowed to them: it carries nothing of its user's roles, such as domains that they manage.",
            )
            .idempotent()
            .body::<KeyRequest>()
            .answers::<NewKey>(201, "The key with its secret.")
            .fails(&[400, 404, 413, 415, 422]),
        Route::new(Method::DELETE, format!("{PATH}/{{id}}"), Permit::AnyKey, "revokeApiKey", revoke)
            .about(
                "Revokes a key for good: the caller's own, or with USER_ADMIN that of a user who has no permission \
                 that the caller lacks. A narrowed key revokes no other of its user; the operator's are for the \
                 operator.",
            )
            .answers_nothing(204, "Revoked.")
            .fails(&[404]),
    ];
    routes.into_iter().map(|route| route.tag("keys")).collect()
}

/// A key to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct KeyRequest {
    /// What the key is for.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// A username, or `administrator` for the operator's own; the caller when absent.
    #[serde(default)]
    owner: Option<String>,
    /// What it may do, and nothing that follows from its user's roles; when absent, all that is allowed.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "Vec<PermissionName>")]
    permissions: Option<Vec<Permission>>,
    /// From when on it lets nobody in; at the latest, and when absent, when the key that makes it expires.
    #[serde(default, deserialize_with = "crate::route::present")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    expires_at: Option<Instant>,
}

/// A permission by name.
#[derive(JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schemars(rename = "Permission")]
#[expect(dead_code, reason = "stands for the model's type in the schema")]
enum PermissionName {
    Governance,
    UserAdmin,
    Audit,
    CreateDataSource,
    ApplicationAdmin,
}

/// A key, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct KeyView {
    #[schemars(with = "String")]
    id: Uuid,
    name: String,
    owner: String,
    #[schemars(with = "Vec<PermissionName>")]
    permissions: Vec<Permission>,
    /// Whether it carries what follows from its owner's roles: domains that they manage, data sources that they own,
    /// requests that they review.
    includes_roles: bool,
    #[schemars(with = "String")]
    created_at: Instant,
    #[schemars(with = "Option<String>")]
    expires_at: Option<Instant>,
    #[schemars(with = "Option<String>")]
    last_used_at: Option<Instant>,
    #[schemars(with = "Option<String>")]
    revoked_at: Option<Instant>,
}

impl From<ApiKey> for KeyView {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            owner: key.owner,
            permissions: key.permissions,
            includes_roles: key.roles,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// Why an answer that is given again has no secret.
const NOT_SHOWN_AGAIN: &str = "the secret was in the first answer to this call and is stored nowhere; if it was lost, revoke this key and create \
     another";

/// A key with its secret, shown once.
#[derive(Debug, Serialize, JsonSchema)]
struct NewKey {
    /// What goes into the `Authorization` header. Null when the call is answered again under its `Idempotency-Key`:
    /// nothing shows a secret twice.
    secret: Option<String>,
    /// Why there is no secret; absent when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(flatten)]
    key: KeyView,
}

#[derive(Debug, Serialize, JsonSchema)]
struct KeyList {
    total: usize,
    items: Vec<KeyView>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyQuery {
    owner: Option<String>,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<KeyQuery>,
) -> Result<Response, Problem> {
    let others = query.owner.filter(|owner| *owner != caller.actor);
    if others.is_some() && !caller.has_any(READERS) {
        return Err(lacking(READERS, " or "));
    }
    let read = move |store: &mut Store| -> Result<_, Problem> {
        Ok(match others.as_deref() {
            None => store.api_keys_of(caller.user_id)?,
            Some("*") => store.api_keys(None)?,
            Some(owner) => store.api_keys(Some(owner))?,
        })
    };
    let keys = app.pool.with(read).await?.into_iter().map(|mut key| {
        key.last_used_at = app.last_use.latest(key.id, key.last_used_at);
        key
    });
    let items: Vec<_> = keys.map(KeyView::from).collect();
    Ok(crate::route::json(KeyList { total: items.len(), items }))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Text(text): Text,
) -> Result<Response, Problem> {
    let once = Once::of(&headers, &caller, PATH, &text)?;
    let request: KeyRequest = crate::route::parse(&text)?;
    let service = app.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let mut secret = None;
        let mut created = idempotency::create(&service, store, once.as_ref(), |store| {
            let (created, new) = make(store, caller, request, now)?;
            secret = Some(new);
            Ok(created)
        })?;
        // Added to the first answer only, after what is remembered of it.
        if let Some(secret) = secret {
            let body = serde_json::from_str::<serde_json::Map<_, _>>(created.body.get());
            let mut body = body.expect("a key is shown as an object");
            body.insert("secret".to_owned(), secret.expose_secret().into());
            body.remove("note");
            created.body = serde_json::value::to_raw_value(&body).expect("a key is plain data");
        }
        Ok(created)
    };
    Ok(caller::write(&app, caller, work).await?.into_response())
}

/// A new key as it is remembered, and its secret.
fn make(
    store: &mut Store,
    caller: &Caller,
    request: KeyRequest,
    now: Instant,
) -> Result<(Created, SecretString), Problem> {
    if request.name.trim().is_empty() || request.name.chars().count() > 200 {
        return Err(Problem::invalid("`name` must say what the key is for, in at most 200 characters"));
    }
    if request.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::invalid("`expiresAt` must lie in the future"));
    }
    if let (Some(wanted), Some(latest)) = (request.expires_at, caller.expires_at)
        && wanted > latest
    {
        let detail =
            format!("`expiresAt` must not be after {latest}, when the key that makes this one expires");
        return Err(Problem::invalid(detail));
    }
    let holder = Holder::of(store, caller, request.owner)?;
    let (permissions, roles) = match request.permissions {
        None => (holder.most, holder.roles),
        Some(mut asked) => {
            asked.sort_unstable();
            asked.dedup();
            if let Some(lacking) = asked.iter().find(|permission| !holder.most.contains(permission)) {
                let detail = format!("`permissions` holds {lacking}, which is more than this key may have");
                return Err(Problem::forbidden(detail).with("permissions", vec![lacking.as_str()]));
            }
            (asked, false)
        }
    };
    let secret = keys::new_secret().map_err(|error| Problem::internal(&error))?;
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
    let hash = keys::hash(&secret);
    let key = caller.change(now, |change| store.create_api_key(new, &hash, change))?;
    let location = format!("{PATH}/{}", key.id);
    let view = NewKey { secret: None, note: Some(NOT_SHOWN_AGAIN.to_owned()), key: key.into() };
    let body = serde_json::value::to_raw_value(&view).expect("a key is plain data");
    Ok((Created { status: 201, location: Some(location), etag: None, body }, secret))
}

/// Whom a new key is for, and what it may do at most.
struct Holder {
    name: String,
    user: Option<UserId>,
    most: Vec<Permission>,
    roles: bool,
    /// Who else may know the key's secret.
    made_by: Option<UserId>,
}

impl Holder {
    fn of(store: &mut Store, caller: &Caller, owner: Option<String>) -> Result<Self, Problem> {
        let maker = caller.made_by.as_ref().map(|maker| maker.id);
        let Some(owner) = owner.filter(|owner| *owner != caller.actor) else {
            return Ok(Self {
                name: caller.actor.clone(),
                user: caller.user_id,
                most: caller.permissions.clone(),
                roles: caller.roles,
                made_by: maker,
            });
        };
        if owner == ADMINISTRATOR {
            return Err(Problem::forbidden(
                "only the administrator's own key makes keys of the administrator",
            ));
        }
        if !caller.has(Permission::UserAdmin) {
            return Err(lacking(&[Permission::UserAdmin], " or "));
        }
        let stored = store.object(Kind::User, &owner)?;
        let stored = stored.ok_or_else(|| Problem::not_found(format!("there is no user `{owner}`")))?;
        let id = UserId(stored.id);
        let user = user_in(stored)?;
        authority::check_acts_on(caller, &user)?;
        // Who manages a domain, owns or reviews may do less than GOVERNANCE, and more than any other permission.
        let roles = caller.is_operator() || (caller.roles && caller.has(Permission::Governance));
        let made_by = maker.or(caller.user_id);
        Ok(Self { name: owner, user: Some(id), most: user.permissions.into_iter().collect(), roles, made_by })
    }
}

async fn revoke(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let none = || Problem::not_found(format!("there is no API key `{id}` of yours"));
    let id = Uuid::parse_str(&id).map_err(|_| none())?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        let own = |key: &ApiKey| key.user == caller.user_id;
        let key = store.api_key(id)?.filter(|key| own(key) || caller.has(Permission::UserAdmin));
        let key = key.ok_or_else(|| Problem::not_found(format!("there is no API key `{id}` of yours")))?;
        check_revokes(store, caller, &key)?;
        Ok(caller.change(now, |change| store.revoke_api_key(id, change))?)
    };
    caller::write(&app, caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Whether the caller may revoke a key.
fn check_revokes(store: &mut Store, caller: &Caller, key: &ApiKey) -> Result<(), Problem> {
    if key.id == caller.key || caller.is_operator() || (caller.roles && key.user == caller.user_id) {
        return Ok(());
    }
    if !caller.has(Permission::UserAdmin) {
        return Err(Problem::forbidden("a key that was narrowed revokes none of its user's other keys"));
    }
    let Some(user) = key.user else {
        return Err(Problem::forbidden(
            "keys of the administrator are revoked with the administrator's own key",
        ));
    };
    // What is left of somebody who is gone opens nothing.
    match user_with(store, user)? {
        Some(user) => authority::check_acts_on(caller, &user),
        None => Ok(()),
    }
}
