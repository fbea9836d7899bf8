//! The host of a source: named by a URL, resolved once, and judged before any of its addresses is connected to.

use std::net::{SocketAddr, ToSocketAddrs};

use domesday_model::Excerpt;

/// Judges the addresses that a host was resolved to, before any is connected to; an error says why not.
pub type JudgeAddresses<'a> = &'a dyn Fn(&str, &[SocketAddr]) -> Result<(), String>;

/// Why a source cannot be connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Connecting to the host is not allowed.
    #[error("connecting to `{host}` is not allowed: {reason}")]
    NotAllowed {
        /// The host of the URL.
        host: String,
        /// Why.
        reason: String,
    },
    /// The server cannot be reached.
    #[error(
        "cannot connect to `{host}`: {reason}\nhelp: check the host and port of `url`, and that a firewall lets it through"
    )]
    Unreachable {
        /// Host and port.
        host: String,
        /// The error of the system.
        reason: String,
    },
    /// TLS cannot be established.
    #[error("no TLS connection to `{host}`: {reason}")]
    Tls {
        /// Host and port.
        host: String,
        /// Why, and what to do.
        reason: String,
    },
}

/// A host with its port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostAndPort {
    /// A name or an IP address, the latter without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl HostAndPort {
    /// Parses a host as URLs name it: `host[:port]`.
    ///
    /// # Errors
    /// When it is something else; with what was expected.
    pub(crate) fn parse(text: &str, usual_port: u16) -> Result<Self, String> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, "")) => (host, None),
                Some((host, port)) if port.starts_with(':') => (host, Some(&port[1..])),
                _ => {
                    return Err(format!(
                        "expected an IPv6 address in brackets, such as [2001:db8::1]:{usual_port}"
                    ));
                }
            },
            None => match text.split_once(':') {
                Some((_, port)) if port.contains(':') => {
                    return Err(format!(
                        "write an IPv6 address in brackets, such as [2001:db8::1]:{usual_port}"
                    ));
                }
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || host.len() > 253 || !host.chars().all(is_host) {
            return Err(format!("expected the name or the address of a host, found `{}`", Excerpt(host)));
        }
        let port = match port.map(str::parse::<u16>) {
            None => usual_port,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return Err("expected a port from 1 to 65535".to_owned()),
        };
        Ok(Self { host: host.to_owned(), port })
    }

    /// Returns host and port as messages show them.
    pub(crate) fn shown(&self) -> String {
        let Self { host, port } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    /// Returns the addresses of the host that may be connected to.
    ///
    /// # Errors
    /// When the name cannot be resolved, or its addresses are not allowed.
    pub(crate) fn resolve(&self, judge: JudgeAddresses<'_>) -> Result<Vec<SocketAddr>, ConnectError> {
        let unreachable = |reason| ConnectError::Unreachable { host: self.shown(), reason };
        let resolved: Vec<SocketAddr> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|error| unreachable(format!("the name cannot be resolved ({error})")))?
            .collect();
        if resolved.is_empty() {
            return Err(unreachable("the name has no address".to_owned()));
        }
        judge(&self.host, &resolved)
            .map_err(|reason| ConnectError::NotAllowed { host: self.host.clone(), reason })?;
        Ok(resolved)
    }
}
