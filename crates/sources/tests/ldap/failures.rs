//! Servers that refuse, end, stop or hang: each an error, never a shorter reading.

use std::net::TcpListener;
use std::time::Duration;

use domesday_model::LdapConnection;
use domesday_sources::ldap::{LdapError, check, read};
use domesday_sources::network::ConnectError;

use crate::proxy::{Proxy, Then};
use crate::slapd::Slapd;
use crate::{ACME, access, connection, mapped, search};

fn everybody(port: u16) -> LdapConnection {
    let groups = Some(search(&format!("ou=Groups,{ACME}")));
    connection(format!("ldaps://localhost:{port}"), search(&format!("ou=People,{ACME}")), groups)
}

#[test]
fn a_connection_cut_anywhere_is_an_error() {
    let server = Slapd::shared();
    let access = access(server.authority());
    let proxy = Proxy::start(server.tls_port(), usize::MAX, Then::Close);
    let complete = read(&everybody(proxy.port), "corp", &access).unwrap();
    let total = proxy.passed();
    assert!(total > 2_000_000, "{total}");
    let mut errors = 0;
    for part in 0..20 {
        let limit = total * part / 20 + part;
        let proxy = Proxy::start(server.tls_port(), limit, Then::Close);
        match read(&everybody(proxy.port), "corp", &access) {
            Ok(reading) => assert_eq!(reading, complete, "cut after {limit} bytes"),
            Err(error) => {
                assert!(matches!(error, LdapError::Interrupted { .. }) && error.is_retryable(), "{error}");
                errors += 1;
            }
        }
    }
    assert!(errors >= 19, "{errors}");
}

#[test]
fn a_server_that_is_killed_in_the_middle_of_a_page_is_an_error() {
    let server: &'static Slapd = Box::leak(Box::new(Slapd::start(3000)));
    let proxy = Proxy::start(server.tls_port(), usize::MAX, Then::Close);
    let access = access(server.authority());
    assert_eq!(read(&everybody(proxy.port), "corp", &access).unwrap().users.len(), 3000);
    let middle = proxy.passed() / 2;
    let proxy = Proxy::start(server.tls_port(), middle, Then::Call(Box::new(|| server.kill())));
    let error = read(&everybody(proxy.port), "corp", &access).unwrap_err();
    assert!(matches!(error, LdapError::Interrupted { .. }), "{error}");
    assert!(error.is_retryable() && error.to_string().ends_with("nothing was read"), "{error}");
    let error = read(&everybody(server.tls_port()), "corp", &access).unwrap_err();
    assert!(matches!(error, LdapError::Connect(ConnectError::Unreachable { .. })), "{error}");
}

#[test]
fn a_server_that_stops_answering_is_an_error_after_the_time_limit() {
    let server = Slapd::shared();
    let mut access = access(server.authority());
    access.time_limit = Duration::from_millis(400);
    for limit in [10, 5000, 300_000] {
        let proxy = Proxy::start(server.tls_port(), limit, Then::Hang);
        let error = read(&everybody(proxy.port), "corp", &access).unwrap_err();
        assert!(matches!(error, LdapError::TimedOut { .. }), "{error}");
        assert!(error.to_string().contains("did not answer within 0.4 s"), "{error}");
    }
}

#[test]
fn a_server_that_accepts_and_never_answers_is_an_error_after_the_time_limit() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut access = access(Vec::new());
    access.time_limit = Duration::from_millis(200);
    for scheme in ["ldap", "ldaps"] {
        let connection = connection(format!("{scheme}://localhost:{port}"), search(ACME), None);
        let error = read(&connection, "corp", &access).unwrap_err();
        assert!(matches!(error, LdapError::TimedOut { .. }), "{error}");
    }
}

#[test]
fn a_read_that_takes_too_long_as_a_whole_is_an_error() {
    let server = Slapd::shared();
    let mut access = access(server.authority());
    access.bounds.total_time = Duration::from_millis(300);
    let proxy = Proxy::start(server.tls_port(), 300_000, Then::Hang);
    let error = read(&everybody(proxy.port), "corp", &access).unwrap_err();
    assert!(error.to_string().contains("reading took longer than 0.3 s"), "{error}");
}

#[test]
fn a_size_limit_of_the_server_is_an_error_that_says_what_to_do() {
    let server = Slapd::shared();
    let mut limited = everybody(server.tls_port());
    limited.bind_dn = Some(format!("cn=limited,{ACME}"));
    let error = read(&limited, "corp", &access(server.authority())).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(error, LdapError::TooMuch { .. }) && text.contains("its size limit is exceeded"),
        "{text}"
    );
    assert!(text.contains("\nhelp: raise the limits of the account"), "{text}");
}

#[test]
fn bases_that_do_not_exist_are_named() {
    let server = Slapd::shared();
    let access = access(server.authority());
    let missing = connection(server.ldaps(), search(&format!("ou=Persons,{ACME}")), None);
    let error = read(&missing, "corp", &access).unwrap_err();
    assert!(matches!(error, LdapError::UnknownBase { .. }), "{error}");
    assert!(error.to_string().ends_with("help: the directory has `dc=acme,dc=example`"), "{error}");
    let elsewhere = connection(server.ldaps(), search("dc=elsewhere"), None);
    let error = read(&elsewhere, "corp", &access).unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    let hidden = connection(server.ldaps(), search(&format!("ou=Hidden,{ACME}")), None);
    let error = read(&hidden, "corp", &access).unwrap_err();
    assert!(error.to_string().contains("which the account may not see"), "{error}");
}

#[test]
fn attributes_that_the_schema_does_not_have_are_named_with_the_nearest() {
    let server = Slapd::shared();
    let people = mapped(&format!("ou=People,{ACME}"), &[("employeeNumber", "employeNumber")]);
    let error =
        read(&connection(server.ldaps(), people, None), "corp", &access(server.authority())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`users.attributes.employeeNumber` names the attribute `employeNumber`, which the schema of the directory does not \
         have\nhelp: did you mean `employeeNumber`?"
    );
}

#[test]
fn a_filter_that_does_not_parse_is_refused_without_connecting() {
    let mut connection = everybody(1);
    connection.users.filter = Some("(&(objectClass=person)".to_owned());
    let error = check(&connection).unwrap_err();
    assert_eq!(error, read(&connection, "corp", &access(Vec::new())).unwrap_err());
    assert!(error.to_string().starts_with("`users.filter` is invalid: at character 23"), "{error}");
}

#[test]
fn a_host_that_does_not_exist_is_an_error() {
    let nowhere = connection("ldaps://nowhere.invalid".to_owned(), search(ACME), None);
    let error = read(&nowhere, "corp", &access(Vec::new())).unwrap_err();
    assert!(
        matches!(error, LdapError::Connect(ConnectError::Unreachable { .. })) && error.is_retryable(),
        "{error}"
    );
}
