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
fn a_deleted_connection_has_no_findings() {
    let metrics = Metrics::default();
    let kinds = |count| BTreeMap::from([("EXCESS".to_owned(), count)]);
    let line = "domesday_drift_findings{connection=\"shop\",kind=\"EXCESS\"} 3";
    metrics.drift_findings(BTreeMap::from([("shop".to_owned(), kinds(3)), ("old".to_owned(), kinds(1))]));
    let text = metrics.render(Instant::from_micros(0));
    assert!(text.contains(line) && text.contains("connection=\"old\""), "{text}");
    metrics.drift_findings(BTreeMap::from([("shop".to_owned(), kinds(3))]));
    let text = metrics.render(Instant::from_micros(0));
    assert!(text.contains(line) && !text.contains("connection=\"old\""), "{text}");
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
        "domesday_last_success_age_seconds 60.0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
