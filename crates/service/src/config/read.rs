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
mod tests {
    use super::*;
    use crate::config::SecretKey;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn everything_has_a_default() {
        let config = Config::read(None, nothing).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert!(
            matches!(&config.secret_key, SecretKey::File { path, make: true } if path == Path::new("domesday.key"))
        );
        assert!(config.allowed_endpoints.is_empty());
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("domesday.toml");
        std::fs::write(&path, "[server]\nlisten = \"0.0.0.0:80\"\n[tenant]\nname = \"Acme\"\n").unwrap();
        let config = Config::read(Some(&path), |name| match name {
            "DOMESDAY_LISTEN" => Some("127.0.0.1:99".into()),
            "DOMESDAY_ALLOWED_ENDPOINTS" => Some("http://127.0.0.1:9000, https://S3.example".into()),
            _ => None,
        })
        .unwrap();
        assert_eq!(config.listen.port(), 99);
        assert_eq!(config.tenant.name, "Acme");
        assert_eq!(config.allowed_endpoints, ["http://127.0.0.1:9000", "https://s3.example:443"]);
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let mistakes = Config::read(None, |name| match name {
            "DOMESDAY_LISTEN" => Some("here".into()),
            "DOMESDAY_TIME_ZONE" => Some("Mars/Olympus".into()),
            "DATABASE_URL" => Some("postgres://u:secret-word@h/d".into()),
            "DOMESDAY_TLS_KEY" => Some("key.pem".into()),
            "DOMESDAY_WEBHOOK_URL" => Some("https://hooks.example".into()),
            "DOMESDAY_LOG" => Some("loud".into()),
            "DOMESDAY_ALLOWED_ENDPOINTS" => Some("ftp://x".into()),
            "DOMESDAY_RUN_TIMEOUT_SECONDS" => Some("0".into()),
            _ => None,
        })
        .unwrap_err();
        assert_eq!(mistakes.0.len(), 8, "{mistakes}");
        assert!(!mistakes.to_string().contains("secret-word"));
    }

    #[test]
    fn a_collector_is_named_as_opentelemetry_has_it() {
        let read = |variables: &'static [(&str, &str)]| {
            let variable = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            Config::read(None, variable).map(|config| config.collector)
        };
        let endpoint = |variables| read(variables).unwrap().unwrap().endpoint;
        assert_eq!(read(&[]).unwrap(), None);
        const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        const OWN: (&str, &str) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example/take");
        assert_eq!(endpoint(&[BASE]), "http://collector:4318/v1/traces");
        assert_eq!(endpoint(&[BASE, OWN]), "https://traces.example/take");
        assert_eq!(read(&[BASE, ("OTEL_SDK_DISABLED", "true")]).unwrap(), None);
        assert_eq!(read(&[BASE, ("OTEL_TRACES_EXPORTER", "none")]).unwrap(), None);
        let timeouts =
            read(&[BASE, ("OTEL_EXPORTER_OTLP_TIMEOUT", "9"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7")]);
        assert_eq!(timeouts.unwrap().unwrap().timeout, Duration::from_millis(7));
        let mistakes = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:secret-word@collector"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("DOMESDAY_WEBHOOK_URL", "https://u:secret-word@hooks.example"),
            ("DOMESDAY_WEBHOOK_SECRET", "whsec_c2VjcmV0"),
        ])
        .unwrap_err();
        assert_eq!(mistakes.0.len(), 4, "{mistakes}");
        assert!(!mistakes.to_string().contains("secret-word"));
    }

    #[test]
    fn relative_paths_start_at_the_configuration_file_and_in_the_environment_at_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("domesday.toml");
        let text = "[server]\ntls_certificate = \"tls/a.pem\"\ntls_key = \"/etc/a.key\"\n\
                    [database]\npath = \"data/store.db\"\n\
                    [webhook]\nurl = \"https://hooks.example\"\nsecret_file = \"hook.secret\"\n";
        std::fs::write(&path, text).unwrap();
        std::fs::write(dir.path().join("hook.secret"), "hush\n").unwrap();
        let config = Config::read(Some(&path), nothing).unwrap();
        assert_eq!(config.database.file(), Some(&*dir.path().join("data/store.db")));
        let SecretKey::File { path: key, make: true } = &config.secret_key else {
            panic!("it is made beside")
        };
        assert_eq!(*key, dir.path().join("data/store.key"));
        let tls = config.tls.unwrap();
        assert_eq!((tls.certificate, tls.key), (dir.path().join("tls/a.pem"), "/etc/a.key".into()));
        assert!(config.webhook.is_some());

