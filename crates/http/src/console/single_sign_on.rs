//! Signing in by single sign-on: the way to the provider, and the way back.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use domesday_service::oidc::{Answer, CALLBACK, LONGEST_SIGN_IN, OidcError};
use secrecy::{ExposeSecret, SecretString};

use super::assets::{Assets, assets};
use super::errors::{lone, sentence};
use super::form::Form;
use super::session_start::{begin_session, client, path_within, with_retry};
use super::{page, see_other, session};
use crate::authentication::{address, check_failures, count_failure};
use crate::problem::Problem;
use crate::state::{App, AppState};

/// Where a sign-in begins.
pub(super) const START: &str = "/sign-in/oidc";

/// The cookie of a sign-in under way.
const COOKIE: &str = "domesday_sign_in";

#[derive(Template)]
#[template(path = "console/single_sign_on.html")]
struct RefusalPage {
    assets: &'static Assets,
    title: &'static str,
    detail: String,
    help: &'static str,
}

fn not_configured() -> Response {
    lone(&Problem::not_found("single sign-on is not configured"))
}

/// Leads the browser to the provider.
pub(super) async fn start(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(sign_on) = &app.service.single_sign_on else { return not_configured() };
    let query = Form::parse(parts.uri.query().unwrap_or_default());
    let next = path_within(query.get("next")).unwrap_or_default();
    match sign_on.begin(&app.service.sealer, next, app.service.now()).await {
        Ok(beginning) => {
            let mut response = see_other(&beginning.address);
            set_cookie(&app, &mut response, &beginning.cookie);
            response
        }
        Err(error) => refuse(error),
    }
}

/// Signs in the person whom the provider led back.
pub(super) async fn callback(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(sign_on) = &app.service.single_sign_on else { return not_configured() };
    // A request for the head alone must not use the state up.
    if parts.method != Method::GET {
        return see_other("/sign-in");
    }
    let address = address(&app, &parts);
    // Each attempt costs the provider a request.
    if let Err(problem) = check_failures(&app, address) {
        return with_retry(lone(&problem), problem);
    }
    let query = Form::parse(parts.uri.query().unwrap_or_default());
    let answer = Answer {
        state: query.get("state").to_owned(),
        code: query.get("code").to_owned().into(),
        error: query.get("error").to_owned(),
        issuer: query.get("iss").to_owned(),
    };
    let cookie = session::cookie(&parts.headers, COOKIE);
    let service = &app.service;
    let completed = sign_on.complete(
        &service.pool,
        &service.sealer,
        &service.clock,
        cookie.as_ref(),
        answer,
        client(&app, &parts),
    );
    let mut response = match completed.await {
        Ok(completion) => begin_session(&app, &completion.token, &completion.next),
        Err(error) => {
            let is_failure = !matches!(error, OidcError::Provider(_) | OidcError::Service(_));
            let problem = Problem::unauthenticated("");
            let problem = if is_failure { count_failure(&app, address, problem) } else { problem };
            with_retry(refuse(error), problem)
        }
    };
    set_cookie(&app, &mut response, &SecretString::default());
    response
}

/// Sets the cookie of a sign-in under way; an empty one deletes it.
fn set_cookie(app: &AppState, response: &mut Response, sealed: &SecretString) {
    let secure = if app.service.config.is_behind_tls() { "; Secure" } else { "" };
    let sealed = sealed.expose_secret();
    let age = if sealed.is_empty() { 0 } else { LONGEST_SIGN_IN / 1_000_000 };
    let cookie = format!("{COOKIE}={sealed}; Path={CALLBACK}; HttpOnly; SameSite=Lax; Max-Age={age}{secure}");
    if let Ok(mut value) = HeaderValue::from_str(&cookie) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// Answers that nobody is signed in, why, and what to do.
fn refuse(error: OidcError) -> Response {
    let error = match error {
        OidcError::Service(error) => return lone(&error.into()),
        error => error,
    };
    let (status, title, help) = match &error {
        OidcError::NotBegun => {
            (StatusCode::BAD_REQUEST, "Not signed in", "Go to the page to sign in, and begin again there.")
        }
        OidcError::Declined(_) => {
            (StatusCode::FORBIDDEN, "Not signed in", "Begin again, or sign in with an API key.")
        }
        OidcError::Provider(cause) => {
            tracing::warn!(%cause, "single sign-on failed");
            let help =
                "Try again later, or sign in with an API key. The operator finds the cause in the log.";
            (StatusCode::BAD_GATEWAY, "Single sign-on failed", help)
        }
        OidcError::InvalidToken(cause) => {
            tracing::warn!(%cause, "single sign-on: the provider's token is not accepted");
            let help = "Begin again. If it fails again, the operator finds the cause in the log.";
            (StatusCode::FORBIDDEN, "Not signed in", help)
        }
        OidcError::NoName(_) => {
            let help =
                "The operator chooses the claim with oidc.username_claim, and the provider must send it.";
            (StatusCode::FORBIDDEN, "Not signed in", help)
        }
        OidcError::UnverifiedEmail(_) => {
            (StatusCode::FORBIDDEN, "Not signed in", "Verify the address at the provider, then begin again.")
        }
        OidcError::UnknownUser(_) => {
            let help = "Ask somebody with USER_ADMIN to add you to the users of the catalog under this name.";
            (StatusCode::FORBIDDEN, "Not known here", help)
        }
        OidcError::AmbiguousEmail(_) => {
            let help = "Ask somebody with USER_ADMIN to leave the address to one user.";
            (StatusCode::FORBIDDEN, "Not signed in", help)
        }
        OidcError::DisabledUser(_) => {
            (StatusCode::FORBIDDEN, "Disabled", "Ask somebody with USER_ADMIN to enable the user again.")
        }
        OidcError::Service(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Not signed in", "The log has the cause.")
        }
    };
    let view = RefusalPage { assets: assets(), title, detail: sentence(&error.to_string()), help };
    let mut response = page(&view);
    *response.status_mut() = status;
    response
}
