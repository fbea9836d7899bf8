//! Signing in with an API key or the link of the first start, and signing out.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;
use domesday_model::Instant;
use domesday_service::caller::{Caller, Permit};
use domesday_service::sessions;
use domesday_service::{ServiceError, parse_authorization};
use domesday_store::Store;
use http_body_util::{BodyExt, Limited};
use secrecy::SecretString;

use super::assets::{Assets, assets};
use super::errors::{Failure, lone, sentence};
use super::form::Form;
use super::session::{is_signed_in, set_cookie};
use super::session_start::{begin_session, client, path_within, with_retry};
use super::signed_in::SignedIn;
use super::{page, see_other, single_sign_on};
use crate::authentication::{address, count_failure};
use crate::problem::Problem;
use crate::state::{App, AppState};

/// The longest form, in bytes.
const MAX_FORM: usize = 32 << 10;

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage {
    assets: &'static Assets,
    tenant: String,
    signed_out: bool,
    /// What is wrong, beside no field.
    problem: String,
    /// What is wrong with the key.
    error: String,
    /// Where to go from here.
    next: String,
    /// Where single sign-on begins; empty when it is not configured.
    single_sign_on: String,
}

impl SignInPage {
    fn new() -> Self {
        Self {
            assets: assets(),
            tenant: String::new(),
            signed_out: false,
            problem: String::new(),
            error: String::new(),
            next: String::new(),
            single_sign_on: String::new(),
        }
    }
}

async fn answer(app: &AppState, status: StatusCode, view: SignInPage) -> Response {
    let read = |store: &mut Store| -> Result<_, ServiceError> { Ok(store.tenant()?) };
    let tenant = match app.service.pool.with(read).await {
        Ok(tenant) => tenant.map_or_else(|| "Domesday".to_owned(), |(tenant, _)| tenant.name),
        Err(error) => return lone(&error.into()),
    };
    let single_sign_on = match app.service.single_sign_on {
        Some(_) if view.next.is_empty() => single_sign_on::START.to_owned(),
        Some(_) => format!("{}?next={}", single_sign_on::START, encoded(&view.next)),
        None => String::new(),
    };
    let mut response = page(&SignInPage { tenant, single_sign_on, ..view });
    *response.status_mut() = status;
    response
}

fn encoded(path: &str) -> String {
    percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Shows the page to sign in, or signs in with the token of a link.
pub(super) async fn show(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let query = Form::parse(parts.uri.query().unwrap_or_default());
    let view = SignInPage {
        signed_out: query.has("signed-out"),
        next: path_within(query.get("next")).unwrap_or_default().to_owned(),
        ..SignInPage::new()
    };
    // A request for the head alone must not use the link up.
    if query.has("token") && parts.method == Method::GET {
        let token = SecretString::from(query.get("token").to_owned());
        let service = &app.service;
        let found =
            sessions::sign_in_by_link(&service.pool, &service.clock, token, client(&app, &parts)).await;
        return match found {
            Ok(token) => begin_session(&app, &token, "/console"),
            Err(error @ ServiceError::Unauthenticated(_)) => {
                let problem = count_failure(&app, address(&app, &parts), error.into());
                let status = problem.status();
                let view = SignInPage { problem: sentence(problem.detail()), ..view };
                with_retry(answer(&app, status, view).await, problem)
            }
            Err(error) => lone(&error.into()),
        };
    }
    if !view.signed_out && is_signed_in(&app, &parts).await {
        return see_other("/console");
    }
    answer(&app, StatusCode::OK, view).await
}

/// Signs in with an API key.
pub(super) async fn sign_in(State(app): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let form = match Limited::new(body, MAX_FORM).collect().await {
        Ok(bytes) => Form::parse(&String::from_utf8_lossy(&bytes.to_bytes())),
        Err(_) => return lone(&Problem::bad_request("the form is too large or broke off")),
    };
    let next = path_within(form.get("next")).unwrap_or_default().to_owned();
    let service = &app.service;
    let found = match parse_authorization(form.get("key")) {
        Some(key) => {
            let client = client(&app, &parts);
            let found = sessions::sign_in(&service.pool, &service.last_use, &service.clock, key, client);
            found.await.map_err(Problem::from)
        }
        None => {
            Err(Problem::unauthenticated("this is no API key of this service; a key begins with `domesday_`"))
        }
    };
    let problem = match found {
        Ok(token) => return begin_session(&app, &token, &next),
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => {
            count_failure(&app, address(&app, &parts), problem)
        }
        Err(problem) => return lone(&problem),
    };
    let status = match problem.status() {
        // Browsers would ask for a password of their own.
        StatusCode::UNAUTHORIZED => StatusCode::UNPROCESSABLE_ENTITY,
        status => status,
    };
    let view = SignInPage { error: sentence(problem.detail()), next, ..SignInPage::new() };
    with_retry(answer(&app, status, view).await, problem)
}

/// Ends the session.
pub(super) async fn sign_out(State(app): State<App>, signed_in: SignedIn) -> Result<Response, Failure> {
    let id = signed_in.session.id;
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<(), Failure> {
        Ok(sessions::end(store, caller, id, now)?)
    };
    app.service.write(signed_in.caller_for(Permit::AnyKey), work).await?;
    let mut response = see_other("/sign-in?signed-out");
    set_cookie(&app, &mut response, "");
    // Nothing of the session stays in the browser.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}
