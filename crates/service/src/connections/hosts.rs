//! Which hosts connections may reach. Who configures a connection must not thereby reach the internal network, so the
//! operator lists the hosts, and addresses are compared after resolving: a name that leads elsewhere is no way around.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::sync::Arc;

use crate::config::Network;

/// A host or network on the operator's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedHost {
    /// Every address in a network, or one address.
    Network(Network),
    /// The addresses that a name stands for.
    Name(Box<str>),
}

/// What an entry of the list must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a host name, an IP address or a network such as 10.0.0.0/8")]
pub struct NotAHost;

impl FromStr for AllowedHost {
    type Err = NotAHost;

    fn from_str(text: &str) -> Result<Self, NotAHost> {
        if let Ok(network) = text.parse() {
            return Ok(Self::Network(network));
        }
        let is_label = |label: &str| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let is_name = text.len() <= 253 && text.split('.').all(is_label);
        // All digits would be an address that was written wrong.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if is_name && !is_number { Ok(Self::Name(text.to_ascii_lowercase().into())) } else { Err(NotAHost) }
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The operator's list. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct AllowedHosts(Arc<[AllowedHost]>);

impl AllowedHosts {
    /// Creates the list.
    #[must_use]
    pub fn new(hosts: Vec<AllowedHost>) -> Self {
        Self(hosts.into())
    }

    /// Judges the addresses that a host was resolved to: each must be on the list.
    ///
    /// # Errors
    /// What the operator can do about it. The addresses are not part of it: they would tell about the internal network.
    pub fn judge(&self, host: &str, addresses: &[SocketAddr]) -> Result<(), String> {
        self.judge_resolving(host, addresses, &|name| {
            let found = (name, 0).to_socket_addrs().map_or_else(|_| Vec::new(), Iterator::collect);
            found.into_iter().map(|address: SocketAddr| address.ip()).collect()
        })
    }

    fn judge_resolving(
        &self,
        host: &str,
        addresses: &[SocketAddr],
        resolve: &dyn Fn(&str) -> Vec<std::net::IpAddr>,
    ) -> Result<(), String> {
        let is_allowed = |address: &SocketAddr| {
            self.0.iter().any(|allowed| match allowed {
                AllowedHost::Network(network) => network.contains(address.ip()),
                // A name that is itself asked for was resolved already, and may be resolved to another of its addresses.
                AllowedHost::Name(name) => {
                    name.eq_ignore_ascii_case(host) || resolve(name).contains(&address.ip())
                }
            })
        };
        if !addresses.is_empty() && addresses.iter().all(is_allowed) {
            return Ok(());
        }
        Err(format!(
            "connections may not reach the host `{host}`; the operator allows hosts with the setting \
             connections.allowed_hosts (DOMESDAY_CONNECTIONS_ALLOWED_HOSTS)"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_host_must_be_allowed() {
        let hosts = ["10.1.0.0/16", "dc1.acme.example"].map(|text| text.parse().unwrap());
        let hosts = AllowedHosts::new(hosts.into());
        let resolve = |name: &str| match name {
            "dc1.acme.example" => vec!["192.0.2.7".parse().unwrap()],
            _ => Vec::new(),
        };
        let judge = |host: &str, addresses: &[&str]| {
            let addresses: Vec<SocketAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            hosts.judge_resolving(host, &addresses, &resolve).is_ok()
        };
        assert!(judge("ldap.acme.example", &["10.1.2.3:636"]));
        assert!(judge("DC1.acme.example", &["192.0.2.9:636"]));
        assert!(judge("192.0.2.7", &["192.0.2.7:636"]));
        assert!(!judge("evil.example", &["10.1.2.3:636", "127.0.0.1:636"]));
        assert!(!judge("localhost", &["127.0.0.1:636"]));
        assert!(!judge("nowhere.example", &[]));
    }

    #[test]
    fn entries_are_names_addresses_and_networks() {
        for text in ["10.0.0.0/8", "::1", "192.0.2.1", "db", "db-1.acme.example"] {
            assert_eq!(text.parse::<AllowedHost>().unwrap().to_string(), text);
        }
        for wrong in ["", "*.acme.example", "https://db", "10.0.0", "a b", "db:5432"] {
            assert!(wrong.parse::<AllowedHost>().is_err(), "{wrong}");
        }
    }
}
