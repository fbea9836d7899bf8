//! The tokens of a connection that is pushed to: created, with the secret shown once, and revoked.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::Instant;
use domesday_service::caller::Caller;
use domesday_service::idempotency::{IdempotencyKey, create_once};
use domesday_service::{ServiceError, scim};
use domesday_store::Store;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::token_list::{CreatedView, Outcome, TokenForm, WRITERS};
use super::{connection_path, show};
use crate::console::confirm::Confirmation;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::state::{App, AppState};

/// What creating a token leaves for the form being sent again.
#[derive(Debug, Serialize, Deserialize)]
struct CreatedToken {
    id: Uuid,
    name: String,
}

/// Creates a token, and shows its secret this once.
pub(super) async fn create(
    State(app): State<App>,
    Path(name): Path<String>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    WRITERS.check(&signed_in.caller)?;
    let typed = form.get("name").to_owned();
    let once = match form.get("once") {
        "" => Uuid::new_v4().to_string(),
        once => once.to_owned(),
    };
    let refused = |problem| TokenForm { once: once.clone(), name: typed.clone(), problem };
    let (outcome, status) = match create_token(&app, &signed_in, &name, &once, &typed).await {
        Ok(created) => (Outcome { created: Some(created), refused: None }, StatusCode::OK),
        Err(failure) => {
            let problem = failure.mistake().ok_or(failure)?;
            let refused = Some(refused(problem));
            (Outcome { created: None, refused }, StatusCode::UNPROCESSABLE_ENTITY)
        }
    };
    let mut response = show::render(&app, signed_in, name, &Form::default(), outcome).await?;
    *response.status_mut() = status;
    Ok(response)
}

async fn create_token(
    app: &AppState,
    signed_in: &SignedIn,
    connection: &str,
    once: &str,
    name: &str,
) -> Result<CreatedView, Failure> {
    let path = format!("{}/tokens", connection_path(connection));
    let key = IdempotencyKey::new(once, &signed_in.caller, &path, name.as_bytes());
    let key = key.map_err(|error| ServiceError::invalid(error.to_string()))?;
    let sealer = Arc::clone(&app.service.sealer);
    let (connection, name) = (connection.to_owned(), name.to_owned());
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Failure> {
        let mut secret = None;
        let created = create_once(store, &sealer, Some(&key), now, |store| {
            let (token, new) = scim::create_token(store, caller, &connection, Some(name), now)?;
            secret = Some(new);
            Ok::<_, Failure>(CreatedToken { id: token.id, name: token.name })
        })?;
        Ok((created, secret))
    };
    let (created, secret) = app.service.write(signed_in.caller_for(WRITERS), work).await?;
    let secret = secret.map_or_else(String::new, |secret| secret.expose_secret().to_owned());
    Ok(CreatedView { name: created.name, secret })
}

fn parse_id(id: &str) -> Result<Uuid, ServiceError> {
    Uuid::parse_str(id).map_err(|_| ServiceError::not_found("the connection has no token with this id"))
}

/// Asks whether a token is to be revoked.
pub(super) async fn confirm_revoke(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    WRITERS.check(&signed_in.caller)?;
    let (id, searched) = (parse_id(&id)?, name.clone());
    let read = move |store: &mut Store| -> Result<_, Failure> { Ok(scim::tokens(store, &searched)?) };
    let tokens = app.service.pool.with(read).await?;
    let token = tokens.into_iter().find(|token| token.id == id && token.revoked_at.is_none());
    let token = token.ok_or_else(|| {
        ServiceError::not_found("the connection has no token with this id, or it is revoked already")
    })?;
    let used = match app.service.last_use.latest_of_token(token.id, token.last_used_at) {
        Some(used) => format!("it was last used {}", signed_in.shell.calendar.time(used).text),
        None => "it was never used".to_owned(),
    };
    let path = connection_path(&name);
    let question = Confirmation {
        title: format!("Revoke the token “{}”?", token.name),
        text: format!(
            "The identity provider that uses it can push nothing more at once; {used}. A revoked token cannot be brought back."
        ),
        action: format!("{path}/tokens/{id}/revoke"),
        back: path,
        verb: "Revoke",
        ..Confirmation::default()
    };
    Ok(question.ask(signed_in.shell))
}

/// Revokes a token.
pub(super) async fn revoke(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let (id, connection) = (parse_id(&id)?, name.clone());
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        Ok(scim::revoke_token(store, caller, &connection, id, now)?)
    };
    app.service.write(signed_in.caller_for(WRITERS), work).await?;
    Ok(see_other(&format!("{}?revoked#tokens", connection_path(&name))))
}
