//! The lease of an export: one run at a time, whichever replica does it.
//!
//! It is held in the database, ends by itself, and is made longer while the run goes on. Whoever loses it stops:
//! two runs into one bucket at once could leave parts of two days there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domesday_model::Instant;
use domesday_store::Store;

use crate::problem::Problem;
use crate::service::App;

/// How long a lease lasts without being renewed, in microseconds: more than replicas' clocks may differ by.
const LASTS_MICROS: i64 = 60_000_000;

/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// A word to a run that it is to stop; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Halt(Arc<AtomicBool>);

impl Halt {
    pub(super) fn say(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_said(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A lease that is held and renewed until it is given back.
pub(super) struct Lease {
    app: App,
    name: String,
    renewal: tokio::task::JoinHandle<()>,
}

fn end(now: Instant) -> Instant {
    Instant::from_micros(now.as_micros() + LASTS_MICROS)
}

impl Lease {
    /// Takes the lease of an export; `None` when another replica has it. `halt` is said when it gets lost.
    pub(super) async fn take(app: &App, export: &str, halt: &Halt) -> Result<Option<Self>, Problem> {
        let name = format!("export:{export}");
        let (holder, now) = (app.replica.to_string(), app.now());
        let taken = {
            let name = name.clone();
            let acquire = move |store: &mut Store| -> Result<bool, Problem> {
                Ok(store.acquire_lease(&name, &holder, now, end(now))?)
            };
            app.pool.with(acquire).await?
        };
        if !taken {
            return Ok(None);
        }
        let renewal = tokio::spawn(renew(app.clone(), name.clone(), halt.clone()));
        Ok(Some(Self { app: app.clone(), name, renewal }))
    }

    /// Gives the lease back.
    pub(super) async fn release(self) {
        self.renewal.abort();
        let (name, holder) = (self.name, self.app.replica.to_string());
        let release =
            move |store: &mut Store| -> Result<(), Problem> { Ok(store.release_lease(&name, &holder)?) };
        if self.app.pool.with(release).await.is_err() {
            tracing::warn!("the lease could not be given back; it ends by itself");
        }
    }
}

async fn renew(app: App, name: String, halt: Halt) {
    let mut held_until = end(app.now());
    loop {
        tokio::time::sleep(RENEW_EVERY).await;
        let (name, holder, now) = (name.clone(), app.replica.to_string(), app.now());
        let renew = move |store: &mut Store| -> Result<bool, Problem> {
            Ok(store.renew_lease(&name, &holder, now, end(now))?)
        };
        match app.pool.with(renew).await {
            Ok(true) => held_until = end(now),
            // A database that does not answer takes the lease away only once it has ended.
            Err(_) if app.now() < held_until => {}
            Ok(false) | Err(_) => {
                tracing::error!("the run's lease is lost; the run stops");
                halt.say();
                return;
            }
        }
    }
}
