//! The secret of an access key between the verification and saving: for this session, this access key and this endpoint.

use domesday_service::ServiceError;
use secrecy::SecretString;
use uuid::Uuid;

use super::draft::Draft;
use crate::console::carried_secret;
use crate::state::AppState;

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
    carried_secret::seal(app, &record(session, draft), secret)
}

/// Opens a sealed secret; none when it was sealed for something else or too long ago.
pub(super) fn open(app: &AppState, session: Uuid, draft: &Draft, sealed: &str) -> Option<SecretString> {
    carried_secret::open(app, &record(session, draft), sealed)
}
