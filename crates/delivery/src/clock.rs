//! The clock: for signatures, deadlines and the pauses between attempts.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use uuid::Uuid;

use crate::CancellationToken;

/// Time that a simulation controls.
pub trait TimeSource: fmt::Debug + Send + Sync {
    /// Returns the time, which may be set ahead and back.
    fn now(&self) -> Timestamp;

    /// Returns the time since a fixed moment; it is monotonic.
    fn elapsed(&self) -> Duration;

    /// Waits, unless the work is cancelled before.
    fn wait(&self, duration: Duration, cancellation: &CancellationToken);

    /// Returns a number from 0 to 1 that randomizes a delay.
    fn jitter(&self) -> f64;
}

/// A source of time: the system's clock, a simulated one that only waits move, or a [`TimeSource`].
#[derive(Clone)]
pub struct DeliveryClock(Source);

#[derive(Clone)]
enum Source {
    System { start: Instant },
    Simulated { start: Timestamp, now: Arc<Mutex<Timestamp>> },
    External(Arc<dyn TimeSource>),
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

    /// Creates a clock with the time of a simulation.
    #[must_use]
    pub fn from_source(source: Arc<dyn TimeSource>) -> Self {
        Self(Source::External(source))
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { .. } => Timestamp::now(),
            Source::Simulated { now, .. } => *now.lock().unwrap_or_else(PoisonError::into_inner),
            Source::External(source) => source.now(),
        }
    }

    /// A number from 0 to 1 that spreads what would otherwise happen at once.
    pub(crate) fn jitter(&self) -> f64 {
        match &self.0 {
            // The same randomness as that of UUIDs.
            Source::System { .. } | Source::Simulated { .. } => {
                (Uuid::new_v4().as_u64_pair().0 >> 16) as f64 / (1_u64 << 48) as f64
            }
            Source::External(source) => source.jitter(),
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
            Source::External(source) => source.elapsed(),
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
            Source::External(source) => source.wait(duration, cancellation),
        }
    }
}

impl fmt::Debug for DeliveryClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
