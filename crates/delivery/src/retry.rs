//! The retry policy: transient errors, a limited number of times, with growing and random pauses.

use std::time::Duration;

use crate::{CallContext, DeliveryError, DeliveryNotice};

/// Attempts at calls whose errors are rarely transient: enough for a short disturbance.
const FEW_ATTEMPTS: u32 = 3;

/// Whether an error is transient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    /// It is not: somebody has to change something first.
    Never,
    /// One more attempt, with new credentials.
    Once,
    /// A few attempts within seconds: most likely it is not.
    Few,
    /// As many attempts as are configured.
    Often,
}

impl DeliveryError {
    /// Returns whether the error is transient.
    #[must_use]
    pub fn retry_class(&self) -> RetryClass {
        match self {
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Damaged { .. }
            | Self::Unreachable { .. } => RetryClass::Often,
            Self::HostNotFound { .. } | Self::TlsFailed { .. } | Self::InvalidResponse { .. } => {
                RetryClass::Few
            }
            // Credentials that nobody renews are refused again.
            Self::ExpiredSession { .. } => RetryClass::Once,
            Self::NotADirectory { .. }
            | Self::NotWritable { .. }
            | Self::Full { .. }
            | Self::Io { .. }
            | Self::Configuration { .. }
            | Self::NoCredentials { .. }
            | Self::BadCredentials { .. }
            | Self::ClockSkew { .. }
            | Self::MissingPermission { .. }
            | Self::RoleRefused { .. }
            | Self::NoSuchBucket { .. }
            | Self::WrongRegion { .. }
            | Self::KmsUnusable { .. }
            | Self::LimitExceeded { .. }
            | Self::Cancelled { .. }
            | Self::Untrusted { .. }
            | Self::Refused { .. } => RetryClass::Never,
        }
    }

    /// Whether the same call can succeed a little later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retry_class() != RetryClass::Never
    }
}

