//! What spans tell: every attribute there is, after OpenTelemetry's semantic conventions where these have one.

use axum::http::{Method, Uri};
use domesday_store::{Message, RunRecord};
use opentelemetry::trace::{SpanBuilder, Status, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use crate::config::Webhook;
use crate::method;

const STATUS_CODE: &str = "http.response.status_code";
const METHOD: &str = "http.request.method";
const RUN: &str = "domesday.run.id";

/// Something that takes time, from its making to the drop of its last clone; nothing when there are no traces.
#[derive(Debug, Clone)]
pub(crate) struct Span(Option<Context>);

impl Span {
    pub(super) fn new(context: Context) -> Self {
        Self(Some(context))
    }

    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn context(&self) -> Option<&Context> {
        self.0.as_ref()
    }

    /// A request was answered. What the caller did wrong is no failure of the service.
    pub(crate) fn answered(&self, status: u16) {
        self.set(STATUS_CODE, i64::from(status));
        if status >= 500 {
            self.failed(&status.to_string());
        }
    }

    /// The webhook was met. There a refusal is a failure.
    pub(crate) fn received(&self, status: Option<u16>) {
        match status {
            Some(status) => {
                self.set(STATUS_CODE, i64::from(status));
                if !(200..300).contains(&status) {
                    self.failed(&status.to_string());
                }
            }
            None => self.failed("unreachable"),
        }
    }

    /// An attempt at a run ended so.
    pub(crate) fn ended(&self, outcome: &'static str) {
        self.set("domesday.run.outcome", outcome);
    }

    /// It failed, by a name of the failure's kind: its text may hold anything.
    pub(crate) fn failed(&self, kind: &str) {
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

/// A request. The path is left out: names of users stand in it. The route's template says enough.
pub(super) fn of_request(
    method: &Method,
    route: Option<&str>,
    id: &str,
    scheme: &'static str,
) -> SpanBuilder {
    let (word, value) = method::standard_name(method).map_or(("HTTP", "_OTHER"), |name| (name, name));
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
pub(super) fn of_run(run: &RunRecord) -> SpanBuilder {
    SpanBuilder::from_name("run").with_attributes([
        KeyValue::new(RUN, run.id.to_string()),
        KeyValue::new("domesday.run.trigger", run.trigger.clone()),
        KeyValue::new("domesday.run.attempt", i64::from(run.attempts)),
        KeyValue::new("domesday.export.id", run.export_id.clone()),
    ])
}

/// A phase of a run.
pub(super) fn of_phase(name: &'static str, sizes: &[(&'static str, usize)]) -> SpanBuilder {
    let sizes = sizes.iter().map(|(key, size)| KeyValue::new(*key, i64::try_from(*size).unwrap_or(i64::MAX)));
    SpanBuilder::from_name(name).with_attributes(sizes)
}

/// An attempt at the webhook. Of its address only the host: path and query are often a password.
pub(super) fn of_message(webhook: &Webhook, message: &Message) -> SpanBuilder {
    let mut attributes = vec![
        KeyValue::new(METHOD, "POST"),
        KeyValue::new("domesday.webhook.attempt", i64::from(message.attempts)),
        KeyValue::new(RUN, message.run_id.to_string()),
    ];
    if let Ok(address) = webhook.url.parse::<Uri>() {
        attributes.extend(address.host().map(|host| KeyValue::new("server.address", host.to_owned())));
        let standard = if address.scheme_str() == Some("http") { 80 } else { 443 };
        let port = address.port_u16().unwrap_or(standard);
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
    SpanBuilder::from_name("webhook").with_attributes(attributes)
}
