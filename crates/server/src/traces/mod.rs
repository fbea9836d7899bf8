//! Traces for an OpenTelemetry collector: a request, a run with its phases, an attempt at the webhook.
//!
//! Off unless the configuration names a collector; then a [`Span`] is nothing and costs nothing. Spans are made here
//! and in `span` alone, apart from those of the log, so that what leaves the process is a short list: no path, no
//! query, no name of a user, no header, no body, no text of an error.
//!
//! A finished span goes to a queue that a thread of the SDK's empties. When the collector does not keep up the queue
//! is full and spans are lost: nothing waits for a collector but the end of the service, and that for [`FLUSH`].
//! Spans have the machine's time, as the log has.

mod client;
mod span;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::HeaderMap;
use domesday_store::{Message, RunRecord};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use uuid::Uuid;

use crate::config::{Collector, Webhook};
use client::Client;
pub(crate) use span::Span;

/// How long the end of the service waits for the last traces.
const FLUSH: Duration = Duration::from_secs(2);

/// What the service is called among others unless the environment says otherwise.
const SERVICE: &str = "domesday";

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
    /// What the environment says of the collector cannot be used.
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
}

/// Where spans come from; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Traces(Option<Arc<On>>);

#[derive(Debug)]
struct On {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    callers: TraceContextPropagator,
}

impl Traces {
    /// Traces for a collector, or none.
    ///
    /// # Errors
    /// When what is said of the collector cannot be used; whether it answers is not asked.
    pub(crate) fn start(collector: Option<&Collector>, replica: Uuid) -> Result<Self, TracesError> {
        let Some(collector) = collector else { return Ok(Self(None)) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new(collector)?)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&collector.endpoint)
            .with_timeout(collector.timeout)
            .build()?;
        let provider = SdkTracerProvider::builder()
            .with_resource(resource(replica))
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer(SERVICE);
        Ok(Self(Some(Arc::new(On { provider, tracer, callers: TraceContextPropagator::new() }))))
    }

    /// The span of a request, under the caller's when it names one. Those of the operations are none: probes would
    /// be most of what there is to see.
    pub(crate) fn request(
        &self,
        request: &Request,
        route: Option<&str>,
        id: &str,
        scheme: &'static str,
    ) -> Span {
        let Some(on) = &self.0 else { return Span::none() };
        if route.is_some_and(crate::routes::is_probe) {
            return Span::none();
        }
        let caller = on.callers.extract_with_context(&Context::new(), &TraceParent(request.headers()));
        on.span(&caller, span::of_request(request.method(), route, id, scheme), SpanKind::Server)
    }

    /// The span of an attempt at a run.
    pub(crate) fn run(&self, run: &RunRecord) -> Span {
        self.root(SpanKind::Internal, || span::of_run(run))
    }

    /// The span of a phase of a run, with how much of something it is about.
    pub(crate) fn phase(&self, run: &Span, name: &'static str, sizes: &[(&'static str, usize)]) -> Span {
        match (&self.0, run.context()) {
            (Some(on), Some(run)) => on.span(run, span::of_phase(name, sizes), SpanKind::Internal),
            _ => Span::none(),
        }
    }

    /// The span of an attempt to hand a message to the webhook.
    pub(crate) fn message(&self, webhook: &Webhook, message: &Message) -> Span {
        self.root(SpanKind::Client, || span::of_message(webhook, message))
    }

    fn root(&self, kind: SpanKind, builder: impl FnOnce() -> SpanBuilder) -> Span {
        self.0.as_ref().map_or_else(Span::none, |on| on.span(&Context::new(), builder(), kind))
    }

    /// Sends what is left, as far as the collector takes it in time. No span begins after it.
    pub(crate) async fn stop(&self) {
        let Some(on) = self.0.clone() else { return };
        let flush = tokio::task::spawn_blocking(move || on.provider.shutdown_with_timeout(FLUSH));
        if !matches!(flush.await, Ok(Ok(()))) {
            tracing::warn!("the collector did not take the last traces in time");
        }
    }
}

/// The longest `traceparent` that is read: the standard's 55 characters, and room for later versions.
const MAX_TRACEPARENT: usize = 128;

/// What is read of a caller's trace: its `traceparent`. Of `tracestate` nothing is: it is of any length and for whoever
/// is called next, and the service calls nobody on behalf of a request.
struct TraceParent<'r>(&'r HeaderMap);

impl Extractor for TraceParent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let is_read = key.eq_ignore_ascii_case("traceparent");
        let value = self.0.get(key).filter(|_| is_read)?.to_str().ok()?;
        (value.len() <= MAX_TRACEPARENT).then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

impl On {
    fn span(&self, parent: &Context, builder: SpanBuilder, kind: SpanKind) -> Span {
        let span = self.tracer.build_with_context(builder.with_kind(kind), parent);
        Span::new(Context::new().with_span(span))
    }
}

impl Drop for On {
    /// A service that is cut off waits for nothing; without this the SDK would.
    fn drop(&mut self) {
        let _ = self.provider.shutdown_with_timeout(Duration::ZERO);
    }
}

/// What sends the traces. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win over what is known here.
fn resource(replica: Uuid) -> Resource {
    let given = Resource::builder().build();
    let name = Key::from_static_str("service.name");
    let is_named = given.get_ref(&name).is_some_and(|name| !name.as_str().starts_with("unknown_service"));
    let known = [
        KeyValue::new(name, SERVICE),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", replica.to_string()),
    ];
    let missing = known.into_iter().filter(|known| match known.key.as_str() {
        "service.name" => !is_named,
        _ => given.get_ref(&known.key).is_none(),
    });
    Resource::builder().with_attributes(missing).build()
}
