//! Requests over HTTP: one attempt, its answer as it came.
//!
//! A call has a time limit as a whole and runs on a thread of its own, so that it can be given up at once when the
//! work is cancelled, whatever it hangs in. Redirects are not followed, nothing is decompressed, and what is read of
//! an answer is bounded.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, SendBody, http};

use super::failures::{BodyReadFailed, failed, host_of};
use super::times::parse_time;
use crate::cancellation::DisplayDuration;
use crate::{CancellationToken, DeliveryError, Notice, Supervision};

/// From here on a body waits for the server's word before it is sent, so that a refusal costs no upload.
const LARGE_BODY_BYTES: u64 = 1 << 20;

/// The largest answer of STS or a metadata service that is read.
pub(crate) const MAX_SHORT_ANSWER_BYTES: u64 = 256 << 10;

/// How much of an answer that refuses is read; the rest is cut off.
const MAX_ERROR_BYTES: u64 = 64 << 10;

/// How often a waiting caller looks whether its work was cancelled.
const POLL: Duration = Duration::from_millis(50);

/// After how long a call that waits is worth a notice, and how often it is repeated.
const FIRST_NOTICE: Duration = Duration::from_secs(3);
const NEXT_NOTICE: Duration = Duration::from_secs(10);

/// How much longer than its time limit a call is waited for, before its thread is given up.
const OVERTIME: Duration = Duration::from_secs(2);

/// The HTTP client: connections are kept and shared by threads; redirects are not followed, since a signature
/// holds for one host.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    agent: Agent,
    timeouts: Timeouts,
    supervision: Supervision,
}

/// How long a server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To take a connection, TLS included.
    pub connect: Duration,
    /// To take or give the next bytes, and to begin its answer.
    pub idle: Duration,
    /// For a whole call, besides the time that its bytes may take.
    pub call: Duration,
    /// The rate in bytes a second below which sending or receiving a large body is given up.
    pub min_rate: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            call: Duration::from_secs(60),
            min_rate: 16 << 10,
        }
    }
}

impl Timeouts {
    /// For the machine's own neighbours.
    const DIRECT: Self = Self {
        connect: Duration::from_secs(2),
        idle: Duration::from_secs(2),
        call: Duration::from_secs(5),
        min_rate: 16 << 10,
    };

    /// The time for a whole call that transfers a number of bytes.
    fn for_bytes(&self, bytes: u64) -> Duration {
        self.call.saturating_add(Duration::from_secs(bytes / self.min_rate.max(1)))
    }
}

/// A call to be made.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'static str, String)],
    pub(crate) payload: Payload,
    /// The largest answer that is read; a larger one is an error.
    pub(crate) max_answer_bytes: u64,
    /// The call in words, for notices.
    pub(crate) call: &'a str,
}

/// What is sent with a request.
#[derive(Debug)]
pub(crate) enum Payload {
    /// Nothing.
    Empty,
    /// A short text.
    Text(String),
    /// A file of a size.
    File(File, u64),
}

impl Payload {
    fn bytes(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Text(text) => text.len() as u64,
            Self::File(_, bytes) => *bytes,
        }
    }
}

