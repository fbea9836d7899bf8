//! What keeps a service standing: limits, headers, and answers to what is no request of this API.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::world::{World, instant};

#[test]
fn failed_authentication_is_told_to_wait_and_a_valid_key_is_not() {
    let world = World::new();
    let wrong = || world.send("GET", "/deployment/tenant", &[("authorization", "domesday_x")], None);
    for _ in 0..20 {
        wrong().expect(401);
    }
    let answer = wrong().expect(429);
    assert_eq!(answer.problem(), "too-many-failures");
    assert_eq!(answer.header("retry-after"), "60");
    world.get("/deployment/tenant").expect(200);
    world.clock.set(instant("2026-01-14T23:01:00Z"));
    wrong().expect(401);
}

#[test]
fn bodies_are_bounded_and_typed() {
    let world = World::with(&[]);
    let headers = [("authorization", world.admin.as_str())];
    let large = format!("{{\"name\":\"A\",\"description\":\"{}\"}}", "x".repeat(9 << 20));
    let answer = world.send("PUT", "/api/v1/groups/A", &headers, Some(large.clone())).expect(413);
    assert_eq!(answer.problem(), "too-large");
    // A whole catalog may be larger.
    let catalog = format!("{{\"groups\":[{large}]}}");
    world.send("POST", "/api/v1/apply?dryRun=true", &headers, Some(catalog)).expect(200);
    let untyped = world.send("PUT", "/api/v1/groups/A", &headers, None).expect(415);
    assert_eq!(untyped.problem(), "unsupported-media-type");
}

#[test]
fn every_answer_has_its_id_and_its_headers() {
    let world = World::new();
    for (path, status) in [("/deployment/tenant", 200), ("/nothing", 404), ("/health/live", 200)] {
        let answer = world.get(path).expect(status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
    let headers = [("authorization", world.admin.as_str()), ("x-request-id", "from-a-proxy.1")];
    let answer = world.send("GET", "/deployment/tenant", &headers, None);
    assert_eq!(answer.header("x-request-id"), "from-a-proxy.1");
    let headers = [("authorization", world.admin.as_str()), ("x-request-id", "not plain")];
    let answer = world.send("GET", "/deployment/tenant", &headers, None);
    assert_eq!(answer.header("x-request-id").len(), 36);
}

#[test]
fn what_is_no_route_is_a_problem_too() {
    let world = World::new();
    assert_eq!(world.get("/api/v2/users").expect(404).problem(), "not-found");
    let answer = world.call("PATCH", "/api/v1/groups/A", Some(json!({}))).expect(405);
    assert_eq!(answer.problem(), "method-not-allowed");
    assert!(answer.header("allow").contains("PUT"), "{:?}", answer.headers);
}

#[test]
fn health_and_metrics_need_no_key() {
    let world = World::new();
    for path in ["/health/live", "/health/ready", "/openapi.json"] {
        world.send("GET", path, &[], None).expect(200);
    }
    world.get("/deployment/tenant").expect(200);
    let metrics = world.send("GET", "/metrics", &[], None).expect(200);
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    let line = "domesday_http_requests_total{method=\"GET\",route=\"/deployment/tenant\",status=\"200\"} 1";
    assert!(metrics.text.lines().any(|found| found == line), "{}", metrics.text);
}

#[test]
fn health_and_metrics_may_listen_apart() {
    let world = World::with(&[("DOMESDAY_OPERATIONS_LISTEN", "127.0.0.1:0")]);
    world.get("/metrics").expect(404);
    let address = world.operations_address();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}
