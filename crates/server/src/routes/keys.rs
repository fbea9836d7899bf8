//! API keys: made, listed and revoked by whom they belong to, and for everybody by USER_ADMIN.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_model::{Instant, Permission};
use domesday_store::{ApiKey, NewApiKey, Store};
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::{self, ADMINISTRATOR, Caller, user_of};
use crate::idempotency::{self, Created, Once};
use crate::keys;
use crate::problem::Problem;
use crate::route::{Path, Permit, Query, Route, Text, lacking};
use crate::service::App;

const PATH: &str = "/api/v1/api-keys";

pub(super) fn routes() -> Vec<Route> {
    let routes = vec![
        Route::new(Method::GET, PATH, Permit::AnyKey, "listApiKeys", list)
            .about("The caller's keys, or with USER_ADMIN those of `owner`, or everybody's with `owner=*`.")
            .query::<String>("owner", "A username, `administrator`, or `*`.")
            .answers::<KeyList>(200, "The keys, oldest first.")
            .fails(&[400]),
        Route::new(Method::POST, PATH, Permit::AnyKey, "createApiKey", create)
            .about(
                "Makes a key and shows its secret this once. A key may do at most what the key that made it may; \
                 one for somebody else needs USER_ADMIN and may do at most what they may.",
            )
            .idempotent()
            .body::<KeyRequest>()
            .answers::<NewKey>(201, "The key with its secret.")
            .fails(&[400, 404, 413, 415, 422]),
        Route::new(Method::DELETE, format!("{PATH}/{{id}}"), Permit::AnyKey, "revokeApiKey", revoke)
            .about("Revokes a key for good: the caller's own, or with USER_ADMIN anybody's.")
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
    /// What it may do; when absent, all that is allowed.
    #[serde(default)]
    #[schemars(with = "Option<Vec<PermissionName>>")]
    permissions: Option<Vec<Permission>>,
    /// From when on it lets nobody in.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
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
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// A key with its secret, shown once.
#[derive(Debug, Serialize, JsonSchema)]
struct NewKey {
    /// What goes into the `Authorization` header. Nothing shows it again.
    secret: String,
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
    let owner = query.owner.unwrap_or_else(|| caller.actor.clone());
    if owner != caller.actor && !caller.has(Permission::UserAdmin) {
        return Err(lacking(&[Permission::UserAdmin], " or "));
    }
    let read = move |store: &mut Store| -> Result<_, Problem> {
        Ok(store.api_keys((owner != "*").then_some(owner.as_str()))?)
    };
    let items: Vec<_> = app.pool.with(read).await?.into_iter().map(KeyView::from).collect();
    Ok(crate::route::json(KeyList { total: items.len(), items }))
}

async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Text(text): Text,
) -> Result<Response, Problem> {
    let once = Once::of(&headers, &caller.actor, PATH, &text)?;
    let request: KeyRequest = crate::route::parse(&text)?;
    let service = app.clone();
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        idempotency::create(&service, store, once.as_ref(), |store| make(store, caller, request, now))
    };
    Ok(caller::write(&app, caller, work).await?.into_response())
}

fn make(store: &mut Store, caller: &Caller, request: KeyRequest, now: Instant) -> Result<Created, Problem> {
    if request.name.trim().is_empty() || request.name.chars().count() > 200 {
        return Err(Problem::invalid("`name` must say what the key is for, in at most 200 characters"));
    }
    if request.expires_at.is_some_and(|end| end <= now) {
        return Err(Problem::invalid("`expiresAt` must lie in the future"));
    }
    let owner = request.owner.unwrap_or_else(|| caller.actor.clone());
    let most = most_for(store, caller, &owner)?;
    let permissions = match request.permissions {
        None => most,
        Some(mut asked) => {
            asked.sort_unstable();
            asked.dedup();
            if let Some(lacking) = asked.iter().find(|permission| !most.contains(permission)) {
                let detail = format!("`permissions` holds {lacking}, which is more than this key may have");
                return Err(Problem::forbidden(detail).with("permissions", vec![lacking.as_str()]));
            }
            asked
        }
    };
    let secret = keys::new_secret().map_err(|error| Problem::internal(&error))?;
    let new = NewApiKey {
        id: Uuid::new_v4(),
        name: request.name,
        owner,
        permissions,
        expires_at: request.expires_at,
    };
    let hash = keys::hash(&secret);
    let key = caller.change(now, |change| store.create_api_key(new, &hash, change))?;
    let location = format!("{PATH}/{}", key.id);
    let view = NewKey { secret: secret.expose_secret().to_owned(), key: key.into() };
    let body = serde_json::to_value(view).expect("a key is plain data");
    Ok(Created { status: 201, location: Some(location), etag: None, body })
}

/// What a key for an owner may do at most.
fn most_for(store: &mut Store, caller: &Caller, owner: &str) -> Result<Vec<Permission>, Problem> {
    if owner == caller.actor {
        return Ok(caller.permissions.clone());
    }
    if owner == ADMINISTRATOR {
        return Err(Problem::forbidden("only the administrator's own key makes keys of the administrator"));
    }
    if !caller.has(Permission::UserAdmin) {
        return Err(lacking(&[Permission::UserAdmin], " or "));
    }
    let user = user_of(store, owner)?;
    let user = user.ok_or_else(|| Problem::not_found(format!("there is no user `{owner}`")))?;
    Ok(user.permissions.into_iter().collect())
}

async fn revoke(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let none = || Problem::not_found(format!("there is no API key `{id}` of yours"));
    let id = Uuid::parse_str(&id).map_err(|_| none())?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        let all = caller.has(Permission::UserAdmin);
        let keys = store.api_keys((!all).then_some(caller.actor.as_str()))?;
        if !keys.iter().any(|key| key.id == id) {
            return Err(Problem::not_found(format!("there is no API key `{id}` of yours")));
        }
        Ok(caller.change(now, |change| store.revoke_api_key(id, change))?)
    };
    caller::write(&app, caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
