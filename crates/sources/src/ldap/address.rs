//! The URL of a directory: `ldaps://host[:port]` or `ldap://host[:port]`.

use domesday_model::Excerpt;

use super::error::LdapError;

/// The address of a directory server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or an IP address, the latter without brackets.
    pub(super) host: String,
    pub(super) port: u16,
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
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, "")) => (host, None),
                Some((host, port)) if port.starts_with(':') => (host, Some(&port[1..])),
                _ => {
                    return wrong(
                        "expected an IPv6 address in brackets, such as [2001:db8::1]:636".to_owned(),
                    );
                }
            },
            None => match authority.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return wrong("write an IPv6 address in brackets, such as [2001:db8::1]:636".to_owned());
                }
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || host.len() > 253 || !host.chars().all(is_host) {
            return wrong(format!("expected the name or the address of a host, found `{}`", Excerpt(host)));
        }
        let port = match port.map(str::parse::<u16>) {
            None => {
                if starts_tls {
                    389
                } else {
                    636
                }
            }
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return wrong("expected a port from 1 to 65535".to_owned()),
        };
        Ok(Self { host: host.to_owned(), port, starts_tls })
    }

    /// Returns host and port as messages show them.
    pub(super) fn shown(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
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
            assert_eq!((address.shown().as_str(), address.starts_tls), (shown, starts_tls), "{url}");
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