/// An answer whose body is short.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The server's time.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        parse_time(self.header("date")?)
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Http {
    /// A client; `authorities` is a file of PEM certificates to trust in place of the public ones.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub(crate) fn new(
        timeouts: Timeouts,
        authorities: Option<&str>,
        supervision: Supervision,
    ) -> Result<Self, DeliveryError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = authorities {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(path)?));
        }
        Ok(Self::with(timeouts, tls.build(), Proxy::try_from_env(), supervision))
    }

    /// A client for the machine's own neighbours: it never goes through a proxy and does not wait long.
    pub(crate) fn direct(supervision: Supervision) -> Self {
        Self::with(Timeouts::DIRECT, TlsConfig::default(), None, supervision)
    }

    fn with(timeouts: Timeouts, tls: TlsConfig, proxy: Option<Proxy>, supervision: Supervision) -> Self {
        let agent = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(format!("domesday/{}", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_resolve(Some(timeouts.connect))
            .timeout_connect(Some(timeouts.connect))
            .timeout_per_read(Some(timeouts.idle))
            .timeout_per_write(Some(timeouts.idle))
            .timeout_recv_response(Some(timeouts.idle))
            .build()
            .new_agent();
        Self { agent, timeouts, supervision }
    }

    pub(crate) fn supervision(&self) -> &Supervision {
        &self.supervision
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// When there is no answer in time, it is too large, or the work is cancelled; one that refuses is an answer.
    pub(crate) fn send(&self, request: Request<'_>) -> Result<Answer, DeliveryError> {
        self.supervision.check()?;
        let host = host_of(request.url);
        let limit = self.timeouts.for_bytes(request.payload.bytes());
        let given_up = Arc::new(AtomicBool::new(false));
        let (agent, max_answer_bytes) = (self.agent.clone(), request.max_answer_bytes);
        let built = build(request.method, request.url, request.headers, &request.payload)
            .map_err(|error| failed(request.url, error))?;
        let body = body_of(request.payload, Arc::clone(&given_up), &self.supervision);
        let (url, stop) = (request.url.to_owned(), Arc::clone(&given_up));
        let (sender, receiver) = mpsc::sync_channel(1);
        let exchange = move || {
            let done = exchange(&agent, built, body, limit, max_answer_bytes, &stop);
            // Nobody waits any more: the answer is dropped.
            let _ = sender.send(done.map_err(|error| error.of(&url)));
        };
        let spawned = std::thread::Builder::new().name("s3-call".to_owned()).spawn(exchange);
        if let Err(error) = spawned {
            return Err(DeliveryError::Unreachable {
                host,
                reason: format!("no thread for the call: {error}"),
            });
        }
        let answer = self.wait(&receiver, request.call, &host, limit);
        given_up.store(true, Ordering::Relaxed);
        answer
    }

    /// Waits for the thread of a call, until the work is cancelled or the time is over.
    fn wait(
        &self,
        receiver: &mpsc::Receiver<Result<Answer, DeliveryError>>,
        call: &str,
        host: &str,
        limit: Duration,
    ) -> Result<Answer, DeliveryError> {
        let (started, mut next_notice) = (Instant::now(), FIRST_NOTICE);
        loop {
            match receiver.recv_timeout(POLL) {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => {
                    // A body that is no longer sent fails because of the cancellation.
                    self.supervision.check()?;
                    return Err(error);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = "the call broke off".to_owned();
                    return Err(DeliveryError::Unreachable { host: host.to_owned(), reason });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.supervision.check()?;
            let elapsed = started.elapsed();
            if elapsed > limit.saturating_add(OVERTIME) {
                return Err(too_slow(host, limit));
            }
            if elapsed >= next_notice {
                next_notice = elapsed + NEXT_NOTICE;
                let (call, host) = (call.to_owned(), host.to_owned());
                self.supervision.notices.send(&Notice::Waiting { call, host, elapsed, limit });
            }
        }
    }

    /// Sends a request without a body and copies what a success brings into a writer. What is not a success
    /// comes back as an answer.
    ///
    /// # Errors
    /// When there is no answer, it breaks off or is too slow, or the writer fails.
    pub(crate) fn fetch(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        into: &mut dyn Write,
    ) -> Result<Answer, DeliveryError> {
        self.supervision.check()?;
        let started = Instant::now();
        let request = build("GET", url, headers, &Payload::Empty).map_err(|error| failed(url, error))?;
        let response =
            request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request));
        let response = response.map_err(|error| failed(url, error))?;
        if !response.status().is_success() {
            return read(response, MAX_ERROR_BYTES, &AtomicBool::new(false)).map_err(|error| error.of(url));
        }
        let (parts, body) = response.into_parts();
        let (mut reader, mut received, mut buffer) = (body.into_reader(), 0, vec![0; 64 << 10]);
        loop {
            let count = reader.read(&mut buffer).map_err(|error| failed(url, error.into()))?;
            if count == 0 {
                break;
            }
            received += count as u64;
            self.supervision.check()?;
            let limit = self.timeouts.for_bytes(received);
            if started.elapsed() > limit {
                return Err(too_slow(&host_of(url), limit));
            }
            into.write_all(&buffer[..count]).map_err(|error| failed(url, error.into()))?;
        }
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: String::new() })
    }
}

fn too_slow(host: &str, limit: Duration) -> DeliveryError {
    let reason = format!("the call was not finished within {}", DisplayDuration(limit));
    DeliveryError::Unreachable { host: host.to_owned(), reason }
}

