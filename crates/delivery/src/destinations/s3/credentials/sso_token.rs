//! The token of a sign-in session (IAM Identity Center), as `aws sso login` stores it, and its renewal.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};
use sha1::{Digest as _, Sha1};

use super::provider::ProviderContext;
use crate::DeliveryError;
use crate::destinations::s3::endpoints::AwsService;
use crate::destinations::s3::shared_config::Profile;
use crate::http::{HttpRequest, MAX_SHORT_RESPONSE_BYTES, Payload};
use crate::timestamps::parse_time;

/// How long before its end a token is renewed.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(15);

/// The larger of two limits: a token file is a few kilobytes.
const MAX_FILE_BYTES: u64 = 256 << 10;

/// A sign-in session as a profile configures it.
pub(super) struct SsoSession<'a> {
    /// Its name; a profile of the older form has none.
    pub(super) name: Option<&'a str>,
    pub(super) start_url: &'a str,
    pub(super) region: &'a str,
}

/// A file of the token cache. Other tools read and write it, too, by these names.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct CachedToken {
    #[serde(default, deserialize_with = "secret", serialize_with = "expose")]
    access_token: Option<SecretString>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(
        default,
        deserialize_with = "secret",
        serialize_with = "expose",
        skip_serializing_if = "Option::is_none"
    )]
    client_secret: Option<SecretString>,
    #[serde(
        default,
        deserialize_with = "secret",
        serialize_with = "expose",
        skip_serializing_if = "Option::is_none"
    )]
    refresh_token: Option<SecretString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    registration_expires_at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
}

/// What the sign-in service returns for a renewal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RenewedToken {
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<SecretString>,
    expires_in: i64,
    #[serde(default, deserialize_with = "secret")]
    refresh_token: Option<SecretString>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Into::into))
}

fn expose<S: serde::Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(ExposeSecret::expose_secret).serialize(serializer)
}

/// Returns the access token of a session: the stored one, renewed when it ends soon.
///
/// # Errors
/// When nobody has signed in, or the session is over.
pub(super) fn access_token(
    context: &ProviderContext,
    profile: &Profile<'_>,
    session: &SsoSession<'_>,
) -> Result<SecretString, DeliveryError> {
    let over = || {
        profile.unusable(&format!(
            "has a sign-in session that is over; sign in again with `aws sso login --profile {}`",
            profile.name
        ))
    };
    let path = cache_file(context, session)
        .ok_or_else(|| profile.unusable("signs in by SSO, and HOME is not set"))?;
    let mut cached = read(&path).ok_or_else(|| {
        profile
            .unusable(&format!("is not signed in; sign in with `aws sso login --profile {}`", profile.name))
    })?;
    let now = context.now();
    let end = |token: &CachedToken| token.expires_at.as_deref().and_then(parse_time);
    // A session of the older form cannot be renewed.
    if session.name.is_some()
        && end(&cached).is_some_and(|end| now.duration_until(end) < RENEW_BEFORE)
        && let Some(renewed) = renew(context, session, &cached, now)?
    {
        write(&path, &renewed)?;
        cached = renewed;
    }
    let is_over = end(&cached).is_none_or(|end| end <= now);
    cached.access_token.filter(|_| !is_over).ok_or_else(over)
}

/// Returns where the token of a session is stored: under the SHA-1 of its name.
fn cache_file(context: &ProviderContext, session: &SsoSession<'_>) -> Option<PathBuf> {
    let digest = Sha1::digest(session.name.unwrap_or(session.start_url));
    let mut name = String::new();
    for byte in digest {
        // Writing into a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    Some(context.environment.home()?.join(".aws/sso/cache").join(format!("{name}.json")))
}

fn read(path: &std::path::Path) -> Option<CachedToken> {
    let is_small = std::fs::metadata(path).ok()?.len() <= MAX_FILE_BYTES;
    let token: CachedToken = serde_json::from_slice(&is_small.then(|| std::fs::read(path).ok())??).ok()?;
    (token.access_token.is_some() && token.expires_at.is_some()).then_some(token)
}

/// Replaces the stored token, readable for this user alone. Other tools find it there.
fn write(path: &std::path::Path, token: &CachedToken) -> Result<(), DeliveryError> {
    let failed = |source| DeliveryError::from_io(path, source);
    let folder = path.parent().unwrap_or(path);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    serde_json::to_writer(&mut file, token).map_err(|error| failed(error.into()))?;
    file.flush().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Renews a token; `None` when it cannot be renewed, or the service refuses.
fn renew(
    context: &ProviderContext,
    session: &SsoSession<'_>,
    cached: &CachedToken,
    now: Timestamp,
) -> Result<Option<CachedToken>, DeliveryError> {
    let (Some(client_id), Some(client_secret), Some(refresh_token)) =
        (&cached.client_id, &cached.client_secret, &cached.refresh_token)
    else {
        return Ok(None);
    };
    let registration = cached.registration_expires_at.as_deref().and_then(parse_time);
    if registration.is_none_or(|end| end <= now) {
        return Ok(None);
    }
    let endpoint = context.endpoints.endpoint(AwsService::SsoOidc, session.region)?;
    let body = serde_json::json!({
        "clientId": client_id,
        "clientSecret": client_secret.expose_secret(),
        "grantType": "refresh_token",
        "refreshToken": refresh_token.expose_secret(),
    });
    let response = context.http.send(HttpRequest {
        method: "POST",
        url: &endpoint.url("/token", ""),
        headers: &[("content-type", "application/json".to_owned())],
        payload: Payload::Text(body.to_string()),
        max_response_bytes: MAX_SHORT_RESPONSE_BYTES,
        call: "renew the sign-in session",
    })?;
    if !response.is_success() {
        return Ok(None);
    }
    let Ok(renewed) = serde_json::from_str::<RenewedToken>(&response.body) else { return Ok(None) };
    let Ok(end) = now.checked_add(SignedDuration::from_secs(renewed.expires_in)) else { return Ok(None) };
    Ok(Some(CachedToken {
        access_token: renewed.access_token,
        expires_at: Some(end.strftime("%FT%TZ").to_string()),
        client_id: cached.client_id.clone(),
        client_secret: cached.client_secret.clone(),
        refresh_token: renewed.refresh_token,
        registration_expires_at: cached.registration_expires_at.clone(),
        start_url: Some(session.start_url.to_owned()),
        region: Some(session.region.to_owned()),
    }))
}
