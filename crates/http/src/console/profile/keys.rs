//! API keys on the profile: the form of a new one, which shows its secret once, and revoking.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domesday_model::{Instant, Permission};
use domesday_service::ServiceError;
use domesday_service::api_keys::{self, KeyRequest};
use domesday_service::caller::{Caller, Permit};
use domesday_service::idempotency::{IdempotencyKey, create_once};
use domesday_store::Store;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{CreatedView, KeyForm, PATH, PermissionChoice, confirm, load, parse_id};
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::people::permission_summary;
use crate::console::signed_in::SignedIn;
use crate::console::{page, see_other};
use crate::state::{App, AppState};

pub(super) fn key_form(signed_in: &SignedIn, sent: Option<&Form>) -> KeyForm {
    let caller = &signed_in.caller;
    let chosen = |permission: Permission| {
        sent.is_some_and(|form| form.all("permission").any(|it| it == permission.as_str()))
    };
    let text = |name: &str| sent.map_or("", |form| form.get(name)).to_owned();
    let once = Some(text("once")).filter(|once| !once.is_empty());
    KeyForm {
        once: once.unwrap_or_else(|| Uuid::new_v4().to_string()),
        name: text("name"),
        name_error: String::new(),
        expires: text("expires"),
        expires_error: String::new(),
        latest: caller.expires_at.map_or_else(String::new, |end| signed_in.shell.calendar.full(end).text),
        narrowed: text("rights") == "some",
        permissions: caller
            .permissions
            .iter()
            .map(|it| PermissionChoice {
                name: it.as_str(),
                about: permission_summary(*it),
                is_checked: chosen(*it),
            })
            .collect(),
        problem: String::new(),
    }
}

/// Leads from the address of a form that was sent to the page with the form.
pub(in crate::console) async fn to_profile() -> Response {
    see_other(PATH)
}

/// What creating a key leaves for the form being sent again.
#[derive(Debug, Serialize, Deserialize)]
struct CreatedKey {
    id: Uuid,
    name: String,
    expires_at: Option<Instant>,
}

/// Creates a key and shows its secret this once.
pub(in crate::console) async fn create_key(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let mut again = key_form(&signed_in, Some(&form));
    let expires_at = signed_in.shell.calendar.beginning(&again.expires);
    if again.name.is_empty() {
        "Say what the key is for.".clone_into(&mut again.name_error);
    }
    if !again.expires.is_empty() && expires_at.is_none_or(|end| end <= app.service.now()) {
        "Choose a day after today.".clone_into(&mut again.expires_error);
    }
    let created = if again.name_error.is_empty() && again.expires_error.is_empty() {
        create(&app, &signed_in, &form, &again, expires_at).await
    } else {
        Ok(None)
    };
    let created = match created {
        Ok(created) => created,
        Err(failure) => match failure.mistake() {
            Some(mistake) => {
                again.problem = mistake;
                None
            }
            None => return Err(failure),
        },
    };
    let mut view = load(&app, &signed_in).await?;
    let is_created = created.is_some();
    match created {
        Some(created) => {
            view.keys.iter_mut().filter(|key| key.id == created.id).for_each(|key| key.is_new = true);
            view.created = Some(created);
        }
        None => view.form = Some(again),
    }
    let mut response = page(&view);
    if !is_created {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

async fn create(
    app: &AppState,
    signed_in: &SignedIn,
    form: &Form,
    sent: &KeyForm,
    expires_at: Option<Instant>,
) -> Result<Option<CreatedView>, Failure> {
    let asked = form.all("permission").filter_map(|name| name.parse().ok());
    let request = KeyRequest {
        name: sent.name.clone(),
        owner: None,
        permissions: sent.narrowed.then(|| asked.collect()),
        expires_at,
    };
    let body = format!("{request:?}");
    let key = IdempotencyKey::new(&sent.once, &signed_in.caller, PATH, body.as_bytes());
    let key = key.map_err(|error| ServiceError::invalid(error.to_string()))?;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Failure> {
        let mut secret = None;
        let created = create_once(store, &sealer, Some(&key), now, |store| {
            let (key, new) = api_keys::create(store, caller, request, now)?;
            secret = Some(new);
            Ok::<_, Failure>(CreatedKey { id: key.id, name: key.name, expires_at: key.expires_at })
        })?;
        Ok((created, secret))
    };
    let (created, secret) = app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    let ends = created.expires_at.map(|end| signed_in.shell.calendar.full(end));
    let secret = secret.map_or_else(String::new, |secret| secret.expose_secret().to_owned());
    Ok(Some(CreatedView { id: created.id, name: created.name, secret, ends }))
}

/// Asks whether a key is to be revoked.
pub(in crate::console) async fn confirm_revoke(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let (id, user, now) = (parse_id(&id)?, signed_in.caller.user_id, app.service.now());
    let read = move |store: &mut Store| -> Result<_, Failure> { Ok(store.api_key(id)?) };
    let key = app.service.pool.with(read).await?.filter(|key| key.user == user && key.is_valid(now));
    let key = key.ok_or_else(|| {
        ServiceError::not_found("there is no such key of yours, or it is revoked or expired already")
    })?;
    let used = match app.service.last_use.latest(key.id, key.last_used_at) {
        Some(used) => format!("it was last used {}", signed_in.shell.calendar.time(used).text),
        None => "it was never used".to_owned(),
    };
    let mut text =
        format!("Whatever uses it is locked out at once; {used}. A revoked key cannot be brought back.");
    if Some(key.id) == signed_in.caller.key {
        text.push_str(" You are signed in with it: this session ends too.");
    }
    let action = format!("{PATH}/keys/{id}/revoke");
    Ok(confirm(signed_in, format!("Revoke the key “{}”?", key.name), text, action, "Revoke"))
}

/// Revokes a key.
pub(in crate::console) async fn revoke_key(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let id = parse_id(&id)?;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        Ok(api_keys::revoke(store, caller, id, now)?)
    };
    app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    Ok(see_other(&format!("{PATH}?revoked={id}")))
}
