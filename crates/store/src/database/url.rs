//! `postgres://USER:PASSWORD@HOST/DATABASE?sslmode=…`: a server, and how to connect to it securely.
//!
//! `sslmode=verify-full` (also `require` and `verify-ca`) uses TLS and verifies the certificate and its host name; it is the
//! default for a network host. `sslmode=disable` uses no TLS. Opportunistic modes are rejected. `sslrootcert=FILE` names the
//! trusted authorities in PEM, instead of the public ones. A Unix socket uses no TLS.
//!
//! Several hosts, separated by commas, are tried in order. Of several, only one that accepts writes is used
//! (`target_session_attrs=read-write`), unless the URL has `any`: after a failover, the next connection finds the new
//! primary.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode, TargetSessionAttrs};
use postgres::{Client, Config, NoTls};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;

/// A server and how to connect to it.
#[derive(Clone)]
pub(crate) struct Server {
    config: Config,
    /// `None` without TLS.
    tls: Option<Arc<ClientConfig>>,
}

impl Server {
    /// Parses a URL. Errors repeat no part of it: in a malformed URL any part may be the password.
    pub(crate) fn parse(url: &SecretString) -> Result<Self, StoreError> {
        let (url, settings) = take_settings(url.expose_secret());
        let mut config: Config = url.parse().map_err(|_| StoreError::UnknownUrl)?;
        config.application_name("domesday");
        detect_lost_connections(&mut config, url.split_once('?').map_or("", |(_, query)| query));
        let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let uses_tls = match settings.mode.as_deref() {
            _ if local => false,
            None | Some("require" | "verify-ca" | "verify-full") => true,
            Some("disable") => false,
            Some(_) => return Err(StoreError::UnknownSslMode),
        };
        match settings.session_attributes.as_deref() {
            None if config.get_hosts().len() > 1 => {
                config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
            None | Some("any") => {}
            Some("read-write" | "primary") => {
                config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
            Some(_) => return Err(StoreError::UnknownSessionAttributes),
        }
        config.ssl_mode(if uses_tls { SslMode::Require } else { SslMode::Disable });
        let tls = uses_tls.then(|| tls(settings.root_certificates.as_deref())).transpose()?;
        Ok(Self { config, tls: tls.map(Arc::new) })
    }

    pub(super) fn connect(&self) -> Result<Client, postgres::Error> {
        match &self.tls {
            Some(tls) => self.config.connect(MakeRustlsConnect::new(ClientConfig::clone(tls))),
            None => self.config.connect(NoTls),
        }
    }
}

impl fmt::Display for Server {
    /// Prints everything but the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.config.get_ports();
        for (position, host) in self.config.get_hosts().iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            match host {
                Host::Tcp(name) => f.write_str(name)?,
                Host::Unix(path) => write!(f, "{}", path.display())?,
            }
            // A single port applies to every host.
            if let Some(port) = ports.get(position).or(ports.first()) {
                write!(f, ":{port}")?;
            }
        }
        write!(f, " (database {}", self.config.get_dbname().unwrap_or("of the user"))?;
        write!(f, ", user {})", self.config.get_user().unwrap_or("of the process"))
    }
}

/// The timeout of a connection attempt to one host.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// TCP keep-alive: after how long without traffic a connection is probed, how often, and how many probes may fail. The
/// defaults of the system detect a lost server after two hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// How long sent data may stay unacknowledged.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes a connection to a lost server fail within a minute. Settings in the URL take precedence.
fn detect_lost_connections(config: &mut Config, query: &str) {
    let is_given = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    if !is_given("connect_timeout") {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    if !is_given("tcp_user_timeout") {
        config.tcp_user_timeout(TCP_USER_TIMEOUT);
    }
    if !is_given("keepalives") {
        config.keepalives(true);
    }
    if !is_given("keepalives_idle") {
        config.keepalives_idle(KEEPALIVE_IDLE);
    }
    if !is_given("keepalives_interval") {
        config.keepalives_interval(KEEPALIVE_INTERVAL);
    }
    if !is_given("keepalives_retries") {
        config.keepalives_retries(KEEPALIVE_RETRIES);
    }
}

#[derive(Default)]
struct Settings {
    /// `sslmode`.
    mode: Option<String>,
    /// `sslrootcert`.
    root_certificates: Option<String>,
    /// `target_session_attrs`.
    session_attributes: Option<String>,
}

/// Splits a URL into one without the settings that are parsed here, and these settings.
fn take_settings(url: &str) -> (String, Settings) {
    let mut settings = Settings::default();
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), settings) };
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.split_once('=') {
            Some(("sslmode", mode)) => settings.mode = Some(mode.to_owned()),
            Some(("sslrootcert", file)) => settings.root_certificates = Some(file.to_owned()),
            Some(("target_session_attrs", attributes)) => {
                settings.session_attributes = Some(attributes.to_owned());
            }
            // As in libpq, one parameter may list several hosts.
            Some(("host", hosts)) => rest.extend(hosts.split(',').map(|host| format!("host={host}"))),
            _ => rest.push(pair.to_owned()),
        }
    }
    (format!("{base}?{}", rest.join("&")), settings)
}

