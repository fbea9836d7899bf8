//! One request and its response on a connection.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::{Agent, Body, SendBody, http};

use super::failures::{BodyReadFailed, classify, host_of};
use super::request::{HttpResponse, Payload};
use crate::{CallContext, CancellationToken, DeliveryError};

/// From this size on, a body is sent only after the server has accepted the request's head, so that a refusal costs no
/// upload.
const LARGE_BODY_BYTES: u64 = 1 << 20;

/// How much of an error response is read; the rest is cut off.
const MAX_ERROR_BYTES: u64 = 64 << 10;

/// Why there is no response.
pub(super) enum NoResponse {
    Failed(ureq::Error),
    TooLarge(u64),
}

impl NoResponse {
    pub(super) fn into_error(self, url: &str) -> DeliveryError {
        match self {
            Self::Failed(error) => classify(url, error),
            Self::TooLarge(limit) => {
                let what = format!("the answer of {} exceeds the limit of {limit} bytes", host_of(url));
                DeliveryError::LimitExceeded { what }
            }
        }
    }
}

impl From<ureq::Error> for NoResponse {
    fn from(error: ureq::Error) -> Self {
        Self::Failed(error)
    }
}

/// Builds the head of a request.
pub(super) fn build(
    method: &str,
    url: &str,
    headers: &[(&'static str, String)],
    payload: &Payload,
) -> Result<http::request::Builder, ureq::Error> {
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        // A value that cannot be sent comes from this side, so another attempt would fail alike.
        let value = http::HeaderValue::from_str(value).map_err(|error| ureq::Error::Http(error.into()))?;
        request = request.header(*name, value);
    }
    if let Payload::File(_, bytes) = payload {
        request = request.header("content-length", *bytes);
        if *bytes >= LARGE_BODY_BYTES {
            request = request.header("expect", "100-continue");
        }
    }
    if method != "GET" && matches!(payload, Payload::Empty) {
        request = request.header("content-length", 0);
    }
    Ok(request)
}

/// A body on its way.
pub(super) enum RequestBody {
    Text(String),
    Reader(StoppableReader),
}

impl RequestBody {
    /// Wraps a payload so that sending it stops once the call is abandoned: nothing arrives after its caller has
    /// continued.
    pub(super) fn new(
        payload: Payload,
        abandoned: Arc<AtomicBool>,
        call_context: &CallContext,
    ) -> Option<Self> {
        let reader: Box<dyn Read + Send> = match payload {
            Payload::Empty => return None,
            Payload::Text(text) => return Some(Self::Text(text)),
            Payload::File(file, _) => Box::new(file),
        };
        let cancellation = call_context.cancellation.clone();
        Some(Self::Reader(StoppableReader { reader, abandoned, cancellation }))
    }
}

/// A reader that fails once its call is abandoned or cancelled.
pub(super) struct StoppableReader {
    reader: Box<dyn Read + Send>,
    abandoned: Arc<AtomicBool>,
    cancellation: CancellationToken,
}

impl Read for StoppableReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.abandoned.load(Ordering::Relaxed) || self.cancellation.is_cancelled() {
            return Err(io::Error::other("the call was given up"));
        }
        self.reader.read(buffer).map_err(|error| io::Error::new(error.kind(), BodyReadFailed(error)))
    }
}

/// Limits of one exchange.
pub(super) struct ExchangeLimits {
    pub(super) time: Duration,
    pub(super) response_bytes: u64,
}

/// Sends a request and reads its response.
pub(super) fn exchange(
    agent: &Agent,
    request: http::request::Builder,
    body: Option<RequestBody>,
    limits: &ExchangeLimits,
    abandoned: &AtomicBool,
) -> Result<HttpResponse, NoResponse> {
    let body = match body {
        None => SendBody::none(),
        Some(RequestBody::Text(text)) => return run(agent, request.body(text), limits, abandoned),
        Some(RequestBody::Reader(reader)) => SendBody::from_owned_reader(reader),
    };
    run(agent, request.body(body), limits, abandoned)
}

fn run<B: ureq::AsSendBody>(
    agent: &Agent,
    request: Result<http::Request<B>, http::Error>,
    limits: &ExchangeLimits,
    abandoned: &AtomicBool,
) -> Result<HttpResponse, NoResponse> {
    let request = request.map_err(ureq::Error::from)?;
    let request = agent.configure_request(request).timeout_global(Some(limits.time)).build();
    read_short(agent.run(request)?, limits.response_bytes, abandoned)
}

/// Reads the error response that a request brought instead of a body.
pub(super) fn read_refusal(response: http::Response<Body>) -> Result<HttpResponse, NoResponse> {
    read_short(response, MAX_ERROR_BYTES, &AtomicBool::new(false))
}

/// Reads a response whole. An error response is cut off at its limit, any other fails there.
fn read_short(
    response: http::Response<Body>,
    max: u64,
    abandoned: &AtomicBool,
) -> Result<HttpResponse, NoResponse> {
    let (parts, body) = response.into_parts();
    let is_success = parts.status.is_success();
    let max = if is_success { max } else { MAX_ERROR_BYTES.min(max) };
    let (mut reader, mut bytes, mut buffer) = (body.into_reader(), Vec::new(), [0; 8 << 10]);
    loop {
        let count = reader.read(&mut buffer).map_err(ureq::Error::from)?;
        if count == 0 || abandoned.load(Ordering::Relaxed) {
            break;
        }
        let room = usize::try_from(max).unwrap_or(usize::MAX) - bytes.len();
        bytes.extend_from_slice(&buffer[..count.min(room)]);
        if count > room {
            if is_success {
                return Err(NoResponse::TooLarge(max));
            }
            break;
        }
    }
    let body = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(HttpResponse { status: parts.status.as_u16(), headers: parts.headers, body })
}
