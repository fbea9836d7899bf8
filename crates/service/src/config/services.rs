//! The settings of what the service talks to: database, secret key, TLS, webhook, collector.

use std::path::{Path, PathBuf};
use std::time::Duration;

use domesday_model::url_scheme;
use domesday_store::StoreLocation;

use super::reader::Reader;
use super::{Collector, SecretKey, TlsFiles, Webhook};

/// How long a collector of traces may take by default, in milliseconds: the default of OpenTelemetry.
const COLLECTOR_TIMEOUT_MILLIS: u64 = 10_000;

impl Reader<'_> {
    pub(super) fn database(&mut self, path: Option<PathBuf>) -> StoreLocation {
        const DEFAULT: &str = "domesday.db";
        if let Some(scheme) = path.as_deref().and_then(Path::to_str).and_then(url_scheme) {
            self.mistakes.push(format!(
                "database.path begins with `{scheme}` like a URL; name a file, one whose name contains `:` as ./NAME, \
                 or set DATABASE_URL"
            ));
        }
        let named = ["DATABASE_URL", "DOMESDAY_STORE"]
            .into_iter()
            .find_map(|name| self.environment(name).map(|text| (name, text)));
        let Some((name, text)) = named else {
            let path = path.and_then(|path| self.path_of_file("database.path", &path));
            return StoreLocation::File(path.unwrap_or_else(|| DEFAULT.into()));
        };
        StoreLocation::parse(&text).unwrap_or_else(|error| {
            self.mistakes.push(format!("{name}: {error}"));
            StoreLocation::File(DEFAULT.into())
        })
    }

    pub(super) fn secret_key(
        &mut self,
        of_file: Option<PathBuf>,
        database: &StoreLocation,
    ) -> Option<SecretKey> {
        if let Some(key) = self.environment("DOMESDAY_SECRET_KEY") {
            return Some(SecretKey::Given(key.into()));
        }
        if let Some(path) = self.path("secrets.key_file", "DOMESDAY_SECRET_KEY_FILE", of_file) {
            return Some(SecretKey::File { path, make: false });
        }
        match database {
            StoreLocation::File(path) => {
                Some(SecretKey::File { path: path.with_extension("key"), make: true })
            }
            StoreLocation::Server(_) => {
                self.missing(
                    "a shared database needs a secret key that every replica has: \
                     set DOMESDAY_SECRET_KEY or secrets.key_file; `domesday key new` makes one",
                );
                None
            }
        }
    }

    pub(super) fn tls(&mut self, certificate: Option<PathBuf>, key: Option<PathBuf>) -> Option<TlsFiles> {
        let certificate = self.path("server.tls_certificate", "DOMESDAY_TLS_CERTIFICATE", certificate);
        let key = self.path("server.tls_key", "DOMESDAY_TLS_KEY", key);
        match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            _ => {
                self.missing(
                    "TLS needs both server.tls_certificate and server.tls_key \
                     (DOMESDAY_TLS_CERTIFICATE, DOMESDAY_TLS_KEY)",
                );
                None
            }
        }
    }

    pub(super) fn webhook(&mut self, url: Option<String>, secret_file: Option<PathBuf>) -> Option<Webhook> {
        let url = self.text("DOMESDAY_WEBHOOK_URL", url)?;
        // Not repeated in the mistake: it may contain a password.
        self.require(
            is_plain_address(&url),
            "webhook.url (DOMESDAY_WEBHOOK_URL) must be an http or https address without user and password"
                .to_owned(),
        );
        let secret = self.secret("webhook.secret_file", "DOMESDAY_WEBHOOK_SECRET", secret_file)?;
        let Some(secret) = secret else {
            self.missing(
                "webhook.url needs a secret to sign with: set webhook.secret_file or DOMESDAY_WEBHOOK_SECRET",
            );
            return None;
        };
        Some(Webhook { url, secret })
    }

    /// The collector, by the variables that OpenTelemetry gives every program.
    pub(super) fn collector(&mut self, of_file: Option<String>) -> Option<Collector> {
        let is = |name: &str, value: &str| {
            self.environment(name).is_some_and(|text| text.trim().eq_ignore_ascii_case(value))
        };
        if is("OTEL_SDK_DISABLED", "true") || is("OTEL_TRACES_EXPORTER", "none") {
            return None;
        }
        // A variable for traces alone goes before the one for everything.
        let of_both = |reader: &Self, setting: &str| {
            ["TRACES_", ""]
                .map(|signal| format!("OTEL_EXPORTER_OTLP_{signal}{setting}"))
                .into_iter()
                .find(|name| reader.environment(name).is_some())
        };
        let base = || self.environment("OTEL_EXPORTER_OTLP_ENDPOINT");
        let endpoint = self
            .environment("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            .or_else(|| base().map(|base| format!("{}/v1/traces", base.trim_end_matches('/'))))
            .or(of_file)?;
        // Not repeated in the mistake: it may contain a password.
        self.require(
            is_plain_address(&endpoint),
            "traces.endpoint (OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT without the path) \
             must be an http or https address without user and password; OTEL_EXPORTER_OTLP_HEADERS takes a key"
                .to_owned(),
        );
        for (setting, known) in [("PROTOCOL", "http/protobuf"), ("COMPRESSION", "none")] {
            let Some(name) = of_both(self, setting) else { continue };
            let text = self.environment(&name).unwrap_or_default();
            self.require(text == known, format!("{name} must be {known}, found `{text}`"));
        }
        let authorities = of_both(self, "CERTIFICATE").and_then(|name| self.environment(&name));
        let timeout = of_both(self, "TIMEOUT").unwrap_or_default();
        let timeout = self.number(&timeout, None, COLLECTOR_TIMEOUT_MILLIS);
        Some(Collector {
            endpoint,
            authorities: authorities.map(PathBuf::from),
            timeout: Duration::from_millis(timeout),
        })
    }
}

/// Whether a text is an address to send to, with nothing in it that must not be printed.
pub(super) fn is_plain_address(text: &str) -> bool {
    text.parse::<ureq::http::Uri>().is_ok_and(|uri| {
        let names_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https")) && !names_user
    })
}
