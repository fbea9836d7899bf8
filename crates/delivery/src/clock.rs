//! The clock: for signatures, deadlines and the pauses between attempts.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::CancellationToken;

/// A source of time: the system's clock, or a simulated one that only waits move.
#[derive(Clone)]
pub struct DeliveryClock(Source);

#[derive(Clone)]
enum Source {
    System { start: Instant },
    Simulated { start: Timestamp, now: Arc<Mutex<Timestamp>> },
}

impl DeliveryClock {
    /// Returns the system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System { start: Instant::now() })
    }

    /// Creates a clock that starts at an instant. Waits move it, and return at once.
    #[must_use]
    pub fn simulated(start: Timestamp) -> Self {
        Self(Source::Simulated { start, now: Arc::new(Mutex::new(start)) })
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => Timestamp::now(),
            Source::Simulated { now, .. } => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Returns the time since the clock was created. Setting the system's time does not change it.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System { start } => start.elapsed(),
            Source::Simulated { start, .. } => {
                Duration::try_from(self.now().duration_since(*start)).unwrap_or_default()
            }
        }
    }

    /// Waits, or returns early when the work is cancelled.
    pub fn wait(&self, duration: Duration, cancellation: &CancellationToken) {
        match &self.0 {
            Source::System { .. } => cancellation.wait(duration),
            Source::Simulated { now, .. } => {
                if !cancellation.is_cancelled() {
                    let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
                    let step = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
                    *now = now.checked_add(step).unwrap_or(Timestamp::MAX);
                }
            }
        }
    }
}

impl fmt::Debug for DeliveryClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
