//! The console: pages for people, rendered by the server.
//!
//! A page is its query, its view struct and its template in `templates/console/`. It calls the same functions of the
//! service as the route of the API for the same resource, and decides nothing. A request passes [`session::guard`]: the session,
//! and for a change the token that only this session's forms have. What fails is answered as a page ([`errors`]).

mod access;
mod ask;
mod assets;
mod audit;
mod bars;
mod carried_secret;
mod catalog;
mod charts;
mod confirm;
mod connections;
mod csv;
mod directory;
mod drift;
mod errors;
mod export;
mod first_steps;
mod form;
mod governor;
mod headers;
mod link;
mod listing;
mod navigation;
mod object_links;
mod objects;
mod overview;
mod paged;
mod pager;
mod paths;
mod people;
mod policies;
mod products;
mod profile;
mod requests;
mod runs;
mod session;
mod session_start;
mod settings;
mod shell;
mod sign_in;
mod signed_in;
mod single_sign_on;
mod times;
mod units;
mod upload;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domesday_service::oidc::CALLBACK;
use secrecy::{ExposeSecret, SecretString};

use crate::problem::Problem;
use crate::state::App;

pub(crate) use errors::answer_browsers;

/// Returns the router of the console, its sign-in pages and the root.
pub(crate) fn router(app: &App) -> Router {
    let pages = Router::new()
        .route("/console/profile", get(profile::show))
        .route("/console/profile/keys", post(profile::keys::create_key).get(profile::keys::to_profile))
        .route(
            "/console/profile/keys/{id}/revoke",
            get(profile::keys::confirm_revoke).post(profile::keys::revoke_key),
        )
        .route(
            "/console/profile/sessions/end",
            get(profile::ending::confirm_end_others).post(profile::ending::end_others),
        )
        .route(
            "/console/profile/sessions/{id}/end",
            get(profile::ending::confirm_end).post(profile::ending::end_session),
        )
        .merge(overview::routes())
        .merge(access::routes())
        .merge(export::routes())
        .merge(policies::routes())
        .merge(ask::routes())
        .merge(products::routes())
        .merge(requests::routes())
        .merge(runs::routes())
        .merge(catalog::routes())
        .merge(connections::routes())
        .merge(drift::routes())
        .merge(governor::routes())
        .merge(settings::routes())
        .merge(audit::routes())
        .merge(objects::routes())
        .route("/console/{*rest}", get(errors::no_page).post(errors::no_page))
        .route("/sign-out", post(sign_in::sign_out))
        .layer(middleware::from_fn_with_state(app.clone(), session::guard));
    let open = Router::new()
        .route("/", get(root))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route(single_sign_on::START, get(single_sign_on::start))
        .route(CALLBACK, get(single_sign_on::callback))
        .route(assets::ROUTE, get(assets::serve))
        // Where the tables of earlier versions link to.
        .route("/data-sources/{id}", get(access::from_old_path))
        .route("/policies/{id}", get(policies::from_old_path));
    pages.merge(open).layer(middleware::from_fn(headers::add)).with_state(app.clone())
}

/// Returns the link that signs in with a token.
pub(crate) fn sign_in_link(base: &str, token: &SecretString) -> SecretString {
    format!("{base}/sign-in?token={}", token.expose_secret()).into()
}

/// Whether a client asks for pages.
fn accepts_html(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Leads browsers to the console; other clients are told where the API is.
async fn root(request: Request) -> Response {
    if request.method() == Method::GET && accepts_html(request.headers()) {
        return see_other("/console");
    }
    Problem::not_found("there is no such route; /openapi.json lists them").into_response()
}

/// Answers with the address of another page.
fn see_other(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}

/// Renders a template.
fn page(template: &impl askama::Template) -> Response {
    match template.render() {
        Ok(html) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}
