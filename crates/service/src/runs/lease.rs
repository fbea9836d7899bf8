//! The lease of an export: one run at a time, on whichever replica.
//!
//! It is stored in the database, expires by itself, and is renewed while the run goes on. A replica that loses it stops:
//! two runs into one bucket at once could leave parts of two days there. A process that was paused finds by the clock
//! that its lease has expired, before its next file; what it records later is rejected by its fence.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domesday_delivery::{CancelReason, CancellationToken};
use domesday_model::Instant;
use domesday_store::{Fence, Store};

use super::context::RunContext;
use crate::clock::Clock;
use crate::error::ServiceError;

/// How long a lease lasts without being renewed, in microseconds: more than replicas' clocks may differ by.
const DURATION_MICROS: i64 = 60_000_000;

/// How often it is renewed.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(15);

/// How soon it is tried again when the database did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Cancels a run: somebody asked for it, the service stops, or the lease has expired. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct RunCancellation {
    /// The token that the run checks.
    pub(super) token: CancellationToken,
    term: Arc<LeaseTerm>,
}

/// How long the lease is held, by the clock and by the machine's own time: a clock that is set back must not make a lease
/// longer for its holder than for others.
#[derive(Debug)]
struct LeaseTerm {
    clock: Clock,
    until: AtomicI64,
    /// By the machine's own time.
    renewed_at: Mutex<Duration>,
}

impl LeaseTerm {
    fn renew(&self, until: Instant) {
        self.until.store(until.as_micros(), Ordering::Relaxed);
        *self.renewed_at.lock().unwrap_or_else(PoisonError::into_inner) = self.clock.elapsed();
    }

    fn has_expired(&self) -> bool {
        let renewed_at = *self.renewed_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.clock.now().as_micros() >= self.until.load(Ordering::Relaxed)
            || self.clock.elapsed().saturating_sub(renewed_at).as_micros()
                >= u128::from(DURATION_MICROS.unsigned_abs())
    }
}

impl RunCancellation {
    fn new(clock: Clock, expires_at: Instant) -> Self {
        let until = AtomicI64::new(expires_at.as_micros());
        let renewed_at = Mutex::new(clock.elapsed());
        let term = Arc::new(LeaseTerm { clock, until, renewed_at });
        let checked = Arc::clone(&term);
        let token =
            CancellationToken::with_check(move || checked.has_expired().then_some(CancelReason::LeaseLost));
        Self { token, term }
    }

    pub(super) fn cancel(&self, reason: CancelReason) {
        self.token.cancel(reason);
    }

    pub(super) fn has_expired(&self) -> bool {
        self.term.has_expired()
    }
}

/// A lease that is held and renewed until it is given back.
pub(super) struct Lease {
    context: RunContext,
    /// Everything that is written under the lease is written with it.
    pub(super) fence: Fence,
    /// Cancelled when the lease is lost.
    pub(super) cancellation: RunCancellation,
    renewal: tokio::task::JoinHandle<()>,
}

fn expiry(now: Instant) -> Instant {
    Instant::from_micros(now.as_micros() + DURATION_MICROS)
}

impl Lease {
    /// Takes the lease of an export; `None` when another replica has it.
    pub(super) async fn take(context: &RunContext, export: &str) -> Result<Option<Self>, ServiceError> {
        let name = format!("export:{export}");
        let (holder, now) = (context.replica.to_string(), context.now());
        let acquire = move |store: &mut Store| -> Result<_, ServiceError> {
            Ok(store.acquire_lease(&name, &holder, now, expiry(now))?)
        };
        let Some(fence) = context.pool.with(acquire).await? else { return Ok(None) };
        let cancellation = RunCancellation::new(context.clock.clone(), expiry(now));
        let renewal = tokio::spawn(renew(context.clone(), fence.clone(), cancellation.clone()));
        Ok(Some(Self { context: context.clone(), fence, cancellation, renewal }))
    }

    /// Gives the lease back.
    pub(super) async fn release(self) {
        self.renewal.abort();
        let fence = self.fence;
        let release =
            move |store: &mut Store| -> Result<(), ServiceError> { Ok(store.release_lease(&fence)?) };
        if self.context.pool.with(release).await.is_err() {
            tracing::warn!("the lease could not be given back; it ends by itself");
        }
    }
}

impl Lease {
    /// Renews the lease no longer, and leaves it to end by itself: what was done under it may not have ended yet.
    pub(super) fn abandon(self) {
        self.renewal.abort();
    }
}

async fn renew(context: RunContext, fence: Fence, cancellation: RunCancellation) {
    let mut wait = RENEWAL_INTERVAL;
    loop {
        context.clock.sleep(std::mem::replace(&mut wait, RENEWAL_INTERVAL)).await;
        let (fence, now) = (fence.clone(), context.now());
        let renew = move |store: &mut Store| -> Result<bool, ServiceError> {
            Ok(store.renew_lease(&fence, now, expiry(now))?)
        };
        match context.pool.with(renew).await {
            Ok(true) => cancellation.term.renew(expiry(now)),
            // A database that does not answer takes the lease away only once it has ended.
            Err(_) if !cancellation.has_expired() => wait = RETRY_AFTER,
            Ok(false) | Err(_) => {
                tracing::error!("the run's lease is lost; the run stops");
                cancellation.cancel(CancelReason::LeaseLost);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_stops_when_its_lease_has_ended_whether_somebody_says_so_or_not() {
        let clock = Clock::standing_at(Instant::from_micros(0));
        let cancellation = RunCancellation::new(clock.clone(), Instant::from_micros(10));
        assert_eq!(cancellation.token.reason(), None);
        cancellation.term.renew(Instant::from_micros(20));
        clock.set(Instant::from_micros(10));
        assert_eq!(cancellation.token.reason(), None, "renewed");
        clock.set(Instant::from_micros(20));
        assert_eq!(cancellation.token.reason(), Some(CancelReason::LeaseLost));
        let cancellation = RunCancellation::new(clock, Instant::from_micros(30));
        cancellation.cancel(CancelReason::Shutdown);
        assert_eq!(cancellation.token.reason(), Some(CancelReason::Shutdown));
    }
}
