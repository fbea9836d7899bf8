//! The HTTP client: sends a request within its time limit, or abandons it.

use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Proxy};

use super::exchange::{ExchangeLimits, RequestBody, build, exchange, read_refusal};
use super::failures::{classify, host_of};
use super::proxy::ProxySettings;
use super::request::{HttpRequest, HttpResponse, Payload};
use super::timeouts::Timeouts;
use crate::cancellation::DisplayDuration;
use crate::{CallContext, DeliveryError, DeliveryNotice};

/// How often a waiting caller checks whether its work was cancelled.
const POLL: Duration = Duration::from_millis(50);

/// After how long a call that waits is worth a notice, and how often the notice is repeated.
const FIRST_NOTICE: Duration = Duration::from_secs(3);
const NEXT_NOTICE: Duration = Duration::from_secs(10);

/// How much longer than its time limit a call is waited for, before its thread is abandoned.
const OVERTIME: Duration = Duration::from_secs(2);

/// The HTTP client. Connections are pooled and shared by threads; redirects are not followed, since a signature
/// is valid for one host.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    agents: Agents,
    timeouts: Timeouts,
    call_context: CallContext,
}

/// One agent for each way to a server: each has its own connections.
#[derive(Debug, Clone)]
struct Agents {
    direct: Agent,
    http_proxy: Option<Agent>,
    https_proxy: Option<Agent>,
    proxies: ProxySettings,
}

impl Agents {
    /// Returns the agent whose way leads to an address.
    fn for_url(&self, url: &str) -> &Agent {
        if self.proxies.proxy_for(url).is_none() {
            return &self.direct;
        }
        let proxied = if url.starts_with("https:") { &self.https_proxy } else { &self.http_proxy };
        proxied.as_ref().unwrap_or(&self.direct)
    }
}

