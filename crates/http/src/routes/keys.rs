//! API keys: created, listed and revoked by the users that they belong to, and for everybody by USER_ADMIN.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use domesday_model::{Instant, Permission};
use domesday_service::ServiceError;
use domesday_service::api_keys::{self, KeyRequest};
use domesday_service::caller::{Caller, Permit};
use domesday_service::idempotency::create_once;
use domesday_store::{ApiKey, Store};
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use uuid::Uuid;

use crate::extract::{Authenticated, JsonText, Path, Query, parse};
use crate::idempotency::{CreatedResponse, idempotency_key};
use crate::problem::Problem;
use crate::response::json;
use crate::route::Route;
use crate::state::App;

const PATH: &str = "/api/v1/api-keys";

/// Who lists everybody's keys.
const READERS: &[Permission] = &[Permission::UserAdmin, Permission::Audit];

pub(super) fn routes() -> Vec<Route> {
    let routes = vec![
        Route::new(Method::GET, PATH, Permit::AnyKey, "listApiKeys", list)
            .about(
                "The caller's keys, or with USER_ADMIN or AUDIT those of `owner`, or everybody's with `owner=*`.",
            )
            .query::<KeyQuery>()
            .answers::<KeyList>(200, "The keys, oldest first.")
            .fails(&[400]),
        Route::new(Method::POST, PATH, Permit::AnyKey, "createApiKey", create)
            .about(
                "Creates a key and shows its secret this once: sent again with the same `Idempotency-Key`, the answer \
                 has the key without it. A key may do at most what the key that created it may, and expires no later. \
                 One for somebody else needs USER_ADMIN and every permission that they have. With `permissions` a key \
                 is narrowed to them: it carries none of its user's roles, such as domains that they manage.",
            )
            .idempotent()
            .body::<KeyRequestBody>()
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

/// A key to be created.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "KeyRequest")]
struct KeyRequestBody {
    /// What the key is for.
    #[schemars(length(min = 1, max = 200))]
    name: String,
    /// A username, or `administrator` for the operator's own; the caller when absent.
    #[serde(default)]
    owner: Option<String>,
    /// What it may do, and nothing that follows from its user's roles; when absent, all that is allowed.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "Vec<PermissionName>")]
    permissions: Option<Vec<Permission>>,
    /// When it expires: not after the key that creates it, which is the default.
    #[serde(default, deserialize_with = "crate::extract::present")]
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

#[derive(Debug, Deserialize, JsonSchema)]
struct KeyQuery {
    /// A username, `administrator`, or `*`.
    owner: Option<String>,
}

async fn list(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Query(query): Query<KeyQuery>,
) -> Result<Response, Problem> {
    let others = query.owner.filter(|owner| *owner != caller.actor);
    if others.is_some() && !caller.has_any(READERS) {
        return Err(ServiceError::lacks_any(READERS).into());
    }
    let read = move |store: &mut Store| -> Result<_, Problem> {
        Ok(match others.as_deref() {
            None => store.api_keys_of(caller.user_id)?,
            Some("*") => store.api_keys(None)?,
            Some(owner) => store.api_keys(Some(owner))?,
        })
    };
    let keys = app.service.pool.with(read).await?.into_iter().map(|mut key| {
        key.last_used_at = app.service.last_use.latest(key.id, key.last_used_at);
        key
    });
    let items: Vec<_> = keys.map(KeyView::from).collect();
    Ok(json(KeyList { total: items.len(), items }))
}

async fn create(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    headers: HeaderMap,
    JsonText(text): JsonText,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, PATH, &text)?;
    let KeyRequestBody { name, owner, permissions, expires_at } = parse(&text)?;
    let request = KeyRequest { name, owner, permissions, expires_at };
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let mut secret = None;
        let mut created = create_once(store, &sealer, key.as_ref(), now, |store| {
            let (key, new) = api_keys::create(store, caller, request, now)?;
            secret = Some(new);
            Ok::<_, Problem>(without_secret(key))
        })?;
        // Added to the first answer only, after what is stored of it.
        if let Some(secret) = secret {
            let body = serde_json::from_str::<serde_json::Map<_, _>>(created.body.get());
            let mut body = body.expect("a key is shown as an object");
            body.insert("secret".to_owned(), secret.expose_secret().into());
            body.remove("note");
            created.body = to_raw_value(&body).expect("a key is plain data");
        }
        Ok(created)
    };
    Ok(app.service.write(caller, work).await?.into_response())
}

/// Returns the answer about a new key as it is stored.
fn without_secret(key: ApiKey) -> CreatedResponse {
    let location = format!("{PATH}/{}", key.id);
    let view = NewKey { secret: None, note: Some(NOT_SHOWN_AGAIN.to_owned()), key: key.into() };
    let body = to_raw_value(&view).expect("a key is plain data");
    CreatedResponse { status: 201, location: Some(location), etag: None, body }
}

async fn revoke(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = Uuid::parse_str(&id)
        .map_err(|_| Problem::not_found(format!("there is no API key `{id}` of yours")))?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        Ok(api_keys::revoke(store, caller, id, now)?)
    };
    app.service.write(caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
