//! The layers around every request: its id, its log line, its time limit, its headers; compression of the answer, the
//! answer to a panic, and the refusal of cross-site requests.

use std::any::Any;
use std::time::Instant as Stopwatch;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domesday_service::traces::{Span, TracedRequest};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tracing::Instrument;

use crate::listener::OverLimit;
use crate::method;
use crate::problem::Problem;
use crate::routes::is_probe;
use crate::scim;
use crate::state::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Headers of every answer: a browser must not frame, sniff, cache or run anything of this API.
const SECURITY: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
];

/// The longest path with its query, in bytes: several names of the longest kind, percent-encoded.
const MAX_TARGET: usize = 16 << 10;

fn too_long() -> Problem {
    Problem::new(
        StatusCode::URI_TOO_LONG,
        "uri-too-long",
        format!("the path and query of a request may have {MAX_TARGET} bytes"),
    )
}

/// Handles a request from its head to its answer.
pub(crate) async fn handle_request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let started = Stopwatch::now();
    let service = &app.service;
    let id = request_id(&request);
    let method = method::label(request.method());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    // The path is left out: it contains names of users. The route's template says enough.
    let span = tracing::info_span!("request", id = %id, method, route = route.as_deref().unwrap_or("none"));
    let scheme = if service.config.tls.is_some() { "https" } else { "http" };
    let traced = if route.as_deref().is_some_and(is_probe) {
        // Probes would be most of the spans.
        Span::none()
    } else {
        let traceparent = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
        let method = method::standard_name(request.method());
        service.traces.request(&TracedRequest {
            method,
            route: route.as_deref(),
            id: &id,
            scheme,
            traceparent,
        })
    };
    let is_scim = scim::is_scim(request.uri().path());
    let work = async {
        if request.uri().path_and_query().is_some_and(|target| target.as_str().len() > MAX_TARGET) {
            return too_long().into_response();
        }
        if request.extensions().get::<OverLimit>().is_some() && !route.as_deref().is_some_and(is_probe) {
            return Problem::unavailable(
                "too many connections are open, in all or from this address; close some, or try again later",
            )
            .into_response();
        }
        match tokio::time::timeout(service.config.request_timeout, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "timeout",
                "the answer took longer than a request may",
            )
            .into_response(),
        }
    };
    let mut response = work.instrument(span.clone()).await;
    if is_scim {
        response = scim::answer_errors(response);
    }
    let took = started.elapsed();
    let status = response.status().as_u16();
    traced.set_answered(status);
    drop(traced);
    span.in_scope(|| {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(status, microseconds, "answered");
    });
    service.metrics.request(method, route.as_deref().unwrap_or("none"), status, took);
    let headers = response.headers_mut();
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if service.config.tls.is_some() {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    response
}

/// The smallest answer that is compressed, in bytes. It is larger than any that has a secret: the size of a compressed
/// answer can tell what is in it.
const MIN_COMPRESSED: u64 = 2048;

/// Compresses answers for clients that accept gzip, but no streams of events, which would wait for each other.
pub(crate) fn compression() -> CompressionLayer<And<SizeAbove, NotForContentType>> {
    CompressionLayer::new().compress_when(SizeAbove::new(MIN_COMPRESSED).and(NotForContentType::SSE))
}

/// Refuses changes that a browser sends on behalf of another site, by what it says of their origin.
pub(crate) fn same_origin(public_url: &str) -> CsrfLayer<fn(ProtectionError) -> Response> {
    // A proxy may have changed the host that a browser was sent to.
    let trusted = CsrfLayer::new().add_trusted_origin(origin(public_url));
    let layer = trusted.unwrap_or_else(|error| {
        tracing::warn!(%error, "server.public_url has no origin that a browser could send");
        CsrfLayer::new()
    });
    layer.with_rejection_response(|_| {
        Problem::new(StatusCode::FORBIDDEN, "cross-site", "a browser sent this on behalf of another site")
            .into_response()
    })
}

/// Returns the origin of an address: what comes before its path.
fn origin(address: &str) -> &str {
    let host = address.find("://").map_or(0, |start| start + 3);
    address[host..].find('/').map_or(address, |end| &address[..host + end])
}

/// Returns the answer to a request whose handler panicked. Whatever it held is released by now.
#[expect(clippy::needless_pass_by_value, reason = "the signature of a panic handler")]
pub(crate) fn answer_panic(panic: Box<dyn Any + Send>) -> Response<Body> {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Problem::internal(&text.unwrap_or("a handler panicked")).into_response()
}

/// Returns the caller's id for the request when it is a plain one, else a new one.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    given
        .filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(plain))
        .map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_no_path() {
        for (address, expected) in [
            ("https://domesday.example", "https://domesday.example"),
            ("https://domesday.example:8443/access", "https://domesday.example:8443"),
            ("http://[::1]:80/", "http://[::1]:80"),
        ] {
            assert_eq!(origin(address), expected);
        }
    }

    #[test]
    fn a_panic_is_answered_as_an_internal_error() {
        let response = answer_panic(Box::new("the reason"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    }
}
