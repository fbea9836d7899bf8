//! *Make a governor*: the operator's way to a user who works in place of the administrator, with a key to sign in.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use domesday_model::{Instant, Kind, Permission, UserStatus};
use domesday_service::api_keys::{self, KeyRequest};
use domesday_service::caller::{Caller, Permit};
use domesday_service::idempotency::{IdempotencyKey, create_once};
use domesday_service::{Precondition, ServiceError, objects};
use domesday_store::Store;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::assets::{Assets, assets};
use super::errors::Failure;
use super::form::Form;
use super::link::Link;
use super::page;
use super::shell::Shell;
use super::signed_in::SignedIn;
use crate::state::{App, AppState};

const PATH: &str = "/console/governor";

/// How many users are proposed.
const MAX_PROPOSED: usize = 20;

pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show).post(make))
}

#[derive(Template)]
#[template(path = "console/governor.html")]
struct GovernorPage {
    assets: &'static Assets,
    shell: Shell,
    form: GovernorForm,
    /// Users who have GOVERNANCE: the link of the username, and the name.
    governors: Vec<(Link, String)>,
    has_single_sign_on: bool,
    made: Option<MadeGovernor>,
    secret: String,
}

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct GovernorForm {
    once: String,
    username: String,
    username_error: String,
    name: String,
    user_admin: bool,
    application_admin: bool,
    problem: String,
}

/// What making a governor leaves for the form being sent again.
#[derive(Debug, Serialize, Deserialize)]
struct MadeGovernor {
    username: String,
    is_new: bool,
}

fn check(caller: &Caller) -> Result<(), ServiceError> {
    if caller.is_operator() {
        return Ok(());
    }
    Err(ServiceError::forbidden(
        "only the administrator makes the first governor; users with USER_ADMIN give permissions on the page of a user",
    ))
}

async fn view(app: &AppState, signed_in: &SignedIn, form: GovernorForm) -> Result<GovernorPage, Failure> {
    let evaluation = app.service.evaluations.current(signed_in.caller.revision).await?;
    let users = evaluation.snapshot().users.iter();
    let governors = users.filter(|user| {
        user.status == UserStatus::Active && user.permissions.contains(&Permission::Governance)
    });
    let governors = governors.take(MAX_PROPOSED).map(|user| {
        let username = utf8_percent_encode(&user.username, NON_ALPHANUMERIC);
        (Link::new(&*user.username, format!("{PATH}?username={username}")), user.name.to_string())
    });
    Ok(GovernorPage {
        assets: assets(),
        shell: signed_in.shell.clone(),
        form,
        governors: governors.collect(),
        has_single_sign_on: app.service.single_sign_on.is_some(),
        made: None,
        secret: String::new(),
    })
}

/// Shows the form.
async fn show(State(app): State<App>, signed_in: SignedIn, query: Form) -> Result<Response, Failure> {
    check(&signed_in.caller)?;
    let form = GovernorForm {
        once: Uuid::new_v4().to_string(),
        username: query.get("username").to_owned(),
        user_admin: true,
        application_admin: true,
        ..GovernorForm::default()
    };
    Ok(page(&view(&app, &signed_in, form).await?))
}

/// Gives the permissions to the user, who is created when there is none, and creates a key.
async fn make(State(app): State<App>, signed_in: SignedIn, form: Form) -> Result<Response, Failure> {
    check(&signed_in.caller)?;
    let mut sent = GovernorForm {
        once: form.get("once").to_owned(),
        username: form.get("username").to_owned(),
        name: form.get("name").to_owned(),
        user_admin: form.all("permission").any(|name| name == Permission::UserAdmin.as_str()),
        application_admin: form.all("permission").any(|name| name == Permission::ApplicationAdmin.as_str()),
        ..GovernorForm::default()
    };
    if sent.username.is_empty() {
        "Enter the username.".clone_into(&mut sent.username_error);
        return unprocessable(&app, &signed_in, sent).await;
    }
    match write(&app, &signed_in, &sent).await {
        Ok((made, secret)) => {
            let mut page_view = view(&app, &signed_in, sent).await?;
            page_view.made = Some(made);
            page_view.secret = secret;
            Ok(page(&page_view))
        }
        Err(failure) => match failure.mistake() {
            Some(mistake) => {
                sent.problem = mistake;
                unprocessable(&app, &signed_in, sent).await
            }
            None => Err(failure),
        },
    }
}

async fn unprocessable(
    app: &AppState,
    signed_in: &SignedIn,
    form: GovernorForm,
) -> Result<Response, Failure> {
    let mut response = page(&view(app, signed_in, form).await?);
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn write(
    app: &AppState,
    signed_in: &SignedIn,
    sent: &GovernorForm,
) -> Result<(MadeGovernor, String), Failure> {
    let mut permissions = vec![Permission::Governance];
    permissions.extend(sent.user_admin.then_some(Permission::UserAdmin));
    permissions.extend(sent.application_admin.then_some(Permission::ApplicationAdmin));
    let (username, name) = (sent.username.clone(), sent.name.clone());
    let body = format!("{username:?} {name:?} {permissions:?}");
    let key = IdempotencyKey::new(&sent.once, &signed_in.caller, PATH, body.as_bytes());
    let key = key.map_err(|error| ServiceError::invalid(error.to_string()))?;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Failure> {
        check(caller)?;
        let mut secret = None;
        let made = create_once(store, &sealer, Some(&key), now, |store| {
            let stored = store.object(Kind::User, &username)?;
            let is_new = stored.is_none();
            let document = document(stored.map(|stored| stored.document), &username, &name, &permissions)?;
            objects::put(store, caller, Kind::User, &document, &Precondition::None, now)?;
            let request = KeyRequest {
                name: "First sign-in".to_owned(),
                owner: Some(username.clone()),
                permissions: None,
                expires_at: None,
            };
            let (_, new) = api_keys::create(store, caller, request, now)?;
            secret = Some(new);
            Ok::<_, Failure>(MadeGovernor { username, is_new })
        })?;
        Ok((made, secret))
    };
    let (made, secret) = app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    Ok((made, secret.map_or_else(String::new, |secret| secret.expose_secret().to_owned())))
}

/// Returns the document of the user with the permissions in addition to those that the user has.
fn document(
    stored: Option<Value>,
    username: &str,
    name: &str,
    permissions: &[Permission],
) -> Result<Value, Failure> {
    let mut document = stored.unwrap_or_else(|| {
        let mut new = json!({ "username": username });
        if !name.is_empty() {
            new["name"] = name.into();
        }
        new
    });
    let had = document.get("permissions").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut all: Vec<Value> = permissions.iter().map(|permission| permission.as_str().into()).collect();
    all.extend(had.into_iter().filter(|permission| !all.contains(permission)).collect::<Vec<_>>());
    document["permissions"] = all.into();
    // As strictly as files are read.
    domesday_sources::parse_object(Kind::User, &document.to_string())
        .map_err(|wrong| ServiceError::invalid(first_mistake(&wrong)).into())
}

fn first_mistake(wrong: &domesday_sources::Diagnostics) -> String {
    wrong.iter().next().map_or_else(String::new, |mistake| mistake.message.clone())
}
