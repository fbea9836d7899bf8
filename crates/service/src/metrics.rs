//! Metrics for operators, in the text format of Prometheus.
//!
//! Few series and no labels that grow with the data: route templates, statuses, phases and error kinds only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domesday_model::Instant;
use domesday_store::SyncState;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the buckets of request durations, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];

/// A success that is dated further ahead than this, in microseconds, was recorded while the clock was ahead.
const AHEAD_MICROS: i64 = 300_000_000;

/// A gauge of seconds or other fractions.
type Fraction = Gauge<f64, AtomicU64>;

/// No labels: in a family, so that there is no sample before the first value.
type NoLabels = [(&'static str, &'static str); 0];

/// The metrics of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram>,
    authentication_failures: Counter,
    rate_limited: Counter,
    runs: Family<ResultLabels, Counter>,
    run_failures: Family<KindLabels, Counter>,
    rows: Family<TableLabels, Gauge>,
    bytes: Family<TableLabels, Gauge>,
    run_seconds: Fraction,
    last_success_seconds: Family<NoLabels, Fraction>,
    last_success_age: Family<NoLabels, Fraction>,
    syncs: Family<SyncLabels, Counter>,
    last_sync_age: Family<ConnectionLabels, Fraction>,
    drift: Family<DriftLabels, Gauge>,
    clock_jumps: Family<DirectionLabels, Counter>,
    last_clock_jump: Fraction,
    webhooks: Family<ResultLabels, Counter>,
    webhooks_pending: Gauge,
    evaluations: Counter,
    evaluation_seconds: Fraction,
    classes: Gauge,
    last_success: Mutex<Option<Instant>>,
    /// When the last complete sync of each connection began.
    last_syncs: Mutex<BTreeMap<String, Instant>>,
    /// The connections whose findings are counted.
    drifting: Mutex<BTreeSet<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SyncLabels {
    connection: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    connection: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DriftLabels {
    connection: String,
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TableLabels {
    table: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabels {
    direction: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("domesday"),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            authentication_failures: Counter::default(),
            rate_limited: Counter::default(),
            runs: Family::default(),
            run_failures: Family::default(),
            rows: Family::default(),
            bytes: Family::default(),
            run_seconds: Fraction::default(),
            last_success_seconds: Family::default(),
            last_success_age: Family::default(),
            syncs: Family::default(),
            last_sync_age: Family::default(),
            drift: Family::default(),
            clock_jumps: Family::default(),
            last_clock_jump: Fraction::default(),
            webhooks: Family::default(),
            webhooks_pending: Gauge::default(),
            evaluations: Counter::default(),
            evaluation_seconds: Fraction::default(),
            classes: Gauge::default(),
            last_success: Mutex::default(),
            last_syncs: Mutex::default(),
            drifting: Mutex::default(),
        };
        metrics.register();
        // A series that appears with its first event hides that event from a rate.
        for result in ["succeeded", "failed", "superseded"] {
            let _ = metrics.runs.get_or_create(&ResultLabels { result });
        }
        for direction in ["ahead", "back"] {
            let _ = metrics.clock_jumps.get_or_create(&DirectionLabels { direction });
        }
        for result in ["delivered", "failed", "given-up"] {
            let _ = metrics.webhooks.get_or_create(&ResultLabels { result });
        }
        metrics
    }
}

impl Metrics {
    /// Registers every metric under its name, to which the format adds `_total` for counters.
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("http_requests", "Requests answered", self.requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request to its answer",
            self.durations.clone(),
        );
        registry.register(
            "authentication_failures",
            "Requests without a valid API key",
            self.authentication_failures.clone(),
        );
        registry.register(
            "rate_limited",
            "Failed authentications answered with 429",
            self.rate_limited.clone(),
        );
        registry.register("runs", "Runs ended, by result", self.runs.clone());
        registry.register("run_failures", "Runs failed, by kind of error", self.run_failures.clone());
        registry.register("run_rows", "Rows of the last run, by table", self.rows.clone());
        registry.register("run_bytes", "Bytes of the last run, by table", self.bytes.clone());
        registry.register("run_seconds", "Duration of the last successful run", self.run_seconds.clone());
        registry.register(
            "last_success_timestamp_seconds",
            "End of the last successful run",
            self.last_success_seconds.clone(),
        );
        registry.register(
            "last_success_age_seconds",
            "Time since the last success",
            self.last_success_age.clone(),
        );
        registry.register("syncs", "Syncs that ended, by connection and result", self.syncs.clone());
        registry.register(
            "last_complete_sync_age_seconds",
            "Time since the last complete sync, by connection",
            self.last_sync_age.clone(),
        );
        registry.register(
            "drift_findings",
            "Findings where a database differs from the policies, by connection and kind",
            self.drift.clone(),
        );
        registry.register(
            "clock_jumps",
            "How often the clock was set, by direction",
            self.clock_jumps.clone(),
        );
        registry.register(
            "clock_last_jump_seconds",
            "By how much the clock was last set; negative: back",
            self.last_clock_jump.clone(),
        );
        registry.register("webhooks", "Attempts to send webhook messages, by result", self.webhooks.clone());
        registry.register(
            "webhooks_pending",
            "Webhook messages that wait for an attempt",
            self.webhooks_pending.clone(),
        );
        registry.register("evaluations", "Evaluations cached for access queries", self.evaluations.clone());
        registry.register(
            "evaluation_seconds",
            "Duration of the last evaluation",
            self.evaluation_seconds.clone(),
        );
        registry.register(
            "evaluation_classes",
            "Source classes of the last evaluation",
            self.classes.clone(),
        );
    }

    /// Counts a request: by a method of a closed set, and by a route's template.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        self.durations.get_or_create(&RouteLabels { route: route.clone() }).observe(took.as_secs_f64());
        self.requests.get_or_create(&RequestLabels { method, route, status }).inc();
    }

    /// Counts a failed authentication.
    pub fn authentication_failed(&self) {
        self.authentication_failures.inc();
    }

    /// Counts a failed authentication that was answered with 429.
    pub fn rate_limited(&self) {
        self.rate_limited.inc();
    }

    /// Counts a run that succeeded, and sets the rows and bytes of its tables.
    pub(crate) fn run_succeeded(&self, at: Instant, seconds: f64, tables: &[(String, u64, u64)]) {
        self.runs.get_or_create(&ResultLabels { result: "succeeded" }).inc();
        *self.last_success.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
        self.run_seconds.set(seconds);
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for (table, rows, bytes) in tables {
            let labels = TableLabels { table: table.clone() };
            self.rows.get_or_create(&labels).set(gauge(*rows));
            self.bytes.get_or_create(&labels).set(gauge(*bytes));
        }
    }

    /// Counts a run that failed.
    pub(crate) fn run_failed(&self, kind: &str) {
        self.runs.get_or_create(&ResultLabels { result: "failed" }).inc();
        self.run_failures.get_or_create(&KindLabels { kind: kind.to_owned() }).inc();
    }

    /// Counts an attempt that another replica took over.
    pub(crate) fn run_superseded(&self) {
        self.runs.get_or_create(&ResultLabels { result: "superseded" }).inc();
    }

    /// Sets the last success before this process, unless there was one since.
    pub(crate) fn succeeded_before(&self, at: Instant) {
        self.last_success.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(at);
    }

    /// Counts a sync that ended.
    pub(crate) fn sync_ended(&self, connection: &str, state: SyncState, began: Instant) {
        let labels = SyncLabels { connection: connection.to_owned(), result: state.as_str() };
        self.syncs.get_or_create(&labels).inc();
        if state == SyncState::Succeeded {
            let mut last = self.last_syncs.lock().unwrap_or_else(PoisonError::into_inner);
            last.insert(connection.to_owned(), began);
        }
    }

    /// Takes over when the last complete sync of every connection began, by any replica.
    pub(crate) fn complete_syncs(&self, complete: BTreeMap<String, Instant>) {
        let mut last = self.last_syncs.lock().unwrap_or_else(PoisonError::into_inner);
        if last.keys().any(|name| !complete.contains_key(name)) {
            // A connection that was deleted has no age.
            self.last_sync_age.clear();
        }
        *last = complete;
    }

    /// Takes over the findings of every connection by kind, as any replica counted them.
    pub(crate) fn drift_findings(&self, counts: BTreeMap<String, BTreeMap<String, u64>>) {
        let mut drifting = self.drifting.lock().unwrap_or_else(PoisonError::into_inner);
        if drifting.iter().any(|name| !counts.contains_key(name)) {
            // A connection that was deleted has no findings.
            self.drift.clear();
        }
        *drifting = counts.keys().cloned().collect();
        for (connection, kinds) in counts {
            for (kind, count) in kinds {
                let labels = DriftLabels { connection: connection.clone(), kind };
                self.drift.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
            }
        }
    }

    /// Counts that the clock was set ahead by these microseconds, or, negative, back.
    pub(crate) fn clock_jumped(&self, micros: i64) {
        let direction = if micros < 0 { "back" } else { "ahead" };
        self.clock_jumps.get_or_create(&DirectionLabels { direction }).inc();
        self.last_clock_jump.set(micros as f64 / 1e6);
    }

    /// Counts an attempt to send a webhook message.
    pub(crate) fn webhook(&self, result: &'static str) {
        self.webhooks.get_or_create(&ResultLabels { result }).inc();
    }

    /// Sets how many webhook messages are pending.
    pub(crate) fn webhooks_pending(&self, count: u64) {
        self.webhooks_pending.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts an evaluation.
    pub(crate) fn evaluated(&self, took: Duration, classes: usize) {
        self.evaluations.inc();
        self.evaluation_seconds.set(took.as_secs_f64());
        self.classes.set(i64::try_from(classes).unwrap_or(i64::MAX));
    }

    /// Returns every metric in the text format of Prometheus, as of `now`.
    #[must_use]
    pub fn render(&self, now: Instant) -> String {
        let last_success = {
            let mut last_success = self.last_success.lock().unwrap_or_else(PoisonError::into_inner);
            // Its age would be negative, and no alert would fire before the clock is there again. It counts as of the
            // moment at which that is noticed.
            if last_success.is_some_and(|last| last.as_micros() > now.as_micros() + AHEAD_MICROS) {
                *last_success = Some(now);
            }
            *last_success
        };
        let seconds = |micros: i64| micros as f64 / 1e6;
        if let Some(last) = last_success {
            self.last_success_seconds.get_or_create(&[]).set(seconds(last.as_micros()));
            let age = (now.as_micros() - last.as_micros()).max(0);
            self.last_success_age.get_or_create(&[]).set(seconds(age));
        }
        for (connection, began) in &*self.last_syncs.lock().unwrap_or_else(PoisonError::into_inner) {
            let age = now.as_micros().saturating_sub(began.as_micros()).max(0);
            let labels = ConnectionLabels { connection: connection.clone() };
            self.last_sync_age.get_or_create(&labels).set(seconds(age));
        }
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry).expect("writing to a string does not fail");
        text
    }
}

#[cfg(test)]
mod tests;
