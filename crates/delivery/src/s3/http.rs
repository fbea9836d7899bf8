//! Requests over HTTP: one attempt, its answer as it came, its failures by what they mean.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, http};

use super::answers::MAX_ANSWER_BYTES;
use crate::DeliveryError;

/// From here on a body waits for the server's word before it is sent, so that a refusal costs no upload.
const LARGE_BODY_BYTES: u64 = 1 << 20;

/// The HTTP client: connections are kept and shared by threads; redirects are not followed, since a signature
/// holds for one host.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    agent: Agent,
}

/// How long a server may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To take a connection.
    pub connect: Duration,
    /// To take or give the next bytes, and to answer.
    pub idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_secs(60) }
    }
}

/// What is sent with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'a> {
    /// Nothing.
    Empty,
    /// A short text.
    Text(&'a str),
    /// A file of a size.
    File(&'a File, u64),
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
        let text = self.header("date")?;
        DateTimeParser::new().parse_timestamp(text).ok()
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
    pub(crate) fn new(timeouts: Timeouts, authorities: Option<&str>) -> Result<Self, DeliveryError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = authorities {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(path)?));
        }
        Ok(Self::with(timeouts, tls.build(), Proxy::try_from_env()))
    }

    /// A client for the machine's own neighbours: it never goes through a proxy and does not wait long.
    pub(crate) fn direct() -> Self {
        let short = Duration::from_secs(2);
        Self::with(Timeouts { connect: short, idle: short }, TlsConfig::default(), None)
    }

    fn with(timeouts: Timeouts, tls: TlsConfig, proxy: Option<Proxy>) -> Self {
        let agent = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(format!("domesday/{}", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity")
            .timeout_connect(Some(timeouts.connect))
            .timeout_per_read(Some(timeouts.idle))
            .timeout_per_write(Some(timeouts.idle))
            .timeout_recv_response(Some(timeouts.idle))
            .build()
            .new_agent();
        Self { agent }
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// When there is no answer; one that refuses is an answer.
    pub(crate) fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&'static str, String)],
        payload: Payload<'_>,
    ) -> Result<Answer, DeliveryError> {
        let response = self.call(method, url, headers, payload).map_err(|error| failed(url, error))?;
        read(url, response)
    }

    /// Sends a request without a body and copies what a success brings into a writer. What is not a success
    /// comes back as an answer.
    ///
    /// # Errors
    /// When there is no answer, it breaks off, or the writer fails.
    pub(crate) fn fetch(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        into: &mut dyn Write,
    ) -> Result<Answer, DeliveryError> {
        let response = self.call("GET", url, headers, Payload::Empty).map_err(|error| failed(url, error))?;
        if !response.status().is_success() {
            return read(url, response);
        }
        let (parts, body) = response.into_parts();
        io::copy(&mut body.into_reader(), into).map_err(|error| failed(url, error.into()))?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body: String::new() })
    }

    fn call(
        &self,
        method: &str,
        url: &str,
        headers: &[(&'static str, String)],
        payload: Payload<'_>,
    ) -> Result<http::Response<Body>, ureq::Error> {
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        match payload {
            Payload::Empty if method == "GET" => self.agent.run(request.body(())?),
            Payload::Empty => self.agent.run(request.body(&[] as &[u8])?),
            Payload::Text(text) => self.agent.run(request.body(text)?),
            Payload::File(file, bytes) => {
                request = request.header("content-length", bytes);
                if bytes >= LARGE_BODY_BYTES {
                    request = request.header("expect", "100-continue");
                }
                self.agent.run(request.body(file)?)
            }
        }
    }
}

fn read(url: &str, response: http::Response<Body>) -> Result<Answer, DeliveryError> {
    let (parts, body) = response.into_parts();
    let mut bytes = Vec::new();
    let read = body.into_reader().take(MAX_ANSWER_BYTES).read_to_end(&mut bytes);
    read.map_err(|error| failed(url, error.into()))?;
    let body = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

/// Sorts a failure by whether trying again can help.
fn failed(url: &str, error: ureq::Error) -> DeliveryError {
    // The query of a request is no one's concern, and a host says enough.
    let host = url.split('/').take(3).collect::<Vec<_>>().join("/");
    match error {
        ureq::Error::Tls(reason) => DeliveryError::Untrusted { host, reason: reason.to_owned() },
        ureq::Error::Rustls(reason) => DeliveryError::Untrusted { host, reason: reason.to_string() },
        // What rustls says about a certificate comes as data that is not valid.
        ureq::Error::Io(source) if source.kind() == io::ErrorKind::InvalidData => {
            DeliveryError::Untrusted { host, reason: source.to_string() }
        }
        ureq::Error::HostNotFound => {
            DeliveryError::Unreachable { host, reason: "there is no such host".to_owned() }
        }
        other => DeliveryError::Unreachable { host, reason: other.to_string() },
    }
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
