//! Syncs by schedule.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use domesday_model::{Connection, Instant};
use domesday_store::{Store, SyncState};
use jiff::tz::TimeZone;

use crate::error::ServiceError;
use crate::schedule::Cron;
use crate::signals::Signals;

use super::sync::{SyncContext, SyncRequest, sync_now};

/// The actor of what the scheduler does.
const SCHEDULER: &str = "scheduler";

/// How long to wait after a failure of the database before it is asked again.
const DATABASE_RETRY: Duration = Duration::from_secs(30);

/// The longest wait in one piece: a connection may be configured through another replica meanwhile.
const LONGEST_WAIT_MICROS: i64 = 60_000_000;

/// The wait after the first of several failures, in microseconds; it doubles with each further one, up to the longest.
const FIRST_RETRY_MICROS: i64 = 5 * 60_000_000;
const LONGEST_RETRY_MICROS: i64 = 6 * 3_600_000_000;

/// Syncs the connections that are due, one task a process. A sync that another replica makes is left to it.
#[derive(Debug)]
pub(crate) struct SyncScheduler {
    context: SyncContext,
    signals: Arc<Signals>,
    /// How often the last syncs of a connection failed one after the other.
    failures: HashMap<String, u32>,
}

impl SyncScheduler {
    pub(crate) fn new(context: SyncContext, signals: Arc<Signals>) -> Self {
        Self { context, signals, failures: HashMap::new() }
    }

    /// Syncs connections until the service stops.
    pub(crate) async fn run(mut self) {
        let clock = self.context.clock.clone();
        let mut stop = self.signals.subscribe();
        while !self.signals.is_stopping() {
            let changes = clock.watch();
            let (next, retry) = match self.tick().await {
                Ok(next) => (next, None),
                Err(error) => {
                    tracing::error!(%error, "the schedules of connections could not be processed; they are tried again");
                    (None, Some(DATABASE_RETRY))
                }
            };
            let latest = Instant::from_micros(clock.now().as_micros().saturating_add(LONGEST_WAIT_MICROS));
            let next = next.map_or(latest, |next| next.min(latest));
            tokio::select! {
                biased;
                () = clock.wait_until(Some(next), changes), if retry.is_none() => {}
                () = clock.sleep(retry.unwrap_or_default()), if retry.is_some() => {}
                () = self.signals.sync_wake.notified() => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Syncs what is due, and returns when the next is.
    async fn tick(&mut self) -> Result<Option<Instant>, ServiceError> {
        let read = |store: &mut Store| -> Result<_, ServiceError> {
            let (mut found, mut complete) = (Vec::new(), BTreeMap::new());
            for object in store.connections()? {
                let since = object.updated_at;
                if let Some(sync) = store.last_complete_sync(&object.name)? {
                    complete.insert(object.name.clone(), sync.started_at);
                }
                let connection: Result<Connection, _> = serde_json::from_value(object.document);
                match connection {
                    Ok(connection) if connection.kind.secret_reference().is_some() => {}
                    Ok(connection) => {
                        let last = store.syncs(&connection.name, None, 1)?.pop();
                        found.push((connection, since, last));
                    }
                    Err(error) => {
                        tracing::error!(name = object.name, %error, "a connection is not processed");
                    }
                }
            }
            Ok((found, complete, store.drift_counts()?, store.tenant()?))
        };
        let (found, complete, drift, tenant) = self.context.pool.with(read).await?;
        let zone =
            tenant.and_then(|(tenant, _)| TimeZone::get(&tenant.time_zone).ok()).unwrap_or(TimeZone::UTC);
        self.context.metrics.complete_syncs(complete);
        self.context.metrics.drift_findings(drift);
        let mut next: Option<Instant> = None;
        for (connection, since, last) in found {
            if self.signals.is_stopping() {
                break;
            }
            let Some(cron) = connection.effective_schedule().and_then(|text| text.parse::<Cron>().ok())
            else {
                continue;
            };
            let now = self.context.clock.now();
            // One that was dated by a clock that was ahead does not keep the next from being made.
            let last = last.filter(|last| last.started_at <= now);
            let failed = last.as_ref().filter(|last| last.state == SyncState::Failed);
            let retry_at = failed.map(|last| self.retry_at(&connection.name, last.started_at));
            let since = last.as_ref().map_or(since, |last| last.started_at.max(since)).min(now);
            let is_due =
                cron.last_between(since, now, &zone).is_some() || retry_at.is_some_and(|at| at <= now);
            let mut at = cron.next_after(now, &zone);
            if is_due {
                self.sync(&connection.name).await;
            } else {
                at = [at, retry_at].into_iter().flatten().min();
            }
            next = [next, at].into_iter().flatten().min();
        }
        Ok(next)
    }

    fn retry_at(&self, name: &str, failed_at: Instant) -> Instant {
        let failures = self.failures.get(name).copied().unwrap_or(1).clamp(1, 16);
        let wait = FIRST_RETRY_MICROS.saturating_mul(1 << (failures - 1)).min(LONGEST_RETRY_MICROS);
        Instant::from_micros(failed_at.as_micros().saturating_add(wait))
    }

    async fn sync(&mut self, name: &str) {
        let request = SyncRequest {
            trigger: "schedule",
            actor: SCHEDULER.to_owned(),
            from: None,
            dry_run: false,
            accept_gone: false,
        };
        match sync_now(&self.context, name, request).await {
            Ok(view) if view.state == "failed" => {
                let failures = self.failures.entry(name.to_owned()).or_default();
                *failures = failures.saturating_add(1);
            }
            Ok(_) => drop(self.failures.remove(name)),
            // Another replica makes it, or somebody just deleted the connection.
            Err(ServiceError::Conflict { .. } | ServiceError::NotFound(_)) => {}
            Err(error) => tracing::error!(connection = name, %error, "a sync could not be made"),
        }
    }
}
