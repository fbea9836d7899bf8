//! A secret between the verification of a form and saving it.
//!
//! A secret is not sent back: what the page carries to the next step is sealed with the service's key, for one session and
//! one use, and for an hour. So every replica can go on, and nothing but the service can read it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domesday_model::Instant;
use domesday_service::ServiceError;
use secrecy::{ExposeSecret, SecretString};

use crate::state::AppState;

/// How long a sealed secret is accepted, in microseconds: an hour.
const LIFETIME: i64 = 3_600 * 1_000_000;

/// The bytes of the instant before the secret.
const INSTANT_BYTES: usize = 8;

/// Seals a secret for the next step. `record` names what it is bound to: the session, and what the secret is for.
pub(super) fn seal(app: &AppState, record: &str, secret: &SecretString) -> Result<String, ServiceError> {
    let mut content = app.service.now().as_micros().to_be_bytes().to_vec();
    content.extend(secret.expose_secret().as_bytes());
    let sealed = app.service.sealer.seal(record, &content);
    Ok(URL_SAFE_NO_PAD.encode(sealed.map_err(|error| ServiceError::internal(&error))?))
}

/// Opens a sealed secret; none when it was sealed for something else or too long ago.
pub(super) fn open(app: &AppState, record: &str, sealed: &str) -> Option<SecretString> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let opened = app.service.sealer.open(record, &sealed).ok()?;
    let (at, secret) = opened.expose_secret().split_at_checked(INSTANT_BYTES)?;
    let at = Instant::from_micros(i64::from_be_bytes(at.try_into().ok()?));
    let age = app.service.now().as_micros() - at.as_micros();
    (0..LIFETIME).contains(&age).then(|| std::str::from_utf8(secret).ok()).flatten().map(Into::into)
}
