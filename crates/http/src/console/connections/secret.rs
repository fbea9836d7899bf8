//! The password of a connection between *Verify* and *Save*: for this session, this address and this account.

use domesday_service::ServiceError;
use secrecy::SecretString;
use uuid::Uuid;

use super::draft::Draft;
use crate::console::carried_secret;
use crate::state::AppState;

/// Returns what a sealed password is bound to.
fn record(session: Uuid, draft: &Draft) -> String {
    let bound = [&session.to_string(), draft.get("url"), draft.get("bindDn")];
    format!("console:connection:{bound:?}")
}

/// Seals a password for the next step.
pub(super) fn seal(
    app: &AppState,
    session: Uuid,
    draft: &Draft,
    password: &SecretString,
) -> Result<String, ServiceError> {
    carried_secret::seal(app, &record(session, draft), password)
}

/// Opens a sealed password; none when it was sealed for something else or too long ago.
pub(super) fn open(app: &AppState, session: Uuid, draft: &Draft, sealed: &str) -> Option<SecretString> {
    carried_secret::open(app, &record(session, draft), sealed)
}