        let config = Config::read(Some(&path), |name| match name {
            "DOMESDAY_STORE" => Some("here/store.db".into()),
            "DOMESDAY_SECRET_KEY_FILE" => Some("here.key".into()),
            "DOMESDAY_TLS_CERTIFICATE" => Some("here.pem".into()),
            _ => None,
        })
        .unwrap();
        assert_eq!(config.database.file(), Some(Path::new("here/store.db")));
        assert!(matches!(&config.secret_key, SecretKey::File { path, .. } if path == Path::new("here.key")));
        assert_eq!(config.tls.unwrap().certificate, Path::new("here.pem"));

        // Without a path in the file the store stays in the working directory.
        std::fs::write(&path, "[secrets]\nkey_file = \"the.key\"\n").unwrap();
        let config = Config::read(Some(&path), nothing).unwrap();
        assert_eq!(config.database.file(), Some(Path::new("domesday.db")));
        assert!(
            matches!(&config.secret_key, SecretKey::File { path, make: false } if *path == dir.path().join("the.key"))
        );
    }

    #[test]
    fn a_file_that_only_the_working_directory_has_is_a_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("domesday.toml");
        // Tests run in the directory of the crate.
        std::fs::write(&path, "[database]\npath = \"Cargo.toml\"\n").unwrap();
        let error = Config::read(Some(&path), nothing).unwrap_err().to_string();
        assert!(error.contains("database.path") && error.contains("absolute path"), "{error}");
        std::fs::write(dir.path().join("Cargo.toml"), "").unwrap();
        assert!(Config::read(Some(&path), nothing).is_ok());
    }

    #[test]
    fn a_broken_file_hides_no_mistake_and_makes_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("domesday.toml");
        let mistakes = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let variable = |name: &str| match name {
                "DOMESDAY_TIME_ZONE" => Some("Mars/Olympus".to_owned()),
                "DATABASE_URL" => Some("postgres://u@h/d".to_owned()),
                "DOMESDAY_WEBHOOK_URL" => Some("https://hooks.example".to_owned()),
                "DOMESDAY_TLS_KEY" => Some("key.pem".to_owned()),
                _ => None,
            };
            Config::read(Some(&path), variable).unwrap_err().0
        };
        // Key, secret and certificate may stand in what cannot be read.
        let found = mistakes(
            "[secrets\nkey_file = \"k\"\n[server]\nlisten = 80\nlissten = \"x\"\n[log]\nlevel = \"loud\"\n",
        );
        let has = |part: &str| found.iter().any(|mistake| mistake.contains(part));
        assert!(
            has(":1:") && has("listen") && has("lissten") && has("loud") && has("Mars/Olympus"),
            "{found:?}"
        );
        assert!(!has("needs"), "{found:?}");
        // In a file without mistakes they are missing.
        let found = mistakes("[log]\nlevel = \"info\"\n");
        assert_eq!(found.iter().filter(|mistake| mistake.contains("needs")).count(), 3, "{found:?}");
        let missing = Config::read(Some(&dir.path().join("none.toml")), |name| {
            (name == "DOMESDAY_LOG").then(|| "loud".to_owned())
        });
        let missing = missing.unwrap_err().0;
        assert_eq!(missing.len(), 2, "{missing:?}");
        assert_eq!(missing[0].matches("os error").count(), 1, "{missing:?}");
    }

    #[test]
    fn every_mistake_of_a_file_is_told_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("domesday.toml");
        std::fs::write(
            &path,
            "[server]\nlissten = \"0.0.0.0:80\"\nmax_body_bytes = \"big\"\n[serve]\nx = 1\n[delivery]\nattempts = -1\n\
             [tenant]\nname = 7\nname = \"Acme\"\n",
        )
        .unwrap();
        let mistakes = Config::read(Some(&path), nothing).unwrap_err().0;
        let expected = [":2:1: server.lissten", ":3:", ":5:", ":7:", ":9:", ":10:"];
        for place in expected {
            assert!(mistakes.iter().any(|mistake| mistake.contains(place)), "{place} in {mistakes:#?}");
        }
    }

    #[test]
    fn an_unknown_setting_is_a_mistake() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("domesday.toml");
        std::fs::write(&path, "[server]\nlissten = \"0.0.0.0:80\"\n").unwrap();
        let error = Config::read(Some(&path), nothing).unwrap_err().to_string();
        assert!(error.contains("lissten"), "{error}");
    }
}
