//! The session of a request: the cookie, the caller, and the token that only this session's forms have.

use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_service::permissions::objects::PolicyRights;
use domesday_service::requests::selection;
use domesday_service::sessions;
use domesday_store::{Session, Store};
use http_body_util::{BodyExt, Limited};
use secrecy::{ExposeSecret, SecretString};

use super::form::Form;
use super::navigation::add_policies;
use super::shell::Shell;
use super::signed_in::SignedIn;
use super::{errors, see_other, upload};
use crate::authentication::address;
use crate::problem::Problem;
use crate::state::{App, AppState};

const COOKIE: &str = "domesday_session";

/// The longest form, in bytes.
const MAX_FORM: usize = 256 << 10;

/// The fields of the form that was sent, or of the query.
impl FromRequestParts<App> for Form {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let sent = parts.extensions.get::<Self>().cloned();
        Ok(sent.unwrap_or_else(|| Self::parse(parts.uri.query().unwrap_or_default())))
    }
}

/// Returns the token in the cookie of a request.
pub(super) fn token(headers: &HeaderMap) -> Option<SecretString> {
    cookie(headers, COOKIE)
}

/// Returns the value of a cookie.
pub(super) fn cookie(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies =
        cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = cookies.find(|(known, _)| *known == name)?;
    (!token.is_empty()).then(|| token.to_owned().into())
}

/// Adds the cookie of a session to an answer; an empty token deletes it.
pub(super) fn set_cookie(app: &AppState, response: &mut Response, token: &str) {
    let secure = if app.service.config.is_behind_tls() { "; Secure" } else { "" };
    let age = if token.is_empty() { 0 } else { sessions::LIFETIME / 1_000_000 };
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    if let Ok(mut value) = HeaderValue::from_str(&cookie) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Lets requests of a session pass, and changes only from its own forms. Others are led to the sign-in page.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let found = match token(&parts.headers) {
        Some(token) => {
            find(&app, &parts, &token).await.map(|signed_in| signed_in.map(|found| (found, token)))
        }
        None => Ok(None),
    };
    let (signed_in, token) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return to_sign_in(&parts),
        Err(error) => return errors::lone(&Problem::from(error)),
    };
    let page = errors::PageOf { signed_in: signed_in.clone(), path: parts.uri.path().to_owned() };
    let mut body = body;
    if parts.method != Method::GET && parts.method != Method::HEAD {
        let form = match read_form(&app, &signed_in.caller, &mut parts, body).await {
            Ok(form) => form,
            Err(error) => return page.answer(&app, error).await,
        };
        if !sessions::is_form_token(&token, form.get("csrf")) {
            let message = "this form was not sent from a page of your session; open the page again and repeat the change";
            return page.answer(&app, ServiceError::forbidden(message)).await;
        }
        parts.extensions.insert(form);
        body = Body::empty();
    }
    parts.extensions.insert(signed_in);
    let mut response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions_mut().remove::<errors::Failure>() {
        Some(failure) => page.answer(&app, failure).await,
        None => response,
    }
}

/// Reads the form that was sent, and the files where the page takes some.
async fn read_form(
    app: &AppState,
    caller: &Caller,
    parts: &mut Parts,
    body: Body,
) -> Result<Form, ServiceError> {
    if upload::is_upload(parts) {
        let (form, files) = upload::read(&app.service.config, caller, parts, body).await?;
        parts.extensions.insert(files);
        return Ok(form);
    }
    match Limited::new(body, MAX_FORM).collect().await {
        Ok(bytes) => Ok(Form::parse(&String::from_utf8_lossy(&bytes.to_bytes()))),
        Err(_) => Err(ServiceError::invalid("the form is too large or broke off")),
    }
}

/// Returns the caller and the session of a token; none when the session has ended.
async fn authenticate(
    app: &AppState,
    parts: &Parts,
    token: &SecretString,
) -> Result<Option<(Caller, Session)>, ServiceError> {
    let service = &app.service;
    let address = address(app, parts);
    match sessions::authenticate(&service.pool, &service.last_use, token, address, service.now()).await {
        Ok(found) => Ok(Some(found)),
        Err(ServiceError::Unauthenticated(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn find(app: &AppState, parts: &Parts, token: &SecretString) -> Result<Option<SignedIn>, ServiceError> {
    let Some((caller, session)) = authenticate(app, parts, token).await? else { return Ok(None) };
    let (path, form_token) = (parts.uri.path().to_owned(), sessions::form_token(token));
    let (user, asking) = (caller.user_id, caller.clone());
    let read = move |store: &mut Store| -> Result<_, ServiceError> {
        let tenant = store.tenant()?.map(|(tenant, _)| tenant);
        let stored =
            user.map(|user| store.object_by_id(domesday_model::Kind::User, user.0)).transpose()?.flatten();
        let name = stored.and_then(|stored| stored.document.get("name")?.as_str().map(str::to_owned));
        Ok((tenant, name, manages_policies(store, &asking)?))
    };
    let (tenant, name, manages_policies) = app.service.pool.with(read).await?;
    let waiting = count_waiting(app, &caller).await;
    let now = app.service.now();
    let mut shell = Shell::new(&caller, tenant.as_ref(), name, form_token, &path, waiting, now);
    if manages_policies {
        add_policies(&mut shell.navigation, &path);
    }
    Ok(Some(SignedIn { caller, session, shell }))
}

/// Whether a caller writes policies as the manager of a domain, and reads no others.
fn manages_policies(store: &mut Store, caller: &Caller) -> Result<bool, ServiceError> {
    match PolicyRights::find(store, caller) {
        Ok(rights) => Ok(!rights.reads_all()),
        Err(ServiceError::Forbidden { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns how many requests wait for the caller's decision. A page is not refused because they cannot be counted.
async fn count_waiting(app: &AppState, caller: &Caller) -> u64 {
    if caller.user.is_none() {
        return 0;
    }
    let counted = async {
        let evaluation = app.service.evaluations.current(caller.revision).await?;
        Ok::<_, ServiceError>(selection::waiting(&evaluation, caller)?.len() as u64)
    };
    counted.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot count the requests that wait for a user");
        0
    })
}

/// Leads to the sign-in page, and from there back to the page that was asked for.
fn to_sign_in(parts: &Parts) -> Response {
    let is_page = parts.method == Method::GET && parts.uri.path().starts_with("/console/");
    let target = parts.uri.path_and_query().filter(|_| is_page).map(ToString::to_string);
    let Some(target) = target else { return see_other("/sign-in").into_response() };
    let target = percent_encoding::utf8_percent_encode(&target, percent_encoding::NON_ALPHANUMERIC);
    see_other(&format!("/sign-in?next={target}"))
}

/// Whether somebody is signed in.
pub(super) async fn is_signed_in(app: &AppState, parts: &Parts) -> bool {
    match token(&parts.headers) {
        Some(token) => matches!(authenticate(app, parts, &token).await, Ok(Some(_))),
        None => false,
    }
}

/// Exposes a token for a cookie.
pub(super) fn exposed(token: &SecretString) -> &str {
    token.expose_secret()
}
