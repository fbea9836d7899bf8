//! The instant at which a command works.

use domesday_model::Instant;

/// Returns the given instant, or now.
pub(crate) fn instant_or_now(given: Option<Instant>) -> Instant {
    given.unwrap_or_else(|| Instant::from(jiff::Timestamp::now()))
}
