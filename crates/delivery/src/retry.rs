//! When to try again: what can heal, a bounded number of times, later each time and never all at once.

use std::time::Duration;

use uuid::Uuid;

use crate::DeliveryError;

/// How often and how patiently attempts are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The longest pause before the second attempt; each further one may be twice as long.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

impl Default for Patience {
    /// Nine attempts over about two minutes.
    fn default() -> Self {
        Self { attempts: 9, first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

impl Patience {
    /// One attempt.
    pub const NONE: Self = Self { attempts: 1, first: Duration::ZERO, longest: Duration::ZERO };

    /// The pause after a number of failed attempts, or nothing when it is not worth another. `random` between 0
    /// and 1 spreads those who failed together: a pause is between half of its length and all of it.
    #[must_use]
    pub fn pause(&self, failed: u32, error: &DeliveryError, random: f64) -> Option<Duration> {
        if failed >= self.attempts || !error.heals() {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << failed.saturating_sub(1).min(16));
        Some(doubled.min(self.longest).mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0)))
    }

    /// Runs attempts until one succeeds, or the last failure; counts those made again.
    pub(crate) fn attempt<T>(
        &self,
        retries: &mut usize,
        mut attempt: impl FnMut() -> Result<T, DeliveryError>,
    ) -> Result<T, DeliveryError> {
        let mut failed = 0;
        loop {
            let error = match attempt() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            failed += 1;
            let Some(pause) = self.pause(failed, &error, random()) else { return Err(error) };
            *retries += 1;
            std::thread::sleep(pause);
        }
    }
}

/// A number between 0 and 1, from the same randomness as UUIDs.
fn random() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    (high >> 16) as f64 / (1_u64 << 48) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let busy = DeliveryError::Throttled { answer: Box::default() };
        let patience = Patience::default();
        let pause = |failed| patience.pause(failed, &busy, 1.0).map(|pause| pause.as_millis());
        assert_eq!(pause(1), Some(500));
        assert_eq!(pause(2), Some(1000));
        assert_eq!(pause(8), Some(30_000));
        assert_eq!(pause(9), None);
        assert_eq!(patience.pause(1, &busy, 0.0), Some(Duration::from_millis(250)));
        assert_eq!(Patience::NONE.pause(1, &busy, 0.5), None);
    }

    #[test]
    fn what_cannot_heal_is_not_tried_again() {
        let denied = DeliveryError::NoSuchBucket { bucket: "b".into(), answer: Box::default() };
        assert_eq!(Patience::default().pause(1, &denied, 0.5), None);
        let mut retries = 0;
        let patience = Patience { attempts: 3, first: Duration::ZERO, longest: Duration::ZERO };
        let busy = || DeliveryError::Unavailable { answer: Box::default() };
        assert!(patience.attempt::<()>(&mut retries, || Err(busy())).is_err());
        assert_eq!(retries, 2);
        let mut first = true;
        let second =
            patience.attempt(&mut retries, || if std::mem::take(&mut first) { Err(busy()) } else { Ok(7) });
        assert_eq!((second.ok(), retries), (Some(7), 3));
        assert!((0.0..1.0).contains(&random()));
    }
}
