//! How traces get to the collector: the HTTP client that is here already, as OpenTelemetry's SDK wants one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::ExporterBuildError;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::config::Collector;

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// The certificates to trust cannot be used.
    #[error("the certificates {path}: {reason}", path = path.display())]
    Authorities {
        /// Their file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The settings of the collector in the environment cannot be used.
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
}

/// The longest answer that is read.
const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// A client of the collector.
#[derive(Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
    /// Whether the last attempt failed: the log reports a change, not every attempt.
    is_failing: AtomicBool,
}

impl Client {
    pub(super) fn new(collector: &Collector) -> Result<Self, TracesError> {
        let mut tls = TlsConfig::builder();
        if let Some(path) = &collector.authorities {
            let failed = |reason: String| TracesError::Authorities { path: path.clone(), reason };
            let text = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
            let found = parse_pem(&text).filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            });
            let found: Vec<Certificate<'static>> = found.collect();
            if found.is_empty() {
                return Err(failed("holds no PEM certificate".to_owned()));
            }
            tls = tls.root_certs(RootCerts::new_with_certs(&found));
        }
        let agent = ureq::Agent::config_builder()
            .tls_config(tls.build())
            .timeout_global(Some(collector.timeout))
            .http_status_as_error(false)
            // Its headers are for the configured collector.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(format!("domesday/{}", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: agent.into(), is_failing: AtomicBool::new(false) })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (parts, body) = request.into_parts();
        let mut response = self.agent.run(Request::from_parts(parts, body.as_ref()))?;
        let body = response.body_mut().with_config().limit(MAX_ANSWER_BYTES).read_to_vec()?;
        Ok(response.map(|_| Bytes::from(body)))
    }

    /// Tells the log when the collector stops taking traces, and when it takes them again.
    fn report(&self, failure: Option<&str>) {
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(error) if !was_failing => {
                tracing::warn!(%error, "the collector does not take the traces; those of this time may be lost");
            }
            None if was_failing => tracing::info!("the collector takes the traces again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Client {
    /// Blocks: it is called on the thread that the SDK has for nothing else.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answered = self.send(request);
        match &answered {
            Ok(response) if response.status().is_success() => self.report(None),
            Ok(response) => self.report(Some(&format!("answered {}", response.status().as_u16()))),
            Err(error) => self.report(Some(&error.to_string())),
        }
        Ok(answered?)
    }
}
