//! Servers that refuse, end, stop or hang, and roles that may not: each an error, never a shorter reading.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use domesday_sources::network::ConnectError;
use domesday_sources::postgres::{PostgresError, read};
use serde_json::json;

use crate::proxy::{Proxy, Then};
use crate::world::{World, access};

#[test]
fn who_is_not_let_in_learns_why() {
    let world = World::new("closed", "CREATE TABLE t (a int)");
    let connection = world.connection(json!({}));
    let refused = |change: &dyn Fn(&mut domesday_sources::postgres::PostgresAccess<'_>), url: &str| {
        let mut access = access(world.server);
        change(&mut access);
        let mut connection = connection.clone();
        connection.url = connection.url.replace("/closed?", url);
        match read(&connection, "warehouse", &access).unwrap_err() {
            PostgresError::Refused { user, reason } => format!("{user}: {reason}"),
            error => panic!("{error:?}"),
        }
    };
    let wrong = refused(&|access| access.password = Some("marked".into()), "/closed?");
    assert!(
        wrong.contains("help: check the user in `url` and the password") && !wrong.contains("marked"),
        "{wrong}"
    );
    let without = refused(&|access| access.password = None, "/closed?");
    assert!(without.contains("help: set `password`"), "{without}");
    let unknown = refused(&|_| (), "/nowhere?");
    assert!(unknown.contains("help: check the database in `url`"), "{unknown}");
    world.run("REVOKE CONNECT ON DATABASE closed FROM PUBLIC");
    let closed = refused(&|_| (), "/closed?");
    assert!(closed.contains("help: grant CONNECT"), "{closed}");
    world.run("GRANT CONNECT ON DATABASE closed TO closed; ALTER ROLE closed NOLOGIN");
    let nologin = refused(&|_| (), "/closed?");
    assert!(nologin.contains("not permitted to log in"), "{nologin}");
}

#[test]
fn a_role_that_may_only_connect_reads_the_same_as_a_superuser() {
    let world = World::new(
        "rights",
        "CREATE TABLE t (a int); GRANT SELECT ON t TO PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC",
    );
    let little = world.read(json!({}));
    world.run("ALTER ROLE rights SUPERUSER");
    let (mut all, mut few) = (world.read(json!({})), little);
    assert_eq!(all.data_sources, few.data_sources);
    // The reader itself is another now.
    for reading in [&mut all, &mut few] {
        let privileges = &mut reading.privileges.as_mut().unwrap().privileges;
        privileges.roles.iter_mut().for_each(|role| role.is_superuser = false);
    }
    assert_eq!(
        serde_json::to_value(all.privileges.unwrap().privileges.facts()).unwrap(),
        serde_json::to_value(few.privileges.unwrap().privileges.facts()).unwrap()
    );
}

#[test]
fn a_catalog_table_that_may_not_be_read_is_an_error() {
    let world = World::new(
        "denied",
        "CREATE TABLE t (a int); REVOKE SELECT ON pg_catalog.pg_description FROM PUBLIC",
    );
    let error = world.read_error(&world.connection(json!({})));
    assert!(matches!(error, PostgresError::Denied { .. }), "{error}");
    assert!(error.to_string().contains("pg_description"), "{error}");
}

#[test]
fn tls_is_as_the_mode_says() {
    let world = World::new("tls", "CREATE TABLE t (a int)");
    let port = world.server.port();
    let read = |mode: &str, host: &str, is_trusted: bool| {
        let mut connection = world.connection_on(port, mode, json!({}));
        connection.url = connection.url.replace("localhost", host);
        let mut access = access(world.server);
        if !is_trusted {
            access.authorities.clear();
        }
        read(&connection, "warehouse", &access)
    };
    for (mode, host, is_trusted) in [
        ("verify-full", "localhost", true),
        ("verify-ca", "127.0.0.1", true),
        ("require", "127.0.0.1", false),
        ("prefer", "127.0.0.1", false),
    ] {
        assert_eq!(read(mode, host, is_trusted).unwrap().data_sources.len(), 1, "{mode}");
    }
    for (mode, host, is_trusted, expected) in [
        ("verify-full", "localhost", false, "help: add the certificate of the authority"),
        ("verify-full", "127.0.0.1", true, "help: use a name in `url`"),
        ("verify-ca", "localhost", false, "help: add the certificate of the authority"),
    ] {
        let error = read(mode, host, is_trusted).unwrap_err();
        assert!(matches!(error, PostgresError::Connect(ConnectError::Tls { .. })), "{error:?}");
        assert!(error.to_string().contains(expected), "{mode}: {error}");
    }
    // The server lets nobody in over the network without TLS.
    let error = read("disable", "localhost", true).unwrap_err();
    assert!(
        matches!(error, PostgresError::Refused { .. }) && error.to_string().contains("sslmode"),
        "{error}"
    );
}

