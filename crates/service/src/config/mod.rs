//! Configuration: a TOML file, over it the environment, checked as a whole before anything starts.
//!
//! Every setting has a default but the secret key on a shared database; `domesday config check` prints the
//! effective settings and every mistake at once. Secrets come from files or the environment, never from the TOML file.

mod file;
mod network;
mod oidc;
mod read;
mod reader;
mod services;
mod toml;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use domesday_store::StoreLocation;
use secrecy::SecretString;

use crate::connections::AllowedHost;

pub use network::limit_key;
pub use network::{Network, NotANetwork};

/// The configuration of the service.
#[derive(Debug)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where health and metrics listen, when apart from the API.
    pub operations_listen: Option<SocketAddr>,
    /// The address people reach the service under, without a slash at the end, for links in the tables.
    pub public_url: String,
    /// Certificate chain and key, when the service itself speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// The longest a request may take.
    pub request_timeout: Duration,
    /// The largest body of a request, in bytes; a whole catalog may be ten times as large.
    pub max_body_bytes: usize,
    /// How many requests without a valid API key an address may send in a minute before it has to wait.
    pub failed_authentications: u32,
    /// Limits of connections.
    pub limits: Limits,
    /// How long a shutdown waits for requests and a run to finish.
    pub shutdown_grace: Duration,
    /// Where the metadata is kept.
    pub database: StoreLocation,
    /// Seals secrets at rest.
    pub secret_key: SecretKey,
    /// The tenant that the first start creates.
    pub tenant: FirstTenant,
    /// What `endpoint` of an export may be, as scheme, host and port.
    pub allowed_endpoints: Vec<String>,
    /// How often a request to a destination is tried within one attempt of a run.
    pub delivery_attempts: u32,
    /// The longest that one attempt of a run may take.
    pub run_timeout: Duration,
    /// The receiver of messages about runs.
    pub webhook: Option<Webhook>,
    /// The provider of single sign-on to the console.
    pub oidc: Option<Oidc>,
    /// Which hosts connections may reach; none without an entry.
    pub connection_hosts: Vec<AllowedHost>,
    /// A file of PEM certificates that connections trust beside the public authorities.
    pub connection_authorities: Option<PathBuf>,
    /// Where traces are sent; without it there are none.
    pub collector: Option<Collector>,
    /// The least severe log entries written.
    pub log: LogLevel,
}

/// The public address when none is configured.
const DEFAULT_PUBLIC_URL: &str = "http://localhost:8080";

impl Config {
    /// Returns the address at which a browser reaches the service: the public one if it is configured, else the one
    /// that the service listens on.
    #[must_use]
    pub fn browser_url(&self, listening: SocketAddr) -> String {
        if self.public_url != DEFAULT_PUBLIC_URL {
            return self.public_url.clone();
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        if listening.ip().is_unspecified() {
            return format!("{scheme}://localhost:{}", listening.port());
        }
        format!("{scheme}://{listening}")
    }

    /// Returns the address at which a client reaches the service: the public one if it is configured, else the one with
    /// the host that the client used.
    #[must_use]
    pub fn address_for(&self, host: Option<&str>) -> String {
        match host {
            Some(host) if self.public_url == DEFAULT_PUBLIC_URL => {
                let scheme = if self.tls.is_some() { "https" } else { "http" };
                format!("{scheme}://{host}")
            }
            _ => self.public_url.clone(),
        }
    }

    /// Whether browsers reach the service over TLS, its own or that of a proxy.
    #[must_use]
    pub fn is_behind_tls(&self) -> bool {
        self.tls.is_some() || self.public_url.starts_with("https://")
    }
}

/// Limits of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many connections are open at most. A few more are answered for probes.
    pub connections: usize,
    /// How many connections a client may have open: an IPv4 address, or a /64 network of IPv6. Trusted proxies may have
    /// any number.
    pub connections_per_address: usize,
    /// How long a client may take to shake hands and to send the head of a request, the wait for it included.
    pub idle_timeout: Duration,
    /// How long a client may read nothing of what is sent to it.
    pub write_timeout: Duration,
}

/// The key that seals secrets.
#[derive(Debug, Clone)]
pub enum SecretKey {
    /// Given in the environment.
    Given(SecretString),
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// Whether it is created when it is missing: the default beside an embedded database.
        make: bool,
    },
}

/// The files of a TLS identity, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that vouch for it.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The tenant that the first start creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstTenant {
    /// Display name.
    pub name: String,
    /// IANA time zone.
    pub time_zone: String,
}

/// The receiver of messages about runs.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Where messages are posted.
    pub url: String,
    /// The secret that signs them.
    pub secret: SecretString,
}

/// A provider of single sign-on by OpenID Connect, where the service is registered as a client.
#[derive(Debug, Clone)]
pub struct Oidc {
    /// Its address, as it names itself.
    pub issuer: String,
    /// The id of the client.
    pub client_id: String,
    /// The secret of the client.
    pub client_secret: SecretString,
    /// The claim that names the user; `preferred_username`, then `email` when absent.
    pub username_claim: Option<String>,
}

/// An OpenTelemetry collector. Headers, sampler, resource and batches are read from their variables by
/// OpenTelemetry's SDK, so that they have their standard meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    /// Where traces are posted.
    pub endpoint: String,
    /// A file of PEM certificates to trust in place of the public authorities.
    pub authorities: Option<PathBuf>,
    /// How long the collector may take for what it is sent at a time.
    pub timeout: Duration,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the usual levels")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// Every mistake of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is wrong:\n{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);
