//! The lease of an export: one run at a time, whichever replica does it.
//!
//! It is held in the database, ends by itself, and is made longer while the run goes on. Whoever loses it stops:
//! two runs into one bucket at once could leave parts of two days there. A process that was paused finds by the
//! clock that its lease has ended, before its next file; what it records later than that its fence keeps out.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Stopwatch};

use domesday_delivery::{CancelReason, CancellationToken};
use domesday_model::Instant;
use domesday_store::{Fence, Store};

use crate::clock::Clock;
use crate::problem::Problem;
use crate::service::App;

/// How long a lease lasts without being renewed, in microseconds: more than replicas' clocks may differ by.
const LASTS_MICROS: i64 = 60_000_000;

/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// How soon it is tried again when the database did not answer.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What ends a run: somebody cancels it, the service stops, or its lease has ended. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Halt {
    /// What the run looks at.
    pub(super) cancellation: CancellationToken,
    held: Arc<Held>,
}

/// How long the lease is held, by the clock and by the machine's own time: a clock that is set back must not make a lease
/// longer for its holder than for others.
#[derive(Debug)]
struct Held {
    clock: Clock,
    until: AtomicI64,
    renewed_at: Mutex<Stopwatch>,
}

impl Held {
    fn renew(&self, until: Instant) {
        self.until.store(until.as_micros(), Ordering::Relaxed);
        *self.renewed_at.lock().unwrap_or_else(PoisonError::into_inner) = Stopwatch::now();
    }

    fn has_ended(&self) -> bool {
        let renewed_at = *self.renewed_at.lock().unwrap_or_else(PoisonError::into_inner);
        self.clock.now().as_micros() >= self.until.load(Ordering::Relaxed)
            || renewed_at.elapsed().as_micros() >= u128::from(LASTS_MICROS.unsigned_abs())
    }
}

impl Halt {
    fn new(clock: Clock, held_until: Instant) -> Self {
        let until = AtomicI64::new(held_until.as_micros());
        let held = Arc::new(Held { clock, until, renewed_at: Mutex::new(Stopwatch::now()) });
        let checked = Arc::clone(&held);
        let cancellation =
            CancellationToken::with_check(move || checked.has_ended().then_some(CancelReason::LeaseLost));
        Self { cancellation, held }
    }

    pub(super) fn cancel(&self, reason: CancelReason) {
        self.cancellation.cancel(reason);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.held.has_ended()
    }
}

/// A lease that is held and renewed until it is given back.
pub(super) struct Lease {
    app: App,
    /// What is written under the lease is written with it.
    pub(super) fence: Fence,
    /// Says when the lease is lost.
    pub(super) halt: Halt,
    renewal: tokio::task::JoinHandle<()>,
}

fn end(now: Instant) -> Instant {
    Instant::from_micros(now.as_micros() + LASTS_MICROS)
}

impl Lease {
    /// Takes the lease of an export; `None` when another replica has it.
    pub(super) async fn take(app: &App, export: &str) -> Result<Option<Self>, Problem> {
        let name = format!("export:{export}");
        let (holder, now) = (app.replica.to_string(), app.now());
        let acquire = move |store: &mut Store| -> Result<_, Problem> {
            Ok(store.acquire_lease(&name, &holder, now, end(now))?)
        };
        let Some(fence) = app.pool.with(acquire).await? else { return Ok(None) };
        let halt = Halt::new(app.clock.clone(), end(now));
        let renewal = tokio::spawn(renew(app.clone(), fence.clone(), halt.clone()));
        Ok(Some(Self { app: app.clone(), fence, halt, renewal }))
    }

    /// Gives the lease back.
    pub(super) async fn release(self) {
        self.renewal.abort();
        let fence = self.fence;
        let release = move |store: &mut Store| -> Result<(), Problem> { Ok(store.release_lease(&fence)?) };
        if self.app.pool.with(release).await.is_err() {
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

async fn renew(app: App, fence: Fence, halt: Halt) {
    let mut wait = RENEW_EVERY;
    loop {
        tokio::time::sleep(std::mem::replace(&mut wait, RENEW_EVERY)).await;
        let (fence, now) = (fence.clone(), app.now());
        let renew = move |store: &mut Store| -> Result<bool, Problem> {
            Ok(store.renew_lease(&fence, now, end(now))?)
        };
        match app.pool.with(renew).await {
            Ok(true) => halt.held.renew(end(now)),
            // A database that does not answer takes the lease away only once it has ended.
            Err(_) if !halt.has_ended() => wait = RETRY_AFTER,
            Ok(false) | Err(_) => {
                tracing::error!("the run's lease is lost; the run stops");
                halt.cancel(CancelReason::LeaseLost);
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
        let halt = Halt::new(clock.clone(), Instant::from_micros(10));
        assert_eq!(halt.cancellation.reason(), None);
        halt.held.renew(Instant::from_micros(20));
        clock.set(Instant::from_micros(10));
        assert_eq!(halt.cancellation.reason(), None, "renewed");
        clock.set(Instant::from_micros(20));
        assert_eq!(halt.cancellation.reason(), Some(CancelReason::LeaseLost));
        let halt = Halt::new(clock, Instant::from_micros(30));
        halt.cancel(CancelReason::Shutdown);
        assert_eq!(halt.cancellation.reason(), Some(CancelReason::Shutdown));
    }
}
