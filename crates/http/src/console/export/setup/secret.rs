//! The secret of an access key between the verification and saving.
//!
//! Nothing is saved before the checks pass, and the secret is not sent back: what the page carries to the next step is
//! sealed with the service's key, for this session, this access key and this endpoint, and for an hour. So every
//! replica can go on, and nothing but the service can read it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domesday_model::Instant;
use domesday_service::ServiceError;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::draft::Draft;
use crate::state::AppState;

/// How long a sealed secret is accepted, in microseconds: an hour.
const LIFETIME: i64 = 3_600 * 1_000_000;

/// The bytes of the instant before the secret.
const INSTANT_BYTES: usize = 8;

/// Returns what a sealed secret is bound to.
fn record(session: Uuid, draft: &Draft) -> String {
    format!("console:export:{session}:{}:{}", draft.access_key_id, draft.endpoint)
}

/// Seals a secret for the next step.
pub(super) fn seal(
    app: &AppState,
    session: Uuid,
    draft: &Draft,
    secret: &SecretString,
) -> Result<String, ServiceError> {
    let mut content = app.service.now().as_micros().to_be_bytes().to_vec();
    content.extend(secret.expose_secret().as_bytes());
    let sealed = app.service.sealer.seal(&record(session, draft), &content);
    Ok(URL_SAFE_NO_PAD.encode(sealed.map_err(|error| ServiceError::internal(&error))?))
}

/// Opens a sealed secret; none when it was sealed for something else or too long ago.
pub(super) fn open(app: &AppState, session: Uuid, draft: &Draft, sealed: &str) -> Option<SecretString> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let opened = app.service.sealer.open(&record(session, draft), &sealed).ok()?;
    let (at, secret) = opened.expose_secret().split_at_checked(INSTANT_BYTES)?;
    let at = Instant::from_micros(i64::from_be_bytes(at.try_into().ok()?));
    let age = app.service.now().as_micros() - at.as_micros();
    (0..LIFETIME).contains(&age).then(|| std::str::from_utf8(secret).ok()).flatten().map(Into::into)
}
