//! The time: what signatures carry, what deadlines are measured by, and how attempts wait for each other.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::CancellationToken;

/// Where the time comes from: the system's clock, or one whose waits only move it.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System { start: Instant },
    Simulated { start: Timestamp, now: Arc<Mutex<Timestamp>> },
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System { start: Instant::now() })
    }

    /// A clock that starts at an instant and is moved by waits alone, which return at once.
    #[must_use]
    pub fn simulated(start: Timestamp) -> Self {
        Self(Source::Simulated { start, now: Arc::new(Mutex::new(start)) })
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => Timestamp::now(),
            Source::Simulated { now, .. } => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// The time since the clock was made. Setting the system's time does not change it.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Source::System { start } => start.elapsed(),
            Source::Simulated { start, .. } => {
                Duration::try_from(self.now().duration_since(*start)).unwrap_or_default()
            }
        }
    }

    /// Waits, unless the work is cancelled before.
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

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
