//! Authentication of requests: the API key in the header, the client's address, and the limit on failures.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use domesday_service::caller::{self, Caller, Permit};
use domesday_service::{ServiceError, parse_authorization};
use secrecy::SecretString;

use crate::forwarded::client_address;
use crate::listener::Peer;
use crate::problem::Problem;
use crate::state::AppState;

/// Authenticates the sender of a request, and checks that they may call the route.
pub(crate) async fn authenticate(app: &AppState, parts: &Parts, permit: Permit) -> Result<Caller, Problem> {
    let address = address(app, parts);
    let secret = secret(parts).map_err(|problem| count_failure(app, address, problem))?;
    let service = &app.service;
    let found =
        caller::authenticate(&service.pool, &service.last_use, secret, permit, address, service.now());
    found.await.map_err(|error| {
        let is_failure = matches!(error, ServiceError::Unauthenticated(_));
        let problem = Problem::from(error);
        if is_failure { count_failure(app, address, problem) } else { problem }
    })
}

fn secret(parts: &Parts) -> Result<SecretString, Problem> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else {
        return Err(Problem::unauthenticated(
            "an API key is needed: send it as `Authorization: <key>` or `Authorization: Bearer <key>`",
        ));
    };
    value.to_str().ok().and_then(parse_authorization).ok_or_else(|| {
        Problem::unauthenticated(
            "the Authorization header contains no API key of this service; send `<key>` or `Bearer <key>`",
        )
    })
}

/// Counts a failed authentication, and returns its answer: another one when there were too many.
pub(crate) fn count_failure(app: &AppState, address: IpAddr, problem: Problem) -> Problem {
    app.service.metrics.authentication_failed();
    let Some(seconds) = app.limiter.count_failure(address, app.service.now()) else { return problem };
    too_many(app, seconds)
}

/// Refuses an address that has had too many failures, before a call that costs something.
pub(crate) fn check_failures(app: &AppState, address: IpAddr) -> Result<(), Problem> {
    match app.limiter.wait(address, app.service.now()) {
        Some(seconds) => Err(too_many(app, seconds)),
        None => Ok(()),
    }
}

fn too_many(app: &AppState, seconds: u64) -> Problem {
    app.service.metrics.rate_limited();
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-failures",
        "too many requests without a valid API key came from this address",
    )
    .header(header::RETRY_AFTER, seconds.to_string())
}

/// Returns the client's address: the peer's, or the one that trusted proxies report.
pub(crate) fn address(app: &AppState, parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<Peer>().map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.0);
    client_address(peer, &parts.headers, &app.service.config.trusted_proxies)
}
