//! What the tests compare with botocore: credentials, signatures, endpoints and proxies for a given environment. It is
//! no part of the interface of this crate, and shows digests in place of secrets.

use domesday_tables::{hex, sha256};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::credentials::{Credentials, ProviderContext, find_credentials};
use super::endpoints::{AwsService, DeliveryEndpoints, EndpointResolver};
use super::shared_config::SharedConfig;
use super::shell_words;
use super::signing::{SignableRequest, SigningScope, encode_path, sign};
use crate::http::{Http, ProxySettings};
use crate::{CallContext, DeliveryError, Environment, Timeouts};

/// Credentials that were found, without their secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundCredentials {
    /// The key's id.
    pub access_key_id: String,
    /// SHA-256 of the secret.
    pub secret_sha256: String,
    /// SHA-256 of the token.
    pub token_sha256: Option<String>,
    /// The provider that gave them.
    pub provider: &'static str,
}

/// Finds the credentials of an environment.
///
/// # Errors
/// When there are none.
pub fn find(environment: &Environment, region: &str) -> Result<FoundCredentials, DeliveryError> {
    let resolver = EndpointResolver::new(environment, &SharedConfig::load(environment)?);
    let proxies = ProxySettings::from_environment(environment)?;
    let context = ProviderContext {
        http: Http::new(Timeouts::default(), None, proxies, CallContext::new())?,
        environment: environment.clone(),
        region: region.to_owned(),
        sts: resolver.endpoint(AwsService::Sts, region)?,
        endpoints: resolver,
    };
    let (found, provider) = find_credentials(&context)?;
    let digest = |secret: &SecretString| hex(&sha256(secret.expose_secret().as_bytes()));
    Ok(FoundCredentials {
        access_key_id: found.access_key_id,
        secret_sha256: digest(&found.secret_access_key),
        token_sha256: found.session_token.as_ref().map(digest),
        provider,
    })
}

/// A request to be signed.
#[derive(Debug)]
pub struct RequestToSign<'a> {
    /// `GET`, `PUT` or `POST`.
    pub method: &'static str,
    /// The value of the `Host` header.
    pub host: &'a str,
    /// The path, not encoded.
    pub path: &'a str,
    /// Names and values, not encoded.
    pub query: Vec<(String, String)>,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: &'a [u8],
    /// The region.
    pub region: &'a str,
    /// `s3` or `sts`.
    pub service: &'static str,
}

/// Signs a request, and returns the `Authorization` header.
#[must_use]
pub fn authorization(
    request: RequestToSign<'_>,
    access_key_id: &str,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    at: Timestamp,
) -> String {
    let credentials = Credentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key,
        session_token,
        expires_at: None,
    };
    let scope = SigningScope { region: request.region, service: request.service };
    let signable = SignableRequest {
        method: request.method,
        host: request.host.to_owned(),
        path: encode_path(request.path),
        query: request.query,
        headers: request.headers,
        body_sha256: sha256(request.body),
    };
    let headers = sign(&signable, &credentials, scope, at);
    headers.into_iter().find(|(name, _)| *name == "authorization").map(|(_, value)| value).unwrap_or_default()
}

/// Returns the addresses of a bucket, of STS, of the SSO portal and of its token service.
///
/// # Errors
/// When what the environment names cannot be used together.
pub fn endpoints(
    environment: &Environment,
    region: &str,
    bucket: &str,
) -> Result<[String; 4], DeliveryError> {
    let resolver = EndpointResolver::new(environment, &SharedConfig::load(environment)?);
    let found = DeliveryEndpoints::new(None, region, bucket, &resolver)?;
    let other = |service| Ok::<_, DeliveryError>(resolver.endpoint(service, region)?.url("", ""));
    Ok([
        found.bucket.endpoint.url(found.bucket.path.trim_end_matches('/'), ""),
        other(AwsService::Sts)?,
        other(AwsService::Sso)?,
        other(AwsService::SsoOidc)?,
    ])
}

/// Returns host and port of the proxy for an address.
///
/// # Errors
/// When a variable is no address of a proxy.
pub fn proxy(environment: &Environment, url: &str) -> Result<Option<String>, DeliveryError> {
    let settings = ProxySettings::from_environment(environment)?;
    Ok(settings.proxy_for(url).map(|proxy| format!("{}:{}", proxy.host(), proxy.port())))
}

/// Splits a line into words, as a profile's `credential_process` is split; `None` when it cannot be split.
#[must_use]
pub fn split_words(line: &str) -> Option<Vec<String>> {
    shell_words::split(line).ok()
}
