//! The start of a session, however somebody signs in.

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use domesday_service::sessions::Client;
use secrecy::SecretString;

use super::see_other;
use super::session::{exposed, set_cookie};
use crate::authentication::address;
use crate::problem::Problem;
use crate::state::AppState;

/// Returns a path of the console: nobody is led anywhere else.
pub(super) fn path_within(next: &str) -> Option<&str> {
    let is_path = next == "/console" || next.starts_with("/console/") || next.starts_with("/console?");
    (is_path && !next.contains(['\\', '\r', '\n'])).then_some(next)
}

pub(super) fn client(app: &AppState, parts: &Parts) -> Client {
    let browser = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Client { address: address(app, parts), browser: browser.unwrap_or_default().to_owned() }
}

/// Answers with a new session.
pub(super) fn begin_session(app: &AppState, token: &SecretString, next: &str) -> Response {
    let mut response = see_other(path_within(next).unwrap_or("/console"));
    set_cookie(app, &mut response, exposed(token));
    response
}

/// Adds how long to wait, where the problem says so.
pub(super) fn with_retry(mut response: Response, problem: Problem) -> Response {
    let headers: HeaderMap = problem.into_response().headers().clone();
    if let Some(value) = headers.get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_out_of_the_console() {
        for path in ["/console", "/console/access?q=a", "/console?x"] {
            assert_eq!(path_within(path), Some(path));
        }
        for path in
            ["", "/", "//evil.example", "https://evil.example", "/consoles", "/console/\\evil", "/api"]
        {
            assert_eq!(path_within(path), None, "{path}");
        }
    }
}