/// How often, and after which pauses, a failed call is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included.
    pub attempts: u32,
    /// The longest pause before the second attempt; each further one may be twice as long.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    /// Nine attempts over about two minutes.
    fn default() -> Self {
        Self { attempts: 9, first: Duration::from_millis(500), longest: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// One attempt.
    pub const NONE: Self = Self { attempts: 1, first: Duration::ZERO, longest: Duration::ZERO };

    /// Returns the number of attempts for an error, the first included.
    #[must_use]
    pub fn attempts_for(&self, error: &DeliveryError) -> u32 {
        match error.retry_class() {
            RetryClass::Never => 1,
            RetryClass::Once => self.attempts.min(2),
            RetryClass::Few => self.attempts.min(FEW_ATTEMPTS),
            RetryClass::Often => self.attempts,
        }
    }

    /// Returns the pause after a number of failed attempts; `None` when there is no further attempt. `random` between 0
    /// and 1 spreads callers that failed together: a pause is between half of its length and all of it.
    #[must_use]
    pub fn pause(&self, failed: u32, error: &DeliveryError, random: f64) -> Option<Duration> {
        if failed >= self.attempts_for(error) {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << failed.saturating_sub(1).min(16));
        Some(doubled.min(self.longest).mul_f64(0.5 + 0.5 * random.clamp(0.0, 1.0)))
    }

    /// Repeats a call until it succeeds, no further attempt is left or the work is cancelled; counts the repetitions.
    pub(crate) fn retry<T>(
        &self,
        call_context: &CallContext,
        call: &str,
        retries: &mut usize,
        mut attempt: impl FnMut() -> Result<T, DeliveryError>,
    ) -> Result<T, DeliveryError> {
        let mut failed = 0;
        loop {
            call_context.check()?;
            let error = match attempt() {
                Ok(done) => {
                    if failed > 0 {
                        call_context.notices.send(&DeliveryNotice::Recovered { call: call.to_owned() });
                    }
                    return Ok(done);
                }
                Err(error) => error,
            };
            failed += 1;
            let Some(wait) = self.pause(failed, &error, call_context.clock.jitter()) else {
                return Err(error);
            };
            *retries += 1;
            call_context.notices.send(&DeliveryNotice::Retrying {
                call: call.to_owned(),
                error: error.problem(),
                kind: error.kind(),
                attempt: failed + 1,
                attempts: self.attempts_for(&error),
                wait,
            });
            call_context.wait(wait)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{CancelReason, DeliveryClock, NoticeHandler};

    fn simulated() -> CallContext {
        CallContext {
            clock: DeliveryClock::simulated("2026-01-01T00:00:00Z".parse().unwrap()),
            ..CallContext::new()
        }
    }

    fn busy() -> DeliveryError {
        DeliveryError::Throttled { response: Box::default() }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end() {
        let retry_policy = RetryPolicy::default();
        let pause = |failed| retry_policy.pause(failed, &busy(), 1.0).map(|pause| pause.as_millis());
        assert_eq!(pause(1), Some(500));
        assert_eq!(pause(2), Some(1000));
        assert_eq!(pause(8), Some(30_000));
        assert_eq!(pause(9), None);
        assert_eq!(retry_policy.pause(1, &busy(), 0.0), Some(Duration::from_millis(250)));
        assert_eq!(RetryPolicy::NONE.pause(1, &busy(), 0.5), None);
    }

    #[test]
    fn what_cannot_heal_is_not_tried_again() {
        let denied = DeliveryError::NoSuchBucket { bucket: "b".into(), response: Box::default() };
        assert_eq!(RetryPolicy::default().pause(1, &denied, 0.5), None);
        let (call_context, mut retries) = (simulated(), 0);
        let retry_policy = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
        assert!(retry_policy.retry::<()>(&call_context, "list", &mut retries, || Err(busy())).is_err());
        assert_eq!(retries, 2);
        let mut first = true;
        let second = retry_policy.retry(&call_context, "list", &mut retries, || {
            if std::mem::take(&mut first) { Err(busy()) } else { Ok(7) }
        });
        assert_eq!((second.ok(), retries), (Some(7), 3));
        assert!((0.0..1.0).contains(&DeliveryClock::system().jitter()));
    }

    #[test]
    fn what_hardly_heals_is_over_within_seconds() {
        let (call_context, retry_policy) = (simulated(), RetryPolicy::default());
        for (error, attempts) in [
            (DeliveryError::HostNotFound { host: "h".into() }, 3),
            (DeliveryError::ExpiredSession { response: Box::default() }, 2),
            (DeliveryError::Configuration { message: String::new() }, 1),
        ] {
            let (mut made, mut error) = (0, Some(error));
            let before = call_context.clock.elapsed();
            let kind = error.as_ref().unwrap().kind();
            let result = retry_policy.retry::<()>(&call_context, "put", &mut 0, || {
                made += 1;
                let next = match error.as_ref().unwrap() {
                    DeliveryError::HostNotFound { .. } => DeliveryError::HostNotFound { host: "h".into() },
                    DeliveryError::ExpiredSession { .. } => {
                        DeliveryError::ExpiredSession { response: Box::default() }
                    }
                    _ => DeliveryError::Configuration { message: String::new() },
                };
                Err(error.replace(next).unwrap())
            });
            assert!(result.is_err());
            assert_eq!(made, attempts, "{kind}");
            assert!(call_context.clock.elapsed() - before < Duration::from_secs(2), "{kind}");
        }
    }

    #[test]
    fn every_retry_is_reported_with_its_attempt_and_pause() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let receive = Arc::clone(&told);
        let notices = NoticeHandler::new(move |notice| receive.lock().unwrap().push(notice.clone()));
        let call_context = CallContext { notices, ..simulated() };
        let mut failures = 2;
        let done = RetryPolicy::default().retry(&call_context, "list v1/", &mut 0, || {
            failures -= 1;
            if failures >= 0 { Err(busy()) } else { Ok(()) }
        });
        assert!(done.is_ok());
        let told = told.lock().unwrap();
        let attempts = told.iter().map(|notice| match notice {
            DeliveryNotice::Retrying { call, attempt, attempts, wait, kind, .. } => {
                assert_eq!((call.as_str(), *kind), ("list v1/", "throttled"));
                assert!(*wait >= Duration::from_millis(250));
                (*attempt, *attempts)
            }
            DeliveryNotice::Recovered { .. } => (0, 0),
            notice => panic!("{notice:?}"),
        });
        assert_eq!(attempts.collect::<Vec<_>>(), [(2, 9), (3, 9), (0, 0)]);
    }

    #[test]
    fn a_wait_between_attempts_ends_when_the_work_is_cancelled() {
        let call_context = CallContext::new();
        let cancel = call_context.cancellation.clone();
        let retry_policy =
            RetryPolicy { attempts: 9, first: Duration::from_secs(3600), longest: Duration::from_secs(3600) };
        let result = retry_policy.retry::<()>(&call_context, "put", &mut 0, || {
            cancel.cancel(CancelReason::Requested);
            Err(busy())
        });
        assert_eq!(result.unwrap_err().kind(), "cancelled");
    }

    #[test]
    fn attempts_end_with_the_deadline_of_the_whole_work() {
        let call_context = simulated().with_deadline(Duration::from_secs(40));
        let retry_policy = RetryPolicy { attempts: u32::MAX, ..RetryPolicy::default() };
        let result = retry_policy.retry::<()>(&call_context, "put", &mut 0, || Err(busy()));
        assert_eq!(result.unwrap_err().kind(), "deadline-exceeded");
        assert!(call_context.clock.elapsed() < Duration::from_secs(80));
    }
}
