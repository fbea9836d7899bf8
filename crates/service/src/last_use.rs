//! When API keys and sessions were last used: recorded in memory with each request, and written to the store later.
//!
//! Authentication must not depend on a write: while another process holds the database's write lock, or its disk is
//! full, requests that read go on. Uses that cannot be written are kept and written as soon as that is possible again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Stopwatch};

use domesday_model::Instant;
use domesday_store::{MAX_CLOCK_SKEW_MICROS, Store};
use uuid::Uuid;

use crate::error::ServiceError;
use crate::pool::Pool;
use crate::signals::Signals;

/// The interval at which recorded uses are written.
const FLUSH_INTERVAL: Duration = Duration::from_secs(5);

/// How long the end of the service waits for the last write.
const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// How precise the time of the last use is, in microseconds: a key in constant use is written once a minute.
const PRECISION_MICROS: i64 = 60_000_000;

/// How many keys and sessions are kept in memory; uses of further ones are not recorded until others are written.
const MAX_PENDING: usize = 10_000;

/// How often the log says that nothing can be written.
const WARNING_INTERVAL: Duration = Duration::from_secs(60);

/// What was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Used {
    /// An API key.
    Key(Uuid),
    /// A session of the console.
    Session(Uuid),
    /// A token of SCIM.
    ScimToken(Uuid),
}

/// Uses of API keys and sessions that are not in the store yet.
#[derive(Debug, Default)]
pub struct LastUse {
    pending: Mutex<HashMap<Used, Instant>>,
    warned: Mutex<Option<Stopwatch>>,
}

impl LastUse {
    fn lock(&self) -> MutexGuard<'_, HashMap<Used, Instant>> {
        // A thread that panicked while holding the lock left a map of valid instants.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a use, unless the store knows of one less than a minute ago.
    pub(crate) fn record(&self, used: Used, stored: Option<Instant>, now: Instant) {
        // A use that is dated further ahead than clocks differ was recorded while the clock was ahead.
        let is_recent = |at: Instant| {
            (-MAX_CLOCK_SKEW_MICROS..PRECISION_MICROS)
                .contains(&now.as_micros().saturating_sub(at.as_micros()))
        };
        if stored.is_some_and(is_recent) {
            return;
        }
        let mut pending = self.lock();
        if pending.len() < MAX_PENDING || pending.contains_key(&used) {
            pending.insert(used, now);
        }
    }

    /// Returns the last use of a key, of what the store says and what is not written yet.
    pub fn latest(&self, key: Uuid, stored: Option<Instant>) -> Option<Instant> {
        // What is recorded is later than what is stored, or the store has the use of a clock that was ahead.
        self.pending(Used::Key(key)).or(stored)
    }

    /// Returns the last use of a session, as [`LastUse::latest`].
    #[must_use]
    pub fn latest_of_session(&self, session: Uuid, stored: Instant) -> Instant {
        self.pending(Used::Session(session)).unwrap_or(stored)
    }

    /// Returns the last use of a token of SCIM, as [`LastUse::latest`].
    #[must_use]
    pub fn latest_of_token(&self, token: Uuid, stored: Option<Instant>) -> Option<Instant> {
        self.pending(Used::ScimToken(token)).or(stored)
    }

    fn pending(&self, used: Used) -> Option<Instant> {
        self.lock().get(&used).copied()
    }

    /// Puts back uses that could not be written; later ones win.
    fn put_back(&self, uses: Vec<(Used, Instant)>) {
        let mut pending = self.lock();
        for (used, at) in uses {
            let latest = pending.entry(used).or_insert(at);
            *latest = at.max(*latest);
        }
    }

    /// Whether the log should say again that nothing can be written.
    fn may_warn(&self) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let due = warned.is_none_or(|last| last.elapsed() >= WARNING_INTERVAL);
        if due {
            *warned = Some(Stopwatch::now());
        }
        due
    }
}

/// Writes recorded uses every few seconds, until the service stops.
pub(crate) async fn run(last_use: Arc<LastUse>, pool: Pool, signals: Arc<Signals>) {
    let mut stop = signals.subscribe();
    while !signals.is_stopping() {
        tokio::select! {
            () = tokio::time::sleep(FLUSH_INTERVAL) => {}
            _ = stop.changed() => continue,
        }
        flush(&last_use, &pool).await;
    }
}

/// Writes what is left, when no request is under way any more.
pub(crate) async fn finish(last_use: &LastUse, pool: &Pool) {
    let _ = tokio::time::timeout(FINAL_FLUSH_TIMEOUT, flush(last_use, pool)).await;
}

async fn flush(last_use: &LastUse, pool: &Pool) {
    let uses: Vec<_> = std::mem::take(&mut *last_use.lock()).into_iter().collect();
    if uses.is_empty() {
        return;
    }
    let unwritten = uses.clone();
    let write = move |store: &mut Store| -> Result<(), ServiceError> {
        Ok(uses.into_iter().try_for_each(|(used, at)| match used {
            Used::Key(key) => store.touch_api_key(key, at),
            Used::Session(session) => store.touch_session(session, at),
            Used::ScimToken(token) => store.touch_scim_token(token, at),
        })?)
    };
    if let Err(error) = pool.with(write).await {
        // What was written is not written again: the store has a use of that minute.
        last_use.put_back(unwritten);
        if last_use.may_warn() {
            tracing::warn!(%error, "the last use of API keys and sessions cannot be recorded; it is tried again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_use_is_recorded_once_a_minute() {
        let last_use = LastUse::default();
        let key = Uuid::from_u128(1);
        last_use.record(Used::Key(key), Some(at(100)), at(159));
        assert_eq!(last_use.latest(key, Some(at(100))), Some(at(100)));
        last_use.record(Used::Key(key), Some(at(100)), at(160));
        assert_eq!(last_use.latest(key, Some(at(100))), Some(at(160)));
        last_use.record(Used::Key(Uuid::from_u128(2)), None, at(5));
        assert_eq!(last_use.latest(Uuid::from_u128(2), None), Some(at(5)));
    }

    #[test]
    fn a_use_of_a_clock_that_was_ahead_hides_no_later_one() {
        let last_use = LastUse::default();
        let key = Uuid::from_u128(1);
        // Another replica may be ahead by a little.
        last_use.record(Used::Key(key), Some(at(1_200)), at(1_000));
        assert!(last_use.lock().is_empty());
        last_use.record(Used::Key(key), Some(at(1_000_000)), at(1_000));
        assert_eq!(last_use.lock().get(&Used::Key(key)), Some(&at(1_000)));
    }

    #[test]
    fn what_could_not_be_written_is_kept_unless_a_later_use_was_recorded() {
        let last_use = LastUse::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        last_use.record(Used::Key(one), None, at(9));
        last_use.put_back(vec![(Used::Key(one), at(5)), (Used::Key(other), at(6))]);
        assert_eq!(last_use.latest(one, None), Some(at(9)));
        assert_eq!(last_use.latest(other, None), Some(at(6)));
    }

    #[test]
    fn memory_is_bounded() {
        let last_use = LastUse::default();
        for number in 0..2 * MAX_PENDING as u128 {
            last_use.record(Used::Key(Uuid::from_u128(number)), None, at(0));
        }
        assert_eq!(last_use.lock().len(), MAX_PENDING);
    }
}
