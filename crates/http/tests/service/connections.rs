//! Clients that hold connections: they get a share, give it back when they are slow, and never keep probes out.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::world::World;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

fn address(world: &World) -> SocketAddr {
    world.url("").strip_prefix("http://").unwrap().parse().unwrap()
}

/// One request on a connection of its own: the head of the answer, in lower case, and the body.
fn ask(address: SocketAddr, path: &str, key: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

fn status(address: SocketAddr, path: &str, key: &str) -> u16 {
    ask(address, path, key).0["http/1.1 ".len()..][..3].parse().unwrap()
}

/// Waits until a request that needs a place gets one.
fn wait_for_a_place(world: &World) {
    let start = Instant::now();
    while status(address(world), "/deployment/tenant", &world.admin) != 200 {
        assert!(start.elapsed() < PATIENCE, "the connections are not given back");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Probes are answered while requests are not, on connections like any other.
fn assert_only_probes_are_answered(world: &World) {
    for probe in ["/health/live", "/health/ready", "/metrics"] {
        let start = Instant::now();
        assert_eq!(status(address(world), probe, ""), 200, "{probe}");
        assert!(start.elapsed() < Duration::from_secs(5), "{probe} took {:?}", start.elapsed());
    }
    let (head, body) = ask(address(world), "/deployment/tenant", &world.admin);
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(head.contains("connection: close") && head.contains("retry-after: "), "{head}");
    assert!(body.contains("urn:domesday:problem:unavailable"), "{body}");
}

#[test]
fn a_client_that_does_not_read_its_answers_keeps_no_probe_out_and_loses_its_connections() {
    let world = World::with(&[
        ("DOMESDAY_MAX_CONNECTIONS", "40"),
        ("DOMESDAY_MAX_CONNECTIONS_PER_ADDRESS", "30"),
        ("DOMESDAY_WRITE_TIMEOUT_SECONDS", "5"),
        ("DOMESDAY_IDLE_TIMEOUT_SECONDS", "5"),
    ]);
    let pipeline = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200);
    // More than the limits and the reserve together.
    let sockets: Vec<_> = (0..400)
        .map(|_| {
            let mut stream = TcpStream::connect(address(&world)).unwrap();
            // Those of the reserve may be closed by now.
            let _ = stream.write_all(pipeline.as_bytes());
            stream
        })
        .collect();
    assert_only_probes_are_answered(&world);
    wait_for_a_place(&world);
    drop(sockets);
}

#[test]
fn a_client_that_never_ends_its_request_loses_its_connections() {
    let world =
        World::with(&[("DOMESDAY_MAX_CONNECTIONS_PER_ADDRESS", "4"), ("DOMESDAY_IDLE_TIMEOUT_SECONDS", "4")]);
    let sockets: Vec<_> = ["", "G", "GET /deployment/tenant HTTP/1.1\r\nHost: ", "GET / HTTP/1.1\r\nA: "]
        .into_iter()
        .map(|begun| {
            let mut stream = TcpStream::connect(address(&world)).unwrap();
            stream.write_all(begun.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_only_probes_are_answered(&world);
    wait_for_a_place(&world);
    for mut socket in sockets {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let ended = socket.read_to_end(&mut Vec::new());
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    }
}

#[test]
fn a_body_that_never_ends_is_given_up_with_its_request() {
    let world = World::with(&[("DOMESDAY_REQUEST_TIMEOUT_SECONDS", "1")]);
    let mut stream = TcpStream::connect(address(&world)).unwrap();
    let head = format!(
        "PUT /api/v1/groups/A HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 100\r\n\r\n{{",
        world.admin
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 503"), "{line}");
}

#[test]
fn a_trusted_proxy_has_any_number_of_connections() {
    let world = World::with(&[
        ("DOMESDAY_MAX_CONNECTIONS_PER_ADDRESS", "1"),
        ("DOMESDAY_TRUSTED_PROXIES", "127.0.0.0/8"),
    ]);
    let _held: Vec<_> = (0..20).map(|_| TcpStream::connect(address(&world)).unwrap()).collect();
    assert_eq!(status(address(&world), "/deployment/tenant", &world.admin), 200);
}

#[test]
fn an_idle_connection_makes_room_for_a_new_one() {
    let world = World::with(&[("DOMESDAY_MAX_CONNECTIONS", "3"), ("DOMESDAY_IDLE_TIMEOUT_SECONDS", "600")]);
    let _held: Vec<_> = (0..3).map(|_| TcpStream::connect(address(&world)).unwrap()).collect();
    assert_only_probes_are_answered(&world);
    wait_for_a_place(&world);
}

#[test]
fn the_listener_of_health_and_metrics_has_limits_of_its_own() {
    let world = World::with(&[
        ("DOMESDAY_OPERATIONS_LISTEN", "127.0.0.1:0"),
        ("DOMESDAY_MAX_CONNECTIONS_PER_ADDRESS", "2"),
        ("DOMESDAY_IDLE_TIMEOUT_SECONDS", "600"),
    ]);
    let address = world.operations_address();
    let _held: Vec<_> = (0..200).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(status(address, "/health/live", ""), 200);
    assert_eq!(status(self::address(&world), "/deployment/tenant", &world.admin), 200);
}