#[test]
fn a_host_that_is_not_allowed_is_not_connected_to() {
    let world = World::new("judged", "");
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let nowhere = |host: &str, addresses: &[SocketAddr]| {
        assert!(host == "localhost" && addresses.iter().all(|it| it.port() == port));
        Err("not on the list".to_owned())
    };
    let mut access = access(world.server);
    access.judge_addresses = &nowhere;
    let error = read(&world.connection_on(port, "disable", json!({})), "warehouse", &access).unwrap_err();
    assert_eq!(error.to_string(), "connecting to `localhost` is not allowed: not on the list");
    assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
}

#[test]
fn a_server_that_accepts_and_never_answers_is_an_error_after_the_time_limit() {
    let world = World::new("silent", "");
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut access = access(world.server);
    access.connect_limit = Duration::from_millis(200);
    for mode in ["disable", "prefer", "verify-full"] {
        let error = read(&world.connection_on(port, mode, json!({})), "warehouse", &access).unwrap_err();
        assert!(matches!(error, PostgresError::TimedOut { .. }), "{error}");
    }
    drop(listener);
    let error = read(&world.connection_on(port, "disable", json!({})), "warehouse", &access).unwrap_err();
    assert!(matches!(error, PostgresError::Connect(ConnectError::Unreachable { .. })), "{error}");
}

#[test]
fn a_server_that_stops_in_the_middle_is_an_error_after_the_time_limit() {
    let world = World::new("stops", "CREATE TABLE t (a int)");
    let attempt = |limit: usize, total_time: Duration| {
        let proxy = Proxy::start(world.server.port(), limit, Then::Hang);
        let mut access = access(world.server);
        access.bounds.total_time = total_time;
        let connection = world.connection_on(proxy.port, "verify-full", json!({}));
        (read(&connection, "warehouse", &access), proxy.passed())
    };
    let (complete, total) = attempt(usize::MAX, Duration::from_secs(600));
    complete.unwrap();
    // Past the handshake and the sign-in, somewhere in the answers.
    let error = attempt(total - 1000, Duration::from_millis(700)).0.unwrap_err();
    assert!(matches!(error, PostgresError::TimedOut { .. }), "{error}");
}

#[test]
fn a_connection_cut_anywhere_is_an_error() {
    let world = World::new("cut", "CREATE TABLE t (a int); CREATE TABLE u (b text)");
    let access = access(world.server);
    let attempt = |limit: usize, then: Then| {
        let proxy = Proxy::start(world.server.port(), limit, then);
        let mut connection = world.connection_on(proxy.port, "verify-full", json!({}));
        connection.schemas = vec!["public".to_owned()];
        (read(&connection, "warehouse", &access), proxy.passed())
    };
    let (complete, total) = attempt(usize::MAX, Then::Close);
    let complete = complete.unwrap();
    assert!(total > 5_000, "{total}");
    let mut errors = 0;
    for part in 0..12 {
        let limit = total * part / 12 + part;
        match attempt(limit, Then::Close).0 {
            // Whatever came after was not needed; the port differs, which is part of the host.
            Ok(reading) => assert_eq!(reading.data_sources.len(), complete.data_sources.len()),
            Err(error) => {
                let is_expected = matches!(
                    error,
                    PostgresError::Interrupted { .. } | PostgresError::Connect(ConnectError::Tls { .. })
                );
                assert!(is_expected, "cut after {limit} bytes: {error:?}");
                errors += 1;
            }
        }
    }
    assert!(errors >= 11, "{errors}");
}
