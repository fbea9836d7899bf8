//! Spans with all their attributes, named after OpenTelemetry's semantic conventions where these have one.

use domesday_store::{Message, RunRecord};
use opentelemetry::trace::{SpanBuilder, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use crate::config::Webhook;

const STATUS_CODE: &str = "http.response.status_code";
const METHOD: &str = "http.request.method";
const RUN: &str = "domesday.run.id";

/// Something that takes time, from its making to the drop of its last clone; nothing when there are no traces.
#[derive(Debug, Clone)]
pub struct Span(Option<Context>);

impl Span {
    pub(super) fn new(context: Context) -> Self {
        Self(Some(context))
    }

    /// An empty span, of what is not traced.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    pub(super) fn context(&self) -> Option<&Context> {
        self.0.as_ref()
    }

    /// Records the status of the answer to a request. A mistake of the caller is no failure of the service.
    pub fn set_answered(&self, status: u16) {
        self.set(STATUS_CODE, i64::from(status));
        if status >= 500 {
            self.set_failed(&status.to_string());
        }
    }

    /// Records the status of the webhook's answer. There a refusal is a failure.
    pub(crate) fn set_response_status(&self, status: Option<u16>) {
        match status {
            Some(status) => {
                self.set(STATUS_CODE, i64::from(status));
                if !(200..300).contains(&status) {
                    self.set_failed(&status.to_string());
                }
            }
            None => self.set_failed("unreachable"),
        }
    }

    /// Records the outcome of an attempt at a run.
    pub(crate) fn set_outcome(&self, outcome: &'static str) {
        self.set("domesday.run.outcome", outcome);
    }

    /// Records a failure, by the name of its kind: its text may contain anything.
    pub(crate) fn set_failed(&self, kind: &str) {
        if let Some(context) = &self.0 {
            let span = context.span();
            span.set_attribute(KeyValue::new("error.type", kind.to_owned()));
            span.set_status(Status::error(""));
        }
    }

    fn set(&self, key: &'static str, value: impl Into<opentelemetry::Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(key, value));
        }
    }
}

/// What is traced of a request. The path is left out: it contains names of users. The route's template says enough.
#[derive(Debug, Clone, Copy)]
pub struct TracedRequest<'r> {
    /// The method, when it is a standard one.
    pub method: Option<&'static str>,
    /// The route's template, when there is one.
    pub route: Option<&'r str>,
    /// The id of the request.
    pub id: &'r str,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The caller's trace, as the header `traceparent` has it.
    pub traceparent: Option<&'r str>,
}

/// Builds the span of a request.
pub(super) fn request_span(request: &TracedRequest<'_>) -> SpanBuilder {
    let TracedRequest { method, route, id, scheme, .. } = *request;
    let (word, value) = method.map_or(("HTTP", "_OTHER"), |name| (name, name));
    let name = route.map_or_else(|| word.to_owned(), |route| format!("{word} {route}"));
    let mut attributes = vec![
        KeyValue::new(METHOD, value),
        KeyValue::new("url.scheme", scheme),
        KeyValue::new("domesday.request.id", id.to_owned()),
    ];
    attributes.extend(route.map(|route| KeyValue::new("http.route", route.to_owned())));
    SpanBuilder::from_name(name).with_attributes(attributes)
}

/// An attempt at a run. Who began it is left out.
pub(super) fn run_span(run: &RunRecord) -> SpanBuilder {
    SpanBuilder::from_name("run").with_attributes([
        KeyValue::new(RUN, run.id.to_string()),
        KeyValue::new("domesday.run.trigger", run.trigger.clone()),
        KeyValue::new("domesday.run.attempt", i64::from(run.attempts)),
        KeyValue::new("domesday.export.id", run.export_id.clone()),
    ])
}

/// A phase of a run.
pub(super) fn phase_span(name: &'static str, sizes: &[(&'static str, usize)]) -> SpanBuilder {
    let sizes = sizes.iter().map(|(key, size)| KeyValue::new(*key, i64::try_from(*size).unwrap_or(i64::MAX)));
    SpanBuilder::from_name(name).with_attributes(sizes)
}

/// An attempt at the webhook. Of its address only the host: path and query are often a password.
pub(super) fn message_span(webhook: &Webhook, message: &Message) -> SpanBuilder {
    let mut attributes = vec![
        KeyValue::new(METHOD, "POST"),
        KeyValue::new("domesday.webhook.attempt", i64::from(message.attempts)),
        KeyValue::new(RUN, message.run_id.to_string()),
    ];
    if let Ok(address) = webhook.url.parse::<ureq::http::Uri>() {
        attributes.extend(address.host().map(|host| KeyValue::new("server.address", host.to_owned())));
        let standard = if address.scheme_str() == Some("http") { 80 } else { 443 };
        let port = address.port_u16().unwrap_or(standard);
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
    SpanBuilder::from_name("webhook").with_attributes(attributes)
}
