//! What keeps a service standing: limits, headers, and answers to what is no request of this API.

use std::io::{BufRead, BufReader, Read, Write};
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
    let answer = world.send("PUT", "/api/v1/groups/A", &headers, Some(large)).expect(413);
    assert_eq!(answer.problem(), "too-large");
    // A whole catalog may be larger.
    let catalog = format!("{{\"groups\":[{{\"name\":\"A\"}}]}}{}", " ".repeat(9 << 20));
    world.send("POST", "/api/v1/apply?dryRun=true", &headers, Some(catalog)).expect(200);
    let untyped = world.send("PUT", "/api/v1/groups/A", &headers, None).expect(415);
    assert_eq!(untyped.problem(), "unsupported-media-type");
}

/// A client that sends the end of its body only once it is asked for it: as late as a client can be.
fn late(connection: &mut BufReader<TcpStream>, head: &str) -> String {
    let read_head = |connection: &mut BufReader<TcpStream>| {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(connection.read_line(&mut head).unwrap(), 0, "the connection was closed: {head}");
        }
        head.to_ascii_lowercase()
    };
    let head = format!("{head}\r\nHost: test\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.get_mut().write_all(head.as_bytes()).unwrap();
    let asked = read_head(connection);
    assert!(asked.starts_with("http/1.1 100"), "{asked}");
    connection.get_mut().write_all(b"0\r\n\r\n").unwrap();
    let answer = read_head(connection);
    let length = answer.split_once("content-length: ").unwrap().1.split_once('\r').unwrap().0;
    let mut body = vec![0; length.parse().unwrap()];
    connection.read_exact(&mut body).unwrap();
    answer["http/1.1 ".len()..][..3].to_owned()
}

#[test]
fn a_body_that_nobody_wants_does_not_end_the_connection() {
    let world = World::new();
    let stream = TcpStream::connect(world.url("").strip_prefix("http://").unwrap()).unwrap();
    let mut connection = BufReader::new(stream);
    let key = format!("\r\nAuthorization: {}", world.admin);
    for (request, key, status) in [
        ("POST /api/v1/requests/none/cancel", key.as_str(), "404"),
        ("POST /api/v1/requests/none/cancel", "", "401"),
        ("POST /api/v1/groups?limit=none", &key, "400"),
        ("PUT /api/v1/groups/A", &key, "415"),
        ("PATCH /api/v1/groups/A", &key, "405"),
        ("POST /nothing", "", "404"),
        ("GET /deployment/tenant", &key, "200"),
        ("GET /health/live", "", "200"),
    ] {
        let answer = late(&mut connection, &format!("{request} HTTP/1.1{key}"));
        assert_eq!(answer, status, "{request}");
    }
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

/// Sends a head and reads the status of the answer; none when the connection was closed without one.
fn status_of(world: &World, head: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(world.url("").strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer);
    text.strip_prefix("HTTP/1.1 ").map(|rest| rest[..3].parse().unwrap())
}

#[test]
fn nothing_that_a_client_sends_becomes_a_label() {
    let world = World::new();
    let mut connection =
        BufReader::new(TcpStream::connect(world.url("").strip_prefix("http://").unwrap()).unwrap());
    let mut send = |method: &str, path: &str, headers: &str| {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        connection.get_mut().write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        while !answer.ends_with("\r\n\r\n") {
            assert_ne!(connection.read_line(&mut answer).unwrap(), 0, "the connection was closed: {answer}");
        }
        let answer = answer.to_ascii_lowercase();
        let length = answer.split_once("content-length: ").unwrap().1.split_once('\r').unwrap().0;
        connection.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
        answer["http/1.1 ".len()..][..3].to_owned()
    };
    world.send("GET", "/metrics", &[], None).expect(200);
    let sizes: Vec<_> = [0, 1]
        .map(|round| {
            for number in 0..1_000 {
                let long = format!("X{}{}", round * 1_000 + number, "Y".repeat(1_000));
                assert_eq!(send(&long, "/deployment/tenant", ""), "405");
                let path = format!("/{long}");
                assert_eq!(send(&long, &path, ""), "404");
                let headers =
                    format!("X-Request-Id: {long}\r\nUser-Agent: {long}\r\nTraceparent: {long}\r\n");
                assert_eq!(
                    send("GET", &format!("/api/v1/users/{long}"), &headers),
                    if number < 20 && round == 0 { "401" } else { "429" }
                );
            }
            let metrics = world.send("GET", "/metrics", &[], None).expect(200).text;
            assert!(
                metrics.contains("method=\"OTHER\",route=\"/deployment/tenant\",status=\"405\""),
                "{metrics}"
            );
            assert!(!metrics.contains("YYY"), "{metrics}");
            metrics.lines().count()
        })
        .to_vec();
    assert_eq!(sizes[0], sizes[1]);
}

#[test]
fn heads_and_addresses_of_requests_are_bounded() {
    let world = World::new();
    let long = |length: usize| "x".repeat(length);
    for (head, expected) in [
        (format!("{} / HTTP/1.1", long(300_000)), 431),
        (format!("GET /{} HTTP/1.1", long(300_000)), 431),
        (format!("GET / HTTP/1.1\r\nA: {}", long(300_000)), 431),
        (format!("GET / HTTP/1.1{}", "\r\nA: b".repeat(200)), 431),
        (format!("GET /{} HTTP/1.1", long(20_000)), 414),
        (format!("GET /?{} HTTP/1.1", long(20_000)), 414),
        (format!("GET /{} HTTP/1.1", long(10_000)), 404),
    ] {
        let answered = status_of(&world, &format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert_eq!(answered, Some(expected), "{}", &head[..head.len().min(60)]);
    }
}

#[test]
fn an_error_does_not_repeat_a_long_input() {
    let world = World::new();
    let name = "x".repeat(12_000);
    let answer = world.get(&format!("/api/v1/users?{name}=1")).expect(400);
    assert!(answer.text.len() < 6_000, "{} bytes", answer.text.len());
    let key = json!({ "name": "a", "x".repeat(1 << 20): 1 });
    let answer = world.call("POST", "/api/v1/api-keys", Some(key)).expect(422);
    assert!(answer.text.len() < 6_000, "{} bytes", answer.text.len());
}

#[test]
fn the_address_of_a_client_behind_a_proxy_is_what_the_proxy_wrote() {
    let world = World::with(&[("DOMESDAY_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")]);
    let authorization = ("authorization", world.admin.as_str());
    for (number, (forwarded, expected)) in [
        ("203.0.113.7", "203.0.113.7"),
        ("6.6.6.6,, 203.0.113.7", "203.0.113.7"),
        ("garbage, 203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, 203.0.113.7:51234, 10.1.2.3", "203.0.113.7"),
        ("6.6.6.6, ::ffff:203.0.113.7", "203.0.113.7"),
        ("6.6.6.6, [2001:db8::7]:443", "2001:db8::7"),
        ("6.6.6.6, garbage", "127.0.0.1"),
        ("6.6.6.6, garbage, 10.1.2.3", "10.1.2.3"),
        ("", "127.0.0.1"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = json!({ "name": format!("G{number}") }).to_string();
        let headers = [authorization, ("x-forwarded-for", forwarded)];
        world.send("PUT", &format!("/api/v1/groups/G{number}"), &headers, Some(body)).expect(201);
        let mut store = domesday_store::Store::open(&world.dir().join("governance.db")).unwrap();
        let last = store.audit_entries(0, 1_000).unwrap().pop().unwrap();
        assert_eq!(last.from.as_deref(), Some(expected), "{forwarded}");
    }
}
