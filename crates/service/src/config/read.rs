//! From file and environment to a configuration, every mistake collected.

use std::path::Path;
use std::time::Duration;

use crate::connections::AllowedHost;
use domesday_model::limits;

use super::file::{ConfigFile, Server};
use super::reader::Reader;
use super::toml::ReadFile;
use super::{Config, ConfigError, FirstTenant, Limits, LogLevel, Network};

/// The largest body of a request by default: 8 MiB.
const MAX_BODY_BYTES: usize = 8 << 20;

/// How many failed authentications an address has in a minute by default.
const FAILED_AUTHENTICATIONS: u32 = 20;

/// How many connections are open at most by default.
const MAX_CONNECTIONS: usize = 4096;

/// How many connections a client may have open by default.
const MAX_CONNECTIONS_PER_ADDRESS: usize = 512;

/// How long a client may take to send a request's head, or to read, by default.
const CLIENT_TIMEOUT_SECONDS: u64 = 15;

/// How often a request to a destination is tried by default: over about two minutes.
const DELIVERY_ATTEMPTS: u32 = 9;

/// How long an attempt of a run may take by default: much longer than any, and over before the next night.
const RUN_TIMEOUT_SECONDS: u64 = 6 * 3600;

/// The longest time limit that can be set.
const LONGEST_RUN_TIMEOUT_SECONDS: u64 = 7 * 86_400;

impl Config {
    /// Reads the configuration of the file, if one is named, and over it the environment.
    ///
    /// A relative path in the file starts at the directory of the file, one in the environment at the working
    /// directory.
    ///
    /// `variable` looks an environment variable up; an empty one counts as not set.
    ///
    /// # Errors
    /// Every mistake at once.
    pub fn read(path: Option<&Path>, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let read = path.map_or_else(ReadFile::default, super::toml::read);
        let directory = path.and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        let is_whole = read.mistakes.is_empty();
        let mut reader = Reader { variable: &variable, directory, mistakes: read.mistakes, is_whole };
        let config = reader.config(read.file);
        match config {
            Some(config) if reader.mistakes.is_empty() => Ok(config),
            _ => Err(ConfigError(reader.mistakes)),
        }
    }
}