impl Http {
    /// Creates a client; `authorities` is a file of PEM certificates to trust in place of the public ones.
    ///
    /// # Errors
    /// When the certificates cannot be read.
    pub(crate) fn new(
        timeouts: Timeouts,
        authorities: Option<&str>,
        proxies: ProxySettings,
        call_context: CallContext,
    ) -> Result<Self, DeliveryError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = authorities {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(path)?));
        }
        Ok(Self::with(timeouts, &tls.build(), proxies, call_context))
    }

    /// Creates a client for services on this machine or its own network: it never uses a proxy and does not wait long.
    pub(crate) fn new_local(call_context: CallContext) -> Self {
        Self::with(Timeouts::LOCAL, &TlsConfig::default(), ProxySettings::default(), call_context)
    }

    fn with(timeouts: Timeouts, tls: &TlsConfig, proxies: ProxySettings, call_context: CallContext) -> Self {
        let agent = |proxy: Option<Proxy>| {
            Agent::config_builder()
                .tls_config(tls.clone())
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
                .new_agent()
        };
        let agents = Agents {
            direct: agent(None),
            http_proxy: proxies.http().map(|proxy| agent(Some(proxy))),
            https_proxy: proxies.https().map(|proxy| agent(Some(proxy))),
            proxies,
        };
        Self { agents, timeouts, call_context }
    }

    pub(crate) fn call_context(&self) -> &CallContext {
        &self.call_context
    }

    /// Sends a request and reads its whole response.
    ///
    /// # Errors
    /// When there is no response in time, it is too large, or the work is cancelled; an error response is a response.
    pub(crate) fn send(&self, request: HttpRequest<'_>) -> Result<HttpResponse, DeliveryError> {
        self.call_context.check()?;
        if let Some(network) = self.call_context.network.as_simulated() {
            return self.send_simulated(network, request);
        }
        let host = host_of(request.url);
        let time = self.timeouts.for_bytes(request.payload.bytes());
        let limits = ExchangeLimits { time, response_bytes: request.max_response_bytes };
        let abandoned = Arc::new(AtomicBool::new(false));
        let agent = self.agents.for_url(request.url).clone();
        let built = build(request.method, request.url, request.headers, &request.payload)
            .map_err(|error| classify(request.url, error))?;
        let body = RequestBody::new(request.payload, Arc::clone(&abandoned), &self.call_context);
        let (url, stop) = (request.url.to_owned(), Arc::clone(&abandoned));
        let (sender, receiver) = mpsc::sync_channel(1);
        let exchange = move || {
            let response = exchange(&agent, built, body, &limits, &stop);
            // The caller may have abandoned the call: the response is dropped.
            let _ = sender.send(response.map_err(|error| error.into_error(&url)));
        };
        let spawned = std::thread::Builder::new().name("s3-call".to_owned()).spawn(exchange);
        if let Err(error) = spawned {
            return Err(DeliveryError::Unreachable {
                host,
                reason: format!("no thread for the call: {error}"),
            });
        }
        let response = self.wait(&receiver, request.call, &host, time);
        abandoned.store(true, Ordering::Relaxed);
        response
    }

    /// Waits for the thread of a call, until the work is cancelled or the time is over.
    fn wait(
        &self,
        receiver: &mpsc::Receiver<Result<HttpResponse, DeliveryError>>,
        call: &str,
        host: &str,
        limit: Duration,
    ) -> Result<HttpResponse, DeliveryError> {
        let (started, mut next_notice) = (Instant::now(), FIRST_NOTICE);
        loop {
            match receiver.recv_timeout(POLL) {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => {
                    // A body that is no longer sent fails because of the cancellation.
                    self.call_context.check()?;
                    return Err(error);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let reason = "the call broke off".to_owned();
                    return Err(DeliveryError::Unreachable { host: host.to_owned(), reason });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.call_context.check()?;
            let elapsed = started.elapsed();
            if elapsed > limit.saturating_add(OVERTIME) {
                return Err(too_slow(host, limit));
            }
            if elapsed >= next_notice {
                next_notice = elapsed + NEXT_NOTICE;
                let (call, host) = (call.to_owned(), host.to_owned());
                self.call_context.notices.send(&DeliveryNotice::Waiting { call, host, elapsed, limit });
            }
        }
    }

    /// Sends a request without a body and copies the body of a successful response into a writer. An error response
    /// is returned as it came.
    ///
    /// # Errors
    /// When there is no response, it breaks off or is too slow, or the writer fails.
    pub(crate) fn fetch(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        into: &mut dyn Write,
    ) -> Result<HttpResponse, DeliveryError> {
        self.call_context.check()?;
        let started = Instant::now();
        let request = build("GET", url, headers, &Payload::Empty).map_err(|error| classify(url, error))?;
        let agent = self.agents.for_url(url);
        let response = request.body(()).map_err(ureq::Error::from).and_then(|request| agent.run(request));
        let response = response.map_err(|error| classify(url, error))?;
        if !response.status().is_success() {
            return read_refusal(response).map_err(|error| error.into_error(url));
        }
        let (parts, body) = response.into_parts();
        let (mut reader, mut received, mut buffer) = (body.into_reader(), 0, vec![0; 64 << 10]);
        loop {
            let count = reader.read(&mut buffer).map_err(|error| classify(url, error.into()))?;
            if count == 0 {
                break;
            }
            received += count as u64;
            self.call_context.check()?;
            let limit = self.timeouts.for_bytes(received);
            if started.elapsed() > limit {
                return Err(too_slow(&host_of(url), limit));
            }
            into.write_all(&buffer[..count]).map_err(|error| classify(url, error.into()))?;
        }
        Ok(HttpResponse { status: parts.status.as_u16(), headers: parts.headers, body: String::new() })
    }
}

fn too_slow(host: &str, limit: Duration) -> DeliveryError {
    let reason = format!("the call was not finished within {}", DisplayDuration(limit));
    DeliveryError::Unreachable { host: host.to_owned(), reason }
}

fn certificates(path: &str) -> Result<Vec<Certificate<'static>>, DeliveryError> {
    let text = std::fs::read(path).map_err(|source| DeliveryError::from_io(path, source))?;
    let found = parse_pem(&text).filter_map(|item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() {
        let message = format!("`{path}`, named by AWS_CA_BUNDLE, contains no PEM certificate");
        return Err(DeliveryError::Configuration { message });
    }
    Ok(found)
}
