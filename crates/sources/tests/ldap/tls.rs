//! Who is trusted, and who may sign in.

use std::net::{SocketAddr, TcpListener};

use domesday_sources::ldap::{LdapError, read, verify};
use domesday_sources::network::ConnectError;

use crate::slapd::Slapd;
use crate::{ACME, access, connection, search};

fn people() -> domesday_model::LdapSearch {
    search(&format!("ou=People,{ACME}"))
}

#[test]
fn a_certificate_that_is_not_trusted_is_refused_before_the_password_is_sent() {
    let server = Slapd::shared();
    for url in [server.ldaps(), server.ldap()] {
        let error = read(&connection(url, people(), None), "corp", &access(Vec::new())).unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, LdapError::Connect(ConnectError::Tls { .. }))
                && text.contains("no trusted authority signed"),
            "{text}"
        );
        assert!(text.contains("\nhelp: add the certificate of the authority"), "{text}");
    }
    // The certificate is one of `localhost`.
    let url = format!("ldaps://127.0.0.1:{}", server.tls_port());
    let error = read(&connection(url, people(), None), "corp", &access(server.authority())).unwrap_err();
    assert!(error.to_string().contains("help: use a name in `url`"), "{error}");
    let error =
        read(&connection(server.ldaps(), people(), None), "corp", &access(b"no PEM".to_vec())).unwrap_err();
    assert!(error.to_string().contains("contain no certificate in PEM"), "{error}");
}

#[test]
fn tls_on_the_port_without_it_is_explained() {
    let server = Slapd::shared();
    let url = format!("ldaps://localhost:{}", server.plain_port());
    let error = read(&connection(url, people(), None), "corp", &access(server.authority())).unwrap_err();
    assert!(error.to_string().contains("`ldap://`"), "{error}");
}

#[test]
fn wrong_passwords_and_unknown_names_are_refused() {
    let server = Slapd::shared();
    let mut access = access(server.authority());
    access.password = Some("wrong".into());
    for name in ["cn=reader,dc=acme,dc=example", "cn=nobody,dc=acme,dc=example", "not a name"] {
        let mut connection = connection(server.ldaps(), people(), None);
        connection.bind_dn = Some(name.to_owned());
        let error = verify(&connection, &access).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, LdapError::Credentials { .. }) && text.contains(name), "{text}");
        assert!(!error.is_retryable() && !text.contains("wrong`"), "{text}");
    }
}

#[test]
fn a_directory_that_wants_a_name_says_so_to_nobody() {
    let server = Slapd::shared();
    let mut anonymous = connection(server.ldaps(), people(), None);
    anonymous.bind_dn = None;
    let mut access = access(server.authority());
    let error = read(&anonymous, "corp", &access).unwrap_err();
    assert!(error.to_string().contains("there is a password, but no name"), "{error}");
    access.password = None;
    let error = read(&anonymous, "corp", &access).unwrap_err();
    assert!(matches!(error, LdapError::AnonymousRefused { .. }), "{error}");
    // Another database of the same server lets anybody read.
    anonymous.users = search("dc=moving");
    assert_eq!(read(&anonymous, "corp", &access).unwrap().users.len(), 3);
    // A name with an empty password would be taken for nobody.
    access.password = Some("".into());
    let error = read(&connection(server.ldaps(), people(), None), "corp", &access).unwrap_err();
    assert!(error.to_string().contains("there is no password"), "{error}");
}

#[test]
fn addresses_are_judged_before_any_is_connected_to() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let judge = |host: &str, addresses: &[SocketAddr]| {
        assert!(host == "localhost" && addresses.iter().all(|address| address.port() == port));
        Err("loopback addresses are not on the list".to_owned())
    };
    let mut access = access(Vec::new());
    access.judge_addresses = &judge;
    let url = format!("ldaps://localhost:{port}");
    let error = read(&connection(url, people(), None), "corp", &access).unwrap_err();
    let expected = "connecting to `localhost` is not allowed: loopback addresses are not on the list";
    assert_eq!(error.to_string(), expected);
    assert!(listener.accept().is_err(), "nothing was connected to");
}