impl Reader<'_> {
    fn config(&mut self, file: ConfigFile) -> Option<Config> {
        let (server, tenant) = (file.server, file.tenant);
        let limits = self.limits(&server);
        let listen = self.text("DOMESDAY_LISTEN", server.listen).unwrap_or("127.0.0.1:8080".into());
        let listen = self.address("server.listen (DOMESDAY_LISTEN)", &listen);
        let operations = self.text("DOMESDAY_OPERATIONS_LISTEN", server.operations_listen);
        let operations_listen = operations
            .and_then(|text| self.address("server.operations_listen (DOMESDAY_OPERATIONS_LISTEN)", &text));
        let public_url = self.text("DOMESDAY_PUBLIC_URL", server.public_url);
        let has_public_url = public_url.is_some();
        let public_url = public_url.unwrap_or_else(|| super::DEFAULT_PUBLIC_URL.into());
        self.require(
            public_url.starts_with("http://") || public_url.starts_with("https://"),
            format!("server.public_url (DOMESDAY_PUBLIC_URL) must be an http or https address, found `{public_url}`"),
        );
        let database = self.database(file.database.path);
        let secret_key = self.secret_key(file.secrets.key_file, &database);
        let time_zone = self.text("DOMESDAY_TIME_ZONE", tenant.time_zone).unwrap_or("UTC".into());
        if let Err(error) = limits::time_zone(&time_zone) {
            self.mistakes.push(format!("tenant.time_zone (DOMESDAY_TIME_ZONE): {error}"));
        }
        let name = self.text("DOMESDAY_TENANT_NAME", tenant.name).unwrap_or("default".into());
        if let Err(error) = limits::check_name(&name) {
            self.mistakes.push(format!("tenant.name (DOMESDAY_TENANT_NAME): {error}"));
        }
        let endpoints = self.list("DOMESDAY_ALLOWED_ENDPOINTS", file.delivery.allowed_endpoints);
        let allowed_endpoints = endpoints.into_iter().filter_map(|text| self.endpoint(&text)).collect();
        let proxies = self.list("DOMESDAY_TRUSTED_PROXIES", server.trusted_proxies);
        let trusted_proxies = proxies.into_iter().filter_map(|text| self.proxy(&text)).collect();
        let tls = self.tls(server.tls_certificate, server.tls_key);
        let request_timeout =
            self.number("DOMESDAY_REQUEST_TIMEOUT_SECONDS", server.request_timeout_seconds, 60);
        let shutdown_grace =
            self.number("DOMESDAY_SHUTDOWN_GRACE_SECONDS", server.shutdown_grace_seconds, 30);
        let delivery_attempts =
            self.number("DOMESDAY_DELIVERY_ATTEMPTS", file.delivery.attempts, DELIVERY_ATTEMPTS);
        self.require(
            delivery_attempts > 0,
            "delivery.attempts (DOMESDAY_DELIVERY_ATTEMPTS) must be at least 1".to_owned(),
        );
        let run_timeout = self.number(
            "DOMESDAY_RUN_TIMEOUT_SECONDS",
            file.delivery.run_timeout_seconds,
            RUN_TIMEOUT_SECONDS,
        );
        self.require(
            (1..=LONGEST_RUN_TIMEOUT_SECONDS).contains(&run_timeout),
            format!(
                "delivery.run_timeout_seconds (DOMESDAY_RUN_TIMEOUT_SECONDS) must be between 1 and \
                 {LONGEST_RUN_TIMEOUT_SECONDS}, found {run_timeout}"
            ),
        );
        let failed_authentications = self.number(
            "DOMESDAY_FAILED_AUTHENTICATIONS_PER_MINUTE",
            server.failed_authentications_per_minute,
            FAILED_AUTHENTICATIONS,
        );
        let max_body_bytes = self.number("DOMESDAY_MAX_BODY_BYTES", server.max_body_bytes, MAX_BODY_BYTES);
        let webhook = self.webhook(file.webhook.url, file.webhook.secret_file);
        let oidc = self.oidc(file.oidc, has_public_url);
        let hosts = self.list("DOMESDAY_CONNECTIONS_ALLOWED_HOSTS", file.connections.allowed_hosts);
        let connection_hosts = hosts.into_iter().filter_map(|text| self.connection_host(&text)).collect();
        let connection_authorities =
            self.path("connections.ca_file", "DOMESDAY_CONNECTIONS_CA_FILE", file.connections.ca_file);
        let collector = self.collector(file.traces.endpoint);
        let log = self.text("DOMESDAY_LOG", file.log.level).unwrap_or("info".into());
        let log = self.log_level(&log);
        Some(Config {
            listen: listen?,
            operations_listen,
            public_url: public_url.trim_end_matches('/').to_owned(),
            tls,
            trusted_proxies,
            request_timeout: Duration::from_secs(request_timeout),
            max_body_bytes,
            failed_authentications,
            limits,
            shutdown_grace: Duration::from_secs(shutdown_grace),
            database,
            secret_key: secret_key?,
            tenant: FirstTenant { name, time_zone },
            allowed_endpoints,
            delivery_attempts,
            run_timeout: Duration::from_secs(run_timeout),
            webhook,
            oidc,
            connection_hosts,
            connection_authorities,
            collector,
            log: log?,
        })
    }

    fn limits(&mut self, server: &Server) -> Limits {
        let connections = self.at_least_one("max_connections", server.max_connections, MAX_CONNECTIONS);
        let connections_per_address = self.at_least_one(
            "max_connections_per_address",
            server.max_connections_per_address,
            MAX_CONNECTIONS_PER_ADDRESS,
        );
        let idle_timeout =
            self.at_least_one("idle_timeout_seconds", server.idle_timeout_seconds, CLIENT_TIMEOUT_SECONDS);
        let write_timeout =
            self.at_least_one("write_timeout_seconds", server.write_timeout_seconds, CLIENT_TIMEOUT_SECONDS);
        Limits {
            connections,
            connections_per_address,
            idle_timeout: Duration::from_secs(idle_timeout),
            write_timeout: Duration::from_secs(write_timeout),
        }
    }

    fn proxy(&mut self, text: &str) -> Option<Network> {
        let network = text.parse().ok();
        self.require(
            network.is_some(),
            format!(
                "server.trusted_proxies (DOMESDAY_TRUSTED_PROXIES) must hold IP addresses or networks such as \
                 10.0.0.0/8, found `{text}`"
            ),
        );
        network
    }

    fn connection_host(&mut self, text: &str) -> Option<AllowedHost> {
        let host = text.parse();
        if let Err(error) = &host {
            self.mistakes.push(format!(
                "connections.allowed_hosts (DOMESDAY_CONNECTIONS_ALLOWED_HOSTS): {error}, found `{text}`"
            ));
        }
        host.ok()
    }

    fn endpoint(&mut self, text: &str) -> Option<String> {
        let origin = crate::endpoint::origin(text);
        self.require(
            origin.is_some(),
            format!(
                "delivery.allowed_endpoints must hold origins such as https://s3.example:9000, found `{text}`"
            ),
        );
        origin
    }

    fn log_level(&mut self, text: &str) -> Option<LogLevel> {
        match text {
            "error" => Some(LogLevel::Error),
            "warn" => Some(LogLevel::Warn),
            "info" => Some(LogLevel::Info),
            "debug" => Some(LogLevel::Debug),
            _ => {
                self.mistakes.push(format!(
                    "log.level (DOMESDAY_LOG) must be error, warn, info or debug, found `{text}`"
                ));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
