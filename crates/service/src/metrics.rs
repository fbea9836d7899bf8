//! What the operator watches, in the text format of Prometheus.
//!
//! Few series and no labels that grow with the data: route templates, statuses, phases and error kinds only.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domesday_model::Instant;

/// Upper bounds of the buckets of request durations, in seconds.
const BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];

/// A success that is dated further ahead than this, in microseconds, was recorded while the clock was ahead.
const AHEAD_MICROS: i64 = 300_000_000;

/// The metrics of one process.
#[derive(Debug, Default)]
pub struct Metrics {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    requests: BTreeMap<(&'static str, String, u16), u64>,
    durations: BTreeMap<String, Histogram>,
    authentication_failures: u64,
    rate_limited: u64,
    runs: BTreeMap<&'static str, u64>,
    run_failures: BTreeMap<String, u64>,
    rows: BTreeMap<String, u64>,
    bytes: BTreeMap<String, u64>,
    run_seconds: f64,
    last_success: Option<Instant>,
    clock_jumps: BTreeMap<&'static str, u64>,
    last_clock_jump_seconds: f64,
    webhooks: BTreeMap<&'static str, u64>,
    webhooks_pending: u64,
    evaluations: u64,
    evaluation_seconds: f64,
    classes: usize,
}

#[derive(Debug, Default, Clone)]
struct Histogram {
    counts: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Metrics {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Counters stay right whoever panicked while holding them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request: by a method of a closed set, and by a route's template.
    pub fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let mut inner = self.lock();
        *inner.requests.entry((method, route.to_owned(), status)).or_default() += 1;
        let histogram = inner.durations.entry(route.to_owned()).or_default();
        let seconds = took.as_secs_f64();
        for (bound, count) in BUCKETS.iter().zip(&mut histogram.counts) {
            *count += u64::from(seconds <= *bound);
        }
        histogram.count += 1;
        histogram.sum += seconds;
    }

    /// Counts a failed authentication.
    pub fn authentication_failed(&self) {
        self.lock().authentication_failures += 1;
    }

    /// Counts a failed authentication that was answered with 429.
    pub fn rate_limited(&self) {
        self.lock().rate_limited += 1;
    }

    pub(crate) fn run_succeeded(&self, at: Instant, seconds: f64, tables: &[(String, u64, u64)]) {
        let mut inner = self.lock();
        *inner.runs.entry("succeeded").or_default() += 1;
        inner.last_success = Some(at);
        inner.run_seconds = seconds;
        for (table, rows, bytes) in tables {
            inner.rows.insert(table.clone(), *rows);
            inner.bytes.insert(table.clone(), *bytes);
        }
    }

    pub(crate) fn run_failed(&self, kind: &str) {
        let mut inner = self.lock();
        *inner.runs.entry("failed").or_default() += 1;
        *inner.run_failures.entry(kind.to_owned()).or_default() += 1;
    }

    pub(crate) fn run_superseded(&self) {
        *self.lock().runs.entry("superseded").or_default() += 1;
    }

    /// The last success that the store knows of, from before this process.
    pub(crate) fn succeeded_before(&self, at: Instant) {
        self.lock().last_success.get_or_insert(at);
    }

    /// The clock was set ahead by these microseconds, or, negative, back.
    pub(crate) fn clock_jumped(&self, micros: i64) {
        let mut inner = self.lock();
        let direction = if micros < 0 { "back" } else { "ahead" };
        *inner.clock_jumps.entry(direction).or_default() += 1;
        inner.last_clock_jump_seconds = micros as f64 / 1e6;
    }

    pub(crate) fn webhook(&self, result: &'static str) {
        *self.lock().webhooks.entry(result).or_default() += 1;
    }

    pub(crate) fn webhooks_pending(&self, count: u64) {
        self.lock().webhooks_pending = count;
    }

    pub(crate) fn evaluated(&self, took: Duration, classes: usize) {
        let mut inner = self.lock();
        inner.evaluations += 1;
        inner.evaluation_seconds = took.as_secs_f64();
        inner.classes = classes;
    }

