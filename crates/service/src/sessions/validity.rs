//! How long sessions last.

use domesday_model::Instant;
use domesday_store::{MAX_CLOCK_SKEW_MICROS, Session, Store, StoreError};
use uuid::Uuid;

use crate::error::{AuthenticationError, ServiceError};

/// How long a session lasts without a request, in microseconds: 8 hours.
pub(super) const IDLE: i64 = 8 * 3_600 * 1_000_000;

/// How long a session lasts at most, in microseconds: 7 days.
pub const LIFETIME: i64 = 7 * 24 * 3_600 * 1_000_000;

/// Returns the instant at which a session ends if nothing ends it before.
fn end_of(session: &Session) -> Instant {
    let (idle, absolute) =
        (session.last_used_at.as_micros() + IDLE, session.created_at.as_micros() + LIFETIME);
    Instant::from_micros(idle.min(absolute))
}

/// Whether a session is valid at an instant. One that a clock dated further ahead than clocks differ is not.
pub(super) fn is_valid(session: &Session, now: Instant) -> bool {
    let ahead = session.created_at.as_micros().saturating_sub(now.as_micros());
    now < end_of(session) && ahead <= MAX_CLOCK_SKEW_MICROS
}

/// Checks in the transaction of a change that the session has not ended. Idleness was judged when the request came.
pub(crate) fn check_again(store: &mut Store, id: Uuid, now: Instant) -> Result<(), ServiceError> {
    let session = store.session(id)?;
    let lasts = |session: &Session| now.as_micros() < session.created_at.as_micros().saturating_add(LIFETIME);
    if session.as_ref().is_some_and(lasts) {
        return Ok(());
    }
    Err(ServiceError::Unauthenticated(AuthenticationError::NoSession))
}

/// Deletes sessions that have expired, whichever way.
pub(super) fn delete_expired(store: &mut Store, now: Instant) -> Result<(), StoreError> {
    let before = |micros: i64| Instant::from_micros(now.as_micros().saturating_sub(micros));
    // A use that is not written yet is younger than this by less than a day.
    const MARGIN: i64 = 24 * 3_600 * 1_000_000;
    store.delete_expired_sessions(before(LIFETIME), before(IDLE + MARGIN)).map(drop)
}
