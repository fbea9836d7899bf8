//! Traces for an OpenTelemetry collector: a request, a run with its phases, an attempt at the webhook.
//!
//! Without a collector in the configuration traces are off: a [`Span`] is empty and costs nothing. Spans are created here
//! and in `span` alone, apart from those of the log, so that what leaves the process is a short list: no path, no
//! query, no name of a user, no header, no body, no text of an error.
//!
//! A finished span goes to a queue that a thread of the SDK sends from. When the collector is too slow the queue is full
//! and spans are lost: nothing waits for a collector but the end of the service, and that for [`FLUSH`].
//! Spans have the machine's time, as the log has.

mod client;
mod span;

use std::sync::Arc;
use std::time::Duration;

use domesday_store::{Message, RunRecord};
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanBuilder, SpanKind, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use uuid::Uuid;

use crate::config::{Collector, Webhook};
use client::Client;
pub use client::TracesError;
pub use span::{Span, TracedRequest};

/// How long the end of the service waits for the last traces.
const FLUSH: Duration = Duration::from_secs(2);

/// The name of the service, unless the environment has another.
const SERVICE: &str = "domesday";

/// Where spans come from; clones share it.
#[derive(Debug, Clone)]
pub struct Traces(Option<Arc<Enabled>>);

#[derive(Debug)]
struct Enabled {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    callers: TraceContextPropagator,
}

impl Traces {
    /// Traces for a collector, or none.
    ///
    /// # Errors
    /// When the settings of the collector cannot be used; whether it answers is not checked.
    pub fn start(collector: Option<&Collector>, replica: Uuid) -> Result<Self, TracesError> {
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
        Ok(Self(Some(Arc::new(Enabled { provider, tracer, callers: TraceContextPropagator::new() }))))
    }

    /// Starts the span of a request, under the caller's when it names one.
    #[must_use]
    pub fn request(&self, request: &TracedRequest<'_>) -> Span {
        let Some(on) = &self.0 else { return Span::none() };
        let caller = on.callers.extract_with_context(&Context::new(), &TraceParent(request.traceparent));
        on.span(&caller, span::request_span(request), SpanKind::Server)
    }

    /// Starts the span of an attempt at a run.
    pub(crate) fn run(&self, run: &RunRecord) -> Span {
        self.root(SpanKind::Internal, || span::run_span(run))
    }

    /// Starts the span of a phase of a run, with how much of something it is about.
    pub(crate) fn phase(&self, run: &Span, name: &'static str, sizes: &[(&'static str, usize)]) -> Span {
        match (&self.0, run.context()) {
            (Some(on), Some(run)) => on.span(run, span::phase_span(name, sizes), SpanKind::Internal),
            _ => Span::none(),
        }
    }

    /// Starts the span of an attempt to hand a message to the webhook.
    pub(crate) fn message(&self, webhook: &Webhook, message: &Message) -> Span {
        self.root(SpanKind::Client, || span::message_span(webhook, message))
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

/// The part of a caller's trace that is read: its `traceparent`. `tracestate` is not: it is of any length and meant for
/// the next callee, and the service calls no other on behalf of a request.
struct TraceParent<'r>(Option<&'r str>);

impl Extractor for TraceParent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let is_read = key.eq_ignore_ascii_case("traceparent");
        self.0.filter(|value| is_read && value.len() <= MAX_TRACEPARENT)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}

impl Enabled {
    fn span(&self, parent: &Context, builder: SpanBuilder, kind: SpanKind) -> Span {
        let span = self.tracer.build_with_context(builder.with_kind(kind), parent);
        Span::new(Context::new().with_span(span))
    }
}

impl Drop for Enabled {
    /// A service that is cut off waits for nothing; without this the SDK would.
    fn drop(&mut self) {
        let _ = self.provider.shutdown_with_timeout(Duration::ZERO);
    }
}

/// Describes the sender of the traces. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` take precedence.
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
