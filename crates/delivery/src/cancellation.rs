//! Cancellation of work that waits for a server, or for its next attempt.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::DeliveryClock;

/// How often a wait checks for a reason that is not announced, such as a deadline.
const POLL: Duration = Duration::from_millis(50);

/// Why work was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// A person asked for it.
    Requested,
    /// The time limit for the whole work was reached.
    DeadlineExceeded(Duration),
    /// The process stops.
    Shutdown,
    /// The lease under which the work was done is lost.
    LeaseLost,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requested => f.write_str("it was cancelled"),
            Self::DeadlineExceeded(limit) => {
                write!(f, "it was not finished within {}", DisplayDuration(*limit))
            }
            Self::Shutdown => f.write_str("the service stopped"),
            Self::LeaseLost => f.write_str("its lease ended"),
        }
    }
}

/// Displays a duration in its most readable unit.
pub(crate) struct DisplayDuration(pub(crate) Duration);

impl fmt::Display for DisplayDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0 => write!(f, "{} ms", self.0.as_millis()),
            _ if seconds.is_multiple_of(3600) => write!(f, "{} h", seconds / 3600),
            _ if seconds.is_multiple_of(60) => write!(f, "{} min", seconds / 60),
            _ => write!(f, "{seconds} s"),
        }
    }
}

/// Cancels work. Clones share their state.
#[derive(Clone, Default)]
pub struct CancellationToken(Arc<Shared>);

#[derive(Default)]
struct Shared {
    reason: Mutex<Option<CancelReason>>,
    cancelled: Condvar,
    check: Option<Box<dyn Fn() -> Option<CancelReason> + Send + Sync>>,
}

impl CancellationToken {
    /// Creates a token that only [`CancellationToken::cancel`] cancels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a token that is also cancelled as soon as `check` returns a reason.
    #[must_use]
    pub fn with_check(check: impl Fn() -> Option<CancelReason> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { check: Some(Box::new(check)), ..Shared::default() }))
    }

    /// Creates a token that is cancelled with this one, and when `limit` has passed by the clock.
    #[must_use]
    pub fn with_deadline(&self, clock: &DeliveryClock, limit: Duration) -> Self {
        let (parent, clock) = (self.clone(), clock.clone());
        let end = clock.elapsed().saturating_add(limit);
        Self::with_check(move || {
            let is_over = clock.elapsed() >= end;
            parent.reason().or_else(|| is_over.then_some(CancelReason::DeadlineExceeded(limit)))
        })
    }

    /// Cancels the work. The first reason stays.
    pub fn cancel(&self, reason: CancelReason) {
        self.lock().get_or_insert(reason);
        self.0.cancelled.notify_all();
    }

    /// Returns why the work was cancelled; `None` while it may continue.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        if let Some(reason) = *self.lock() {
            return Some(reason);
        }
        let found = self.0.check.as_ref().and_then(|check| check());
        found.map(|reason| *self.lock().get_or_insert(reason))
    }

    /// Whether the work was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reason().is_some()
    }

    /// Waits for `duration` of real time, or until the work is cancelled.
    pub(crate) fn wait(&self, duration: Duration) {
        let end = Instant::now() + duration;
        while !self.is_cancelled() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let reason = self.lock();
            if reason.is_none() {
                // A spurious wake-up only looks at the condition again.
                let _ = self.0.cancelled.wait_timeout(reason, left.min(POLL));
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<CancelReason>> {
        self.0.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancellationToken").field(&self.reason()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_stays() {
        let token = CancellationToken::new();
        assert_eq!(token.reason(), None);
        token.cancel(CancelReason::Requested);
        token.cancel(CancelReason::Shutdown);
        assert_eq!(token.reason(), Some(CancelReason::Requested));
    }

    #[test]
    fn a_deadline_follows_the_clock_and_the_parent_comes_first() {
        let clock = DeliveryClock::simulated("2026-01-01T00:00:00Z".parse().unwrap());
        let limit = Duration::from_secs(10);
        let (parent, other) = (CancellationToken::new(), CancellationToken::new());
        let (token, cancelled) = (parent.with_deadline(&clock, limit), other.with_deadline(&clock, limit));
        other.cancel(CancelReason::Requested);
        clock.wait(Duration::from_secs(9), &parent);
        assert_eq!(token.reason(), None);
        clock.wait(Duration::from_secs(1), &parent);
        assert_eq!(token.reason(), Some(CancelReason::DeadlineExceeded(limit)));
        assert_eq!(cancelled.reason(), Some(CancelReason::Requested));
        assert_eq!(parent.reason(), None);
    }

    #[test]
    fn a_wait_ends_when_it_is_cancelled() {
        let token = CancellationToken::new();
        let waiting = token.clone();
        let thread = std::thread::spawn(move || waiting.wait(Duration::from_secs(3600)));
        token.cancel(CancelReason::Requested);
        thread.join().unwrap();
    }
}
