//! The URL of a directory: `ldaps://host[:port]` or `ldap://host[:port]`.

use domesday_model::Excerpt;

use super::error::LdapError;
use crate::network::HostAndPort;

/// The address of a directory server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) server: HostAndPort,
    /// Whether TLS begins after the StartTLS operation; otherwise it begins at once.
    pub(super) starts_tls: bool,
}

impl Address {
    /// Parses a URL.
    ///
    /// # Errors
    /// When it has another scheme or any further part.
    pub(super) fn parse(url: &str) -> Result<Self, LdapError> {
        let wrong = |message: String| Err(LdapError::configuration("url", message));
        let Some((scheme, rest)) = url.split_once("://") else {
            return wrong(format!("expected ldaps://HOST or ldap://HOST, found `{}`", Excerpt(url)));
        };
        let starts_tls = match scheme.to_ascii_lowercase().as_str() {
            "ldaps" => false,
            "ldap" => true,
            _ => {
                let message =
                    format!("expected ldaps:// or ldap:// (with StartTLS), found `{}://`", Excerpt(scheme));
                return wrong(message);
            }
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return wrong("it contains a user; set `bindDn` and the password instead".to_owned());
        }
        if authority.contains(['/', '?', '#']) {
            return wrong("it has a path or a query; set `users.base` and `users.filter` instead".to_owned());
        }
        let server = HostAndPort::parse(authority, if starts_tls { 389 } else { 636 })
            .map_err(|message| LdapError::configuration("url", message))?;
        Ok(Self { server, starts_tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_hosts_and_ports_are_read() {
        let table = [
            ("ldaps://dc1.acme.example", "dc1.acme.example:636", false),
            ("LDAP://dc1", "dc1:389", true),
            ("ldaps://10.0.0.1:3269/", "10.0.0.1:3269", false),
            ("ldap://[2001:db8::1]:3890", "[2001:db8::1]:3890", true),
            ("ldaps://[::1]", "[::1]:636", false),
        ];
        for (url, shown, starts_tls) in table {
            let address = Address::parse(url).unwrap();
            assert_eq!((address.server.shown().as_str(), address.starts_tls), (shown, starts_tls), "{url}");
        }
    }

    #[test]
    fn other_urls_are_refused_with_what_to_do() {
        let table = [
            ("dc1.acme.example", "expected ldaps://HOST"),
            ("https://dc1", "found `https://`"),
            ("ldaps://reader:secret@dc1", "set `bindDn`"),
            ("ldaps://dc1/dc=acme,dc=example", "set `users.base`"),
            ("ldaps://dc1?x", "set `users.base`"),
            ("ldaps://", "the name or the address of a host"),
            ("ldaps://d c", "the name or the address of a host"),
            ("ldaps://2001:db8::1", "in brackets"),
            ("ldaps://[::1", "in brackets"),
            ("ldaps://dc1:0", "a port"),
            ("ldaps://dc1:99999", "a port"),
            ("ldaps://dc1:", "a port"),
        ];
        for (url, expected) in table {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