    /// Everything as text, as of `now`.
    pub fn render(&self, now: Instant) -> String {
        let mut inner = self.lock();
        // Its age would be negative, and no alert would fire before the clock is there again. It counts as of the moment
        // at which that is noticed.
        if inner.last_success.is_some_and(|last| last.as_micros() > now.as_micros() + AHEAD_MICROS) {
            inner.last_success = Some(now);
        }
        let inner = inner;
        let mut out = Text::default();
        out.family("domesday_http_requests_total", "counter", "Requests answered.");
        for ((method, route, status), count) in &inner.requests {
            let status = status.to_string();
            out.sample("", &[("method", method), ("route", route), ("status", &status)], *count);
        }
        out.family("domesday_http_request_duration_seconds", "histogram", "How long answers took.");
        for (route, histogram) in &inner.durations {
            for (bound, count) in BUCKETS.iter().zip(histogram.counts) {
                out.sample("_bucket", &[("route", route), ("le", &bound.to_string())], count);
            }
            out.sample("_bucket", &[("route", route), ("le", "+Inf")], histogram.count);
            out.sample("_sum", &[("route", route)], histogram.sum);
            out.sample("_count", &[("route", route)], histogram.count);
        }
        out.family("domesday_authentication_failures_total", "counter", "Requests with no valid API key.");
        out.sample("", &[], inner.authentication_failures);
        out.family("domesday_rate_limited_total", "counter", "Failed authentications answered with 429.");
        out.sample("", &[], inner.rate_limited);
        out.family("domesday_runs_total", "counter", "Runs ended, by result.");
        for result in ["succeeded", "failed", "superseded"] {
            out.sample("", &[("result", result)], inner.runs.get(result).copied().unwrap_or_default());
        }
        out.family("domesday_run_failures_total", "counter", "Runs failed, by kind of error.");
        for (kind, count) in &inner.run_failures {
            out.sample("", &[("kind", kind)], *count);
        }
        out.family("domesday_run_rows", "gauge", "Rows of the last run, by table.");
        inner.rows.iter().for_each(|(table, rows)| out.sample("", &[("table", table)], *rows));
        out.family("domesday_run_bytes", "gauge", "Bytes of the last run, by table.");
        inner.bytes.iter().for_each(|(table, bytes)| out.sample("", &[("table", table)], *bytes));
        out.family("domesday_run_seconds", "gauge", "How long the last successful run took.");
        out.sample("", &[], inner.run_seconds);
        out.family("domesday_last_success_timestamp_seconds", "gauge", "The last successful run's end.");
        out.family_age(inner.last_success, now);
        out.family("domesday_clock_jumps_total", "counter", "How often the clock was set, by direction.");
        for direction in ["ahead", "back"] {
            let count = inner.clock_jumps.get(direction).copied().unwrap_or_default();
            out.sample("", &[("direction", direction)], count);
        }
        out.family(
            "domesday_clock_last_jump_seconds",
            "gauge",
            "By how much the clock was last set; negative: back.",
        );
        out.sample("", &[], inner.last_clock_jump_seconds);
        out.family("domesday_webhooks_total", "counter", "Attempts to send webhook messages, by result.");
        for result in ["delivered", "failed", "given-up"] {
            out.sample("", &[("result", result)], inner.webhooks.get(result).copied().unwrap_or_default());
        }
        out.family("domesday_webhooks_pending", "gauge", "Webhook messages that wait for an attempt.");
        out.sample("", &[], inner.webhooks_pending);
        out.family("domesday_evaluations_total", "counter", "Evaluations kept in memory for access queries.");
        out.sample("", &[], inner.evaluations);
        out.family("domesday_evaluation_seconds", "gauge", "How long the last evaluation took.");
        out.sample("", &[], inner.evaluation_seconds);
        out.family("domesday_evaluation_classes", "gauge", "Source classes of the last evaluation.");
        out.sample("", &[], inner.classes);
        out.text
    }
}

#[derive(Default)]
struct Text {
    text: String,
    name: &'static str,
}

impl Text {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        for (position, (name, value)) in labels.iter().enumerate() {
            let start = if position == 0 { '{' } else { ',' };
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            let _ = write!(self.text, "{start}{name}=\"{value}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{end} {value}");
    }

    /// The last success and its age; no sample before there was one.
    fn family_age(&mut self, last: Option<Instant>, now: Instant) {
        let seconds = |micros: i64| micros as f64 / 1e6;
        if let Some(last) = last {
            self.sample("", &[], seconds(last.as_micros()));
        }
        self.family("domesday_last_success_age_seconds", "gauge", "How long ago the last success was.");
        if let Some(last) = last {
            self.sample("", &[], seconds((now.as_micros() - last.as_micros()).max(0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_success_is_never_negative_and_grows() {
        let day = 86_400_000_000;
        let at = |micros: i64| Instant::from_micros(micros);
        let age = |metrics: &Metrics, now: i64| -> f64 {
            let text = metrics.render(at(now));
            let line = text.lines().find(|line| line.starts_with("domesday_last_success_age_seconds "));
            line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
        };
        let metrics = Metrics::default();
        metrics.run_succeeded(at(3650 * day), 1.0, &[]);
        // The clock is set back: the success lies in the future, and its age counts from now on.
        assert_eq!(age(&metrics, day), 0.0);
        assert_eq!(age(&metrics, 3 * day), 2.0 * 86_400.0);
        // The next success counts, although it is dated before.
        metrics.run_succeeded(at(3 * day), 1.0, &[]);
        assert_eq!(age(&metrics, 3 * day + 1_000_000), 1.0);
        // The clocks of replicas differ by a little.
        assert_eq!(age(&metrics, 3 * day - 1_000_000), 0.0);
        assert_eq!(age(&metrics, 3 * day + 2_000_000), 2.0);
        let restarted = Metrics::default();
        restarted.succeeded_before(at(3650 * day));
        assert_eq!((age(&restarted, day), age(&restarted, 2 * day)), (0.0, 86_400.0));
    }

    #[test]
    fn renders_what_was_counted() {
        let metrics = Metrics::default();
        metrics.request("GET", "/api/v1/users/{name}", 200, Duration::from_millis(3));
        metrics.request("GET", "/api/v1/users/{name}", 200, Duration::from_secs(60));
        metrics.run_succeeded(Instant::from_micros(1_000_000), 2.5, &[("user-metadata".into(), 7, 900)]);
        metrics.run_failed("access-denied");
        let text = metrics.render(Instant::from_micros(61_000_000));
        for line in [
            "domesday_http_requests_total{method=\"GET\",route=\"/api/v1/users/{name}\",status=\"200\"} 2",
            "domesday_http_request_duration_seconds_bucket{route=\"/api/v1/users/{name}\",le=\"0.005\"} 1",
            "domesday_http_request_duration_seconds_bucket{route=\"/api/v1/users/{name}\",le=\"+Inf\"} 2",
            "domesday_runs_total{result=\"succeeded\"} 1",
            "domesday_run_failures_total{kind=\"access-denied\"} 1",
            "domesday_run_rows{table=\"user-metadata\"} 7",
            "domesday_last_success_age_seconds 60",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