fn tls(root_certificates: Option<&str>) -> Result<ClientConfig, StoreError> {
    let roots = match root_certificates {
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        Some(file) => {
            let unreadable = |reason: String| StoreError::RootCertificates { file: file.into(), reason };
            let certificates =
                CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable("it contains no certificate".to_owned()));
            }
            roots
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider supports its own versions");
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Result<Server, StoreError> {
        Server::parse(&url.to_owned().into())
    }

    #[test]
    fn tls_is_used_except_for_sockets_and_when_disabled() {
        let uses_tls = |url: &str| server(url).unwrap().tls.is_some();
        assert!(uses_tls("postgres://u:p@db.example/d"));
        assert!(uses_tls("postgres://u:p@db.example/d?sslmode=require&connect_timeout=5"));
        assert!(!uses_tls("postgres://u:p@db.example/d?sslmode=disable"));
        assert!(!uses_tls("postgres:///d?host=/run/postgresql&user=u"));
        assert!(matches!(server("postgres://u@h/d?sslmode=prefer"), Err(StoreError::UnknownSslMode)));
        let missing = server("postgres://u@h/d?sslrootcert=/nowhere.pem").err().unwrap();
        assert!(missing.to_string().contains("/nowhere.pem"), "{missing}");
    }

    #[test]
    fn lost_connections_are_detected_unless_the_url_has_settings() {
        let config = |url: &str| server(url).unwrap().config;
        let usual = config("postgres://u:p@db.example/d");
        assert_eq!(usual.get_connect_timeout(), Some(&CONNECT_TIMEOUT));
        assert_eq!(usual.get_tcp_user_timeout(), Some(&TCP_USER_TIMEOUT));
        assert!(usual.get_keepalives());
        assert_eq!(usual.get_keepalives_idle(), KEEPALIVE_IDLE);
        assert_eq!(usual.get_keepalives_interval(), Some(KEEPALIVE_INTERVAL));
        assert_eq!(usual.get_keepalives_retries(), Some(KEEPALIVE_RETRIES));
        let own = config(
            "postgres://u:p@db.example/d?connect_timeout=3&tcp_user_timeout=4&keepalives_idle=5&\
             keepalives_interval=6&keepalives_retries=7&sslmode=disable",
        );
        assert_eq!(own.get_connect_timeout(), Some(&Duration::from_secs(3)));
        assert_eq!(own.get_tcp_user_timeout(), Some(&Duration::from_secs(4)));
        assert_eq!(own.get_keepalives_idle(), Duration::from_secs(5));
        assert_eq!(own.get_keepalives_interval(), Some(Duration::from_secs(6)));
        assert_eq!(own.get_keepalives_retries(), Some(7));
        assert!(!config("postgres://u:p@db.example/d?keepalives=0").get_keepalives());
    }

    #[test]
    fn of_several_hosts_one_that_takes_changes_is_wanted() {
        let wanted = |url: &str| server(url).unwrap().config.get_target_session_attrs();
        let two = "postgres://u:p@one.example:5433,two.example/d";
        assert_eq!(wanted("postgres://u:p@one.example/d"), TargetSessionAttrs::Any);
        assert_eq!(wanted(two), TargetSessionAttrs::ReadWrite);
        assert_eq!(wanted(&format!("{two}?target_session_attrs=any")), TargetSessionAttrs::Any);
        for wish in ["read-write", "primary"] {
            let url = format!("postgres://u:p@one.example/d?sslmode=disable&target_session_attrs={wish}");
            assert_eq!(wanted(&url), TargetSessionAttrs::ReadWrite);
        }
        for wish in ["standby", "read-only", "prefer-standby", ""] {
            let error = server(&format!("{two}?target_session_attrs={wish}")).err().unwrap();
            assert!(matches!(error, StoreError::UnknownSessionAttributes), "{wish}: {error}");
        }
        let shown = server(two).unwrap().to_string();
        assert_eq!(shown, "one.example:5433,two.example:5432 (database d, user u)");
        let sockets = "postgres:///d?host=/run/a,/run/b&port=5433,5434&user=u";
        assert_eq!(server(sockets).unwrap().to_string(), "/run/a:5433,/run/b:5434 (database d, user u)");
        assert_eq!(wanted(sockets), TargetSessionAttrs::ReadWrite);
    }

    #[test]
    fn no_message_contains_the_password() {
        let shown = server("postgres://user:marked-secret@db.example:5433/gov").unwrap().to_string();
        assert_eq!(shown, "db.example:5433 (database gov, user user)");
        for url in [
            "postgres://user:marked-secret@db.example/gov?nonsense=marked-secret",
            "postgres://user:marked#secret@db.example/gov",
            "postgres://user:marked/secret@db.example/gov",
            "postgres://user:marked?secret@db.example/gov",
            "postgres://user:marked%zzsecret@db.example/gov",
        ] {
            let Err(error) = server(url) else { continue };
            let message = format!("{error} {error:?}");
            assert!(!message.contains("marked") && !message.contains("secret"), "{message}");
        }
    }
}