/// Why there is no answer.
enum NoAnswer {
    Failed(ureq::Error),
    TooLarge(u64),
}

impl NoAnswer {
    fn of(self, url: &str) -> DeliveryError {
        match self {
            Self::Failed(error) => failed(url, error),
            Self::TooLarge(limit) => {
                let what = format!("the answer of {} exceeds the limit of {limit} bytes", host_of(url));
                DeliveryError::LimitExceeded { what }
            }
        }
    }
}

impl From<ureq::Error> for NoAnswer {
    fn from(error: ureq::Error) -> Self {
        Self::Failed(error)
    }
}

fn build(
    method: &str,
    url: &str,
    headers: &[(&'static str, String)],
    payload: &Payload,
) -> Result<http::request::Builder, ureq::Error> {
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        // A value that cannot be sent is one of ours, and no reason to try again.
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

/// A body that is no longer sent once the call is given up, so that nothing arrives after its caller has gone on.
fn body_of(payload: Payload, given_up: Arc<AtomicBool>, supervision: &Supervision) -> Option<Sent> {
    let reader: Box<dyn Read + Send> = match payload {
        Payload::Empty => return None,
        Payload::Text(text) => return Some(Sent::Text(text)),
        Payload::File(file, _) => Box::new(file),
    };
    let cancellation = supervision.cancellation.clone();
    Some(Sent::Reader(StoppableReader { reader, given_up, cancellation }))
}

enum Sent {
    Text(String),
    Reader(StoppableReader),
}

struct StoppableReader {
    reader: Box<dyn Read + Send>,
    given_up: Arc<AtomicBool>,
    cancellation: CancellationToken,
}

impl Read for StoppableReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given_up.load(Ordering::Relaxed) || self.cancellation.is_cancelled() {
            return Err(io::Error::other("the call was given up"));
        }
        self.reader.read(buffer).map_err(|error| io::Error::new(error.kind(), BodyReadFailed(error)))
    }
}

fn exchange(
    agent: &Agent,
    request: http::request::Builder,
    body: Option<Sent>,
    limit: Duration,
    max_answer_bytes: u64,
    given_up: &AtomicBool,
) -> Result<Answer, NoAnswer> {
    let body = match body {
        None => SendBody::none(),
        Some(Sent::Text(text)) => return run(agent, request.body(text), limit, max_answer_bytes, given_up),
        Some(Sent::Reader(reader)) => SendBody::from_owned_reader(reader),
    };
    run(agent, request.body(body), limit, max_answer_bytes, given_up)
}

fn run<B: ureq::AsSendBody>(
    agent: &Agent,
    request: Result<http::Request<B>, http::Error>,
    limit: Duration,
    max_answer_bytes: u64,
    given_up: &AtomicBool,
) -> Result<Answer, NoAnswer> {
    let request = request.map_err(ureq::Error::from)?;
    let request = agent.configure_request(request).timeout_global(Some(limit)).build();
    read(agent.run(request)?, max_answer_bytes, given_up)
}

fn read(response: http::Response<Body>, max: u64, given_up: &AtomicBool) -> Result<Answer, NoAnswer> {
    let (parts, body) = response.into_parts();
    let is_success = parts.status.is_success();
    let max = if is_success { max } else { MAX_ERROR_BYTES.min(max) };
    let (mut reader, mut bytes, mut buffer) = (body.into_reader(), Vec::new(), [0; 8 << 10]);
    loop {
        let count = reader.read(&mut buffer).map_err(ureq::Error::from)?;
        if count == 0 || given_up.load(Ordering::Relaxed) {
            break;
        }
        let room = usize::try_from(max).unwrap_or(usize::MAX) - bytes.len();
        bytes.extend_from_slice(&buffer[..count.min(room)]);
        if count > room {
            if is_success {
                return Err(NoAnswer::TooLarge(max));
            }
            break;
        }
    }
    let body = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

fn certificates(path: &str) -> Result<Vec<Certificate<'static>>, DeliveryError> {
    let text = std::fs::read(path).map_err(|source| DeliveryError::from_io(path, source))?;
    let found = parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        let message = format!("`{path}`, named by AWS_CA_BUNDLE, holds no PEM certificate");
        return Err(DeliveryError::Configuration { message });
    }
    Ok(found)
}
