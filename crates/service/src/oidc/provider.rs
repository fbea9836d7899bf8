//! The provider: what it says of itself, its keys, and the exchange of a code for tokens. It is a program in another hand:
//! every answer is bounded in size and time, redirects are not followed, and it names no address that is less protected than
//! its own.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::error::{OidcError, excerpt};
use super::keys::PublicKey;
use crate::config::Oidc;

/// How long the provider may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 256 << 10;

/// How many keys are considered.
const MAX_KEYS: usize = 100;

/// What the provider says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Metadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

/// What the provider gives for a code.
#[derive(Debug, Deserialize)]
pub(super) struct Tokens {
    #[serde(deserialize_with = "secret")]
    pub(super) id_token: SecretString,
    #[serde(default, deserialize_with = "some_secret")]
    pub(super) access_token: Option<SecretString>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

fn some_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    secret(deserializer).map(Some)
}

/// A client of the provider.
#[derive(Debug)]
pub(super) struct Client {
    agent: ureq::Agent,
}

impl Client {
    pub(super) fn new() -> Self {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            // Each address was checked; where it leads to was not.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(format!("domesday/{}", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: agent.into() }
    }

    /// Returns what the provider says of itself (OpenID Connect Discovery 1.0).
    pub(super) fn metadata(&self, issuer: &str) -> Result<Metadata, OidcError> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let found: Metadata = self.get(&address, None)?;
        if found.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            let other = excerpt(&found.issuer);
            return Err(OidcError::Provider(format!(
                "the provider at oidc.issuer names itself `{other}`; configure oidc.issuer as it does"
            )));
        }
        let endpoints = [&found.authorization_endpoint, &found.token_endpoint, &found.jwks_uri];
        for endpoint in endpoints.into_iter().chain(&found.userinfo_endpoint) {
            if !is_trusted_address(endpoint, issuer) {
                let endpoint = excerpt(endpoint);
                return Err(OidcError::Provider(format!(
                    "the provider names the address `{endpoint}`, which is not https"
                )));
            }
        }
        Ok(found)
    }

    /// Returns the keys that the provider signs with. Keys of kinds that are not known are left out.
    pub(super) fn keys(&self, metadata: &Metadata) -> Result<Vec<PublicKey>, OidcError> {
        #[derive(Deserialize)]
        struct Keys {
            keys: Vec<Value>,
        }
        let Keys { keys } = self.get(&metadata.jwks_uri, None)?;
        Ok(keys.into_iter().take(MAX_KEYS).filter_map(PublicKey::read).collect())
    }

    /// Exchanges a code for tokens.
    pub(super) fn exchange(
        &self,
        config: &Oidc,
        metadata: &Metadata,
        redirect_uri: &str,
        code: &str,
        verifier: &SecretString,
    ) -> Result<Tokens, OidcError> {
        let secret = config.client_secret.expose_secret();
        let methods = &metadata.token_endpoint_auth_methods_supported;
        let supports = |name: &str| methods.iter().any(|method| method == name);
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier.expose_secret()),
        ];
        let mut request = self.agent.post(&metadata.token_endpoint).header("accept", "application/json");
        // Without a list, the provider supports the method of the header (Discovery 1.0, section 3).
        if methods.is_empty() || supports("client_secret_basic") || !supports("client_secret_post") {
            let pair = format!("{}:{}", encoded(&config.client_id), encoded(secret));
            request = request.header("authorization", format!("Basic {}", STANDARD.encode(pair)));
        } else {
            form.extend([("client_id", &*config.client_id), ("client_secret", secret)]);
        }
        let form: Vec<_> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let sent = request.header("content-type", "application/x-www-form-urlencoded").send(form.join("&"));
        let mut response = sent.map_err(|error| unreachable(&metadata.token_endpoint, &error))?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = body.map_err(|error| unreachable(&metadata.token_endpoint, &error))?;
        if status != 200 {
            let error = serde_json::from_slice::<Map<String, Value>>(&body).unwrap_or_default();
            let text = |name: &str| excerpt(error.get(name).and_then(Value::as_str).unwrap_or_default());
            // The code was used before, has expired, or is not of this service.
            if text("error") == "invalid_grant" {
                return Err(OidcError::Declined(text("error")));
            }
            return Err(OidcError::Provider(format!(
                "the token endpoint answered {status} {} {}",
                text("error"),
                text("error_description")
            )));
        }
        // The cause could contain a token.
        serde_json::from_slice(&body)
            .map_err(|_| OidcError::Provider("the token endpoint answered without an `id_token`".to_owned()))
    }

    /// Returns the claims that the provider has about the holder of an access token.
    pub(super) fn user_info(
        &self,
        address: &str,
        token: &SecretString,
    ) -> Result<Map<String, Value>, OidcError> {
        self.get(address, Some(token))
    }

    fn get<T: DeserializeOwned>(&self, address: &str, token: Option<&SecretString>) -> Result<T, OidcError> {
        let mut request = self.agent.get(address).header("accept", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {}", token.expose_secret()));
        }
        let mut response = request.call().map_err(|error| unreachable(address, &error))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(OidcError::Provider(format!("{address} answered {status}")));
        }
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = body.map_err(|error| unreachable(address, &error))?;
        // The cause could contain personal data.
        serde_json::from_slice(&body)
            .map_err(|_| OidcError::Provider(format!("{address} did not answer with the expected JSON")))
    }
}

fn unreachable(address: &str, error: &ureq::Error) -> OidcError {
    OidcError::Provider(format!("{address}: {}", excerpt(&error.to_string())))
}

/// Encodes a value for a query or a form.
pub(super) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

/// Whether an address may be used that a provider names: over TLS, or without it where both are on this machine.
pub(crate) fn is_trusted_address(address: &str, issuer: &str) -> bool {
    let is_local = |address: &str| {
        let uri = address.parse::<ureq::http::Uri>().ok();
        let host = uri.as_ref().and_then(ureq::http::Uri::host);
        matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"))
    };
    let Ok(uri) = address.parse::<ureq::http::Uri>() else { return false };
    if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
        return false;
    }
    match uri.scheme_str() {
        Some("https") => true,
        Some("http") => is_local(address) && is_local(issuer) && issuer.starts_with("http://"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_is_trusted_but_on_this_machine() {
        const REMOTE: &str = "https://login.example/realms/acme";
        const LOCAL: &str = "http://127.0.0.1:9000";
        for (address, issuer, is_trusted) in [
            (REMOTE, REMOTE, true),
            ("https://keys.example/jwks", REMOTE, true),
            ("http://login.example/jwks", REMOTE, false),
            ("http://127.0.0.1/jwks", REMOTE, false),
            ("http://localhost:80/jwks", LOCAL, true),
            ("http://169.254.169.254/latest", LOCAL, false),
            ("http://127.0.0.1.evil.example/", LOCAL, false),
            ("http://127.0.0.1@evil.example/", LOCAL, false),
            ("https://user@login.example/", REMOTE, false),
            ("file:///etc/passwd", LOCAL, false),
            ("login.example", REMOTE, false),
            ("", REMOTE, false),
        ] {
            assert_eq!(is_trusted_address(address, issuer), is_trusted, "{address} of {issuer}");
        }
    }
}
