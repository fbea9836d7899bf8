//! Authentication: a token of the connection, and nothing else.

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domesday_service::scim::{ScimClient, authenticate as check_token};
use domesday_service::{ServiceError, parse_scim_authorization};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;

use super::errors::ScimProblem;
use crate::authentication::{address, count_failure};
use crate::problem::Problem;
use crate::state::{App, AppState};

/// What is percent-encoded in a part of an address: all but the unreserved characters (RFC 3986, section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Lets a request through with the client that sent it.
pub(super) async fn authenticate(State(app): State<App>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match client(&app, &mut parts).await {
        Ok(client) => {
            parts.extensions.insert(client);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => ScimProblem::from(problem).into_response(),
    }
}

async fn client(app: &AppState, parts: &mut Parts) -> Result<ScimClient, Problem> {
    let address = address(app, parts);
    let parameters = RawPathParams::from_request_parts(parts, &()).await.ok();
    let connection = parameters.as_ref().and_then(|parameters| {
        parameters.iter().find(|(name, _)| *name == "connection").map(|(_, value)| value.to_owned())
    });
    // No name contains U+0000, and not every database takes it.
    let connection = connection.filter(|connection| !connection.contains('\0')).unwrap_or_default();
    let secret = secret(parts).map_err(|problem| count_failure(app, address, problem))?;
    let service = &app.service;
    let base = base(app, parts, &connection);
    let found =
        check_token(&service.pool, &service.last_use, secret, connection, base, address, service.now());
    found.await.map_err(|error| {
        let is_failure = matches!(error, ServiceError::Unauthenticated(_));
        let problem = Problem::from(error);
        if is_failure { count_failure(app, address, problem) } else { problem }
    })
}

fn secret(parts: &Parts) -> Result<SecretString, Problem> {
    let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    value.and_then(parse_scim_authorization).ok_or_else(|| {
        Problem::unauthenticated(
            "a token of this connection is needed: send it as `Authorization: Bearer <token>`; USER_ADMIN creates \
             tokens, and an API key is none",
        )
    })
}

/// Returns the address of a connection's resources: below the public address if it is configured, else below the one
/// that the client used.
fn base(app: &AppState, parts: &Parts, connection: &str) -> String {
    let is_plain =
        |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(is_plain);
    let origin = app.service.config.address_for(host);
    let connection = utf8_percent_encode(connection, RESERVED);
    format!("{origin}/scim/{connection}/v2")
}
