//! Tokens of connections of the kind `scim`: what an identity provider pushes with.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domesday_model::{Instant, Permission};
use domesday_service::caller::{Caller, Permit};
use domesday_service::idempotency::create_once;
use domesday_service::scim;
use domesday_store::{ScimToken, Store};
use schemars::JsonSchema;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use uuid::Uuid;

use crate::extract::{Authenticated, Path, expect_json, parse};
use crate::idempotency::{CreatedResponse, idempotency_key};
use crate::problem::Problem;
use crate::response::json;
use crate::route::Route;
use crate::state::App;

const PATH: &str = "/api/v1/connections/{name}/tokens";

pub(super) fn routes() -> Vec<Route> {
    const WRITERS: Permit = Permit::AnyOf(&[Permission::UserAdmin]);
    const READERS: Permit = Permit::AnyOf(&[Permission::UserAdmin, Permission::Audit]);
    let routes = vec![
        Route::new(Method::GET, PATH, READERS, "listConnectionTokens", list)
            .about("The tokens of a connection, those that were revoked included.")
            .answers::<TokenList>(200, "The tokens, oldest first.")
            .fails(&[404]),
        Route::new(Method::POST, PATH, WRITERS, "createConnectionToken", create)
            .about(
                "Creates a token and shows its secret this once: sent again with the same `Idempotency-Key`, the answer \
                 has the token without it. The token may do SCIM for this connection and nothing else, until it is \
                 revoked.",
            )
            .idempotent()
            .body::<TokenRequestBody>()
            .body_optional()
            .answers::<NewToken>(201, "The token with its secret.")
            .fails(&[400, 404, 409, 413, 415, 422]),
        Route::new(Method::DELETE, format!("{PATH}/{{id}}"), WRITERS, "revokeConnectionToken", revoke)
            .about("Revokes a token for good.")
            .answers_nothing(204, "Revoked.")
            .fails(&[404]),
    ];
    routes.into_iter().map(|route| route.tag("connections")).collect()
}

/// A token to be created.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "TokenRequest")]
struct TokenRequestBody {
    /// What the token is for; `SCIM` when absent.
    #[serde(default, deserialize_with = "crate::extract::present")]
    #[schemars(with = "String", length(min = 1, max = 200))]
    name: Option<String>,
}

/// A token, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct TokenView {
    #[schemars(with = "String")]
    id: Uuid,
    name: String,
    #[schemars(with = "String")]
    created_at: Instant,
    /// Who created it.
    created_by: String,
    #[schemars(with = "Option<String>")]
    last_used_at: Option<Instant>,
    #[schemars(with = "Option<String>")]
    revoked_at: Option<Instant>,
}

impl From<ScimToken> for TokenView {
    fn from(token: ScimToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            created_at: token.created_at,
            created_by: token.created_by,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
        }
    }
}

/// A token with its secret, shown once.
#[derive(Debug, Serialize, JsonSchema)]
struct NewToken {
    /// What the identity provider sends after `Bearer`. Null when the call is answered again under its
    /// `Idempotency-Key`: nothing shows a secret twice.
    secret: Option<String>,
    #[serde(flatten)]
    token: TokenView,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TokenList {
    total: usize,
    items: Vec<TokenView>,
}

async fn list(State(app): State<App>, Path(name): Path<String>) -> Result<Response, Problem> {
    let read = move |store: &mut Store| -> Result<_, Problem> { Ok(scim::tokens(store, &name)?) };
    let tokens = app.service.pool.with(read).await?.into_iter().map(|mut token| {
        token.last_used_at = app.service.last_use.latest_of_token(token.id, token.last_used_at);
        token
    });
    let items: Vec<_> = tokens.map(TokenView::from).collect();
    Ok(json(TokenList { total: items.len(), items }))
}

async fn create(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path(name): Path<String>,
    headers: HeaderMap,
    text: Bytes,
) -> Result<Response, Problem> {
    let path = PATH.replace("{name}", &name);
    let key = idempotency_key(&headers, &caller, &path, &text)?;
    let body = if text.is_empty() {
        TokenRequestBody::default()
    } else {
        expect_json(&headers)?;
        parse(&text)?
    };
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Problem> {
        let mut secret = None;
        let mut created = create_once(store, &sealer, key.as_ref(), now, |store| {
            let (token, new) = scim::create_token(store, caller, &name, body.name, now)?;
            secret = Some(new);
            Ok::<_, Problem>(without_secret(&path, token))
        })?;
        // Added to the first answer only, after what is stored of it.
        if let Some(secret) = secret {
            let body = serde_json::from_str::<serde_json::Map<_, _>>(created.body.get());
            let mut body = body.expect("a token is shown as an object");
            body.insert("secret".to_owned(), secret.expose_secret().into());
            created.body = to_raw_value(&body).expect("a token is plain data");
        }
        Ok(created)
    };
    Ok(app.service.write(caller, work).await?.into_response())
}

/// Returns the answer about a new token as it is stored.
fn without_secret(path: &str, token: ScimToken) -> CreatedResponse {
    let location = format!("{path}/{}", token.id);
    let view = NewToken { secret: None, token: token.into() };
    let body = to_raw_value(&view).expect("a token is plain data");
    CreatedResponse { status: 201, location: Some(location), etag: None, body }
}

async fn revoke(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let id =
        Uuid::parse_str(&id).map_err(|_| Problem::not_found("the connection has no token with this id"))?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Problem> {
        Ok(scim::revoke_token(store, caller, &name, id, now)?)
    };
    app.service.write(caller, work).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
