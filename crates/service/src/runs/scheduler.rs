//! The scheduler: queues the runs that are due, and executes them under the lease of their export.

use std::time::Duration;

use domesday_delivery::CancelReason;
use domesday_model::Instant;
use domesday_store::{ChangeBy, NewRun, RunRecord, RunState, Store, StoreError};
use jiff::tz::TimeZone;
use tracing::Instrument;
use uuid::Uuid;

use super::attempt::{self, AttemptOutcome, Saved, save};
use super::context::RunContext;
use super::lease::{Lease, RunCancellation};
use super::record::{count_superseded, finish, is_retry_pending};
use crate::clock::{ClockMonitor, Hourly};
use crate::connections::sync_stale;
use crate::error::ServiceError;
use crate::exports::{DEFAULT_EXPORT, StoredExport};

/// A run this much later than its time is one that was missed.
const LATE_MICROS: i64 = 300_000_000;

/// How long the result of a creating call is stored, for when it is sent again, in microseconds.
const IDEMPOTENCY_MICROS: i64 = 24 * 3_600_000_000;

/// The actor of what the scheduler does.
const SCHEDULER: &str = "scheduler";

/// How long to wait after a failure of the database before it is asked again.
const DATABASE_RETRY: Duration = Duration::from_secs(5);

/// How many runs are searched for the last success.
const MAX_SEARCHED: usize = 100;

/// How long a cancelled run may take to end.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// Queues and executes runs, one task a process.
#[derive(Debug)]
pub(crate) struct Scheduler {
    context: RunContext,
    /// Notices when the clock is set.
    clock: ClockMonitor,
    /// Whether this tick has counted that the clock was set back.
    counted_back: bool,
    /// When results of creating calls were last deleted.
    cleanup: Hourly,
}

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Execution {
    Ended,
    /// It hangs, and the service cannot wait for it any longer.
    Abandoned,
}

impl Scheduler {
    pub(crate) fn new(context: RunContext) -> Self {
        Self { context, clock: ClockMonitor::default(), counted_back: false, cleanup: Hourly::default() }
    }

    /// Queues and executes runs until the service stops.
    pub(crate) async fn run(mut self) {
        let context = self.context.clone();
        let mut stop = context.signals.subscribe();
        restore_last_success(&context).await;
        while !context.signals.is_stopping() {
            let changes = context.clock.watch();
            let (next, retry) = match self.tick().await {
                Ok(next) => (next, None),
                Err(error) => {
                    tracing::error!(%error, "the schedule could not be processed; it is tried again");
                    (None, Some(DATABASE_RETRY))
                }
            };
            tokio::select! {
                biased;
                () = context.clock.wait_until(next, changes) => {}
                // The return of a database is not signalled.
                () = context.clock.sleep(retry.unwrap_or_default()), if retry.is_some() => {}
                () = context.signals.scheduler_wake.notified() => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Executes the runs that are due, and returns when the next is.
    async fn tick(&mut self) -> Result<Option<Instant>, ServiceError> {
        self.watch_clock();
        self.delete_old_results().await?;
        let read = |store: &mut Store| -> Result<_, ServiceError> {
            let ids = store.export_ids()?;
            let exports: Vec<Result<Option<StoredExport>, StoreError>> =
                ids.iter().map(|id| store.export(id)).collect();
            Ok((exports, store.tenant()?))
        };
        let (exports, tenant) = self.context.pool.with(read).await?;
        let zone =
            tenant.and_then(|(tenant, _)| TimeZone::get(&tenant.time_zone).ok()).unwrap_or(TimeZone::UTC);
        let mut next: Option<Instant> = None;
        for export in exports {
            let stored = match export {
                Ok(Some(stored)) => stored,
                // Deleted meanwhile.
                Ok(None) => continue,
                // The other exports are not affected.
                Err(error @ StoreError::ExportConfiguration { .. }) => {
                    tracing::error!(%error, "an export is not processed");
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            let at = self.process_export(stored, &zone).await?;
            next = [next, at].into_iter().flatten().min();
        }
        end_orphans(&self.context).await?;
        Ok(next)
    }

    /// Reports a clock that was set.
    fn watch_clock(&mut self) {
        self.counted_back = false;
        let Some(micros) = self.clock.observe(&self.context.clock) else { return };
        self.counted_back = micros < 0;
        self.context.metrics.clock_jumped(micros);
        let (seconds, now) = (micros / 1_000_000, self.context.now());
        if micros < 0 {
            tracing::warn!(
                seconds,
                %now,
                "the clock was set back; what was recorded for a later time does not count as done"
            );
        } else {
            tracing::warn!(seconds, %now, "the clock was set ahead, or the machine was suspended");
        }
    }

    /// Releases the future times of the schedule that have a run already, of a clock that was ahead.
    async fn release_future_slots(&mut self, export: &str) -> Result<(), ServiceError> {
        let (id, now) = (export.to_owned(), self.context.now());
        let release = move |store: &mut Store| -> Result<_, ServiceError> {
            let change = ChangeBy { actor: SCHEDULER, origin: SCHEDULER, from: None, at: now };
            Ok(store.release_future_runs(&id, &change)?)
        };
        for slot in self.context.pool.with(release).await? {
            tracing::warn!(
                run = %slot.run,
                scheduled_for = %slot.scheduled_for,
                %now,
                "a run is dated in the future: the clock was ahead when it was queued. This time of the schedule will be run \
                 again"
            );
            // Set back while the service was down, or by another replica.
            if !std::mem::replace(&mut self.counted_back, true) {
                let micros = now.as_micros().saturating_sub(slot.scheduled_for.as_micros());
                self.context.metrics.clock_jumped(micros);
            }
        }
        Ok(())
    }

    /// Deletes, once an hour, the results of creating calls past their retention.
    async fn delete_old_results(&mut self) -> Result<(), ServiceError> {
        let now = self.context.now();
        if !self.cleanup.is_due(now) {
            return Ok(());
        }
        let before = Instant::from_micros(now.as_micros() - IDEMPOTENCY_MICROS);
        let delete = move |store: &mut Store| -> Result<_, ServiceError> {
            store.redate_future_records(now)?;
            Ok(store.delete_responses(before)?)
        };
        self.context.pool.with(delete).await?;
        self.cleanup.mark_done(now);
        Ok(())
    }

    /// Queues the run of an export that is due, executes its open runs, and returns when the next is due.
    async fn process_export(
        &mut self,
        stored: StoredExport,
        zone: &TimeZone,
    ) -> Result<Option<Instant>, ServiceError> {
        self.release_future_slots(&stored.id).await?;
        queue_due(&self.context, &stored, zone).await?;
        let id = stored.id.clone();
        let read = move |store: &mut Store| -> Result<_, ServiceError> { Ok(store.unfinished_runs(&id)?) };
        let mut next = stored.configuration.schedule().next_after(self.context.now(), zone);
        for run in self.context.pool.with(read).await? {
            if self.context.signals.is_stopping() {
                break;
            }
            match run.retry_at.filter(|at| is_retry_pending(*at, self.context.now())) {
                Some(at) => next = [next, Some(at)].into_iter().flatten().min(),
                None => execute_run(&self.context, &stored, run).await?,
            }
        }
        Ok(next)
    }
}

/// Executes a run, unless another replica does.
async fn execute_run(
    context: &RunContext,
    stored: &StoredExport,
    run: RunRecord,
) -> Result<(), ServiceError> {
    let Some(lease) = Lease::take(context, &stored.id).await? else { return Ok(()) };
    // The run may have changed between the read and the lease.
    let id = run.id;
    let read = move |store: &mut Store| -> Result<_, ServiceError> { Ok(store.run(id)?) };
    let result = match context.pool.with(read).await {
        Ok(Some(run)) if !run.state.is_final() => {
            let span = tracing::info_span!("run", id = %run.id, trigger = %run.trigger);
            attempt_run(context, stored.clone(), run, &lease).instrument(span).await
        }
        Ok(_) => Ok(Execution::Ended),
        Err(error) => Err(error),
    };
    match result {
        Ok(Execution::Abandoned) => lease.abandon(),
        _ => lease.release().await,
    }
    result.map(drop)
}

/// Makes an attempt at a run, and records its outcome.
async fn attempt_run(
    context: &RunContext,
    stored: StoredExport,
    mut run: RunRecord,
    lease: &Lease,
) -> Result<Execution, ServiceError> {
    if run.cancel_requested_at.is_some() {
        // The replica that executed it before is gone.
        finish(context, run, &AttemptOutcome::Cancelled, None, lease).await?;
        return Ok(Execution::Ended);
    }
    sync_stale(&context.syncs).await;
    let at = context.now();
    run.state = RunState::Running;
    run.attempts += 1;
    run.started_at = run.started_at.or(Some(at));
    run.snapshot_at = Some(at);
    (run.retry_at, run.progress) = (None, None);
    if save(context, &run, None, &lease.fence).await? == Saved::Superseded {
        count_superseded(context);
        return Ok(Execution::Ended);
    }
    tracing::info!(attempt = run.attempts, "run begins");
    let span = context.traces.run(&run);
    let attempt = attempt::attempt(context, stored, &run, at, lease, span.clone());
    let Some((outcome, phases)) = until_stopped(context, attempt, &lease.cancellation).await else {
        tracing::error!("the run hangs; it is abandoned and executed again");
        return Ok(Execution::Abandoned);
    };
    span.set_outcome(outcome.as_str());
    if let AttemptOutcome::Failed { kind, .. } = &outcome {
        span.set_failed(kind);
    }
    finish(context, run, &outcome, Some(phases), lease).await?;
    Ok(Execution::Ended)
}

/// Reads the last success before this process, so that the metric of its age is right from the start.
async fn restore_last_success(context: &RunContext) {
    let read = |store: &mut Store| -> Result<_, ServiceError> {
        Ok(store.runs(DEFAULT_EXPORT, None, MAX_SEARCHED)?.0)
    };
    let runs = context.pool.with(read).await.unwrap_or_default();
    let last = runs.into_iter().find(|run| run.state == RunState::Succeeded);
    if let Some(at) = last.and_then(|run| run.finished_at) {
        context.metrics.succeeded_before(at);
    }
}

/// Ends runs whose export was deleted and that no replica executes: they were cancelled with it, and the replica that was
/// to notice is gone.
async fn end_orphans(context: &RunContext) -> Result<(), ServiceError> {
    let read = |store: &mut Store| -> Result<_, ServiceError> { Ok(store.orphaned_runs()?) };
    for run in context.pool.with(read).await? {
        let Some(lease) = Lease::take(context, &run.export_id).await? else { continue };
        let ended = finish(context, run, &AttemptOutcome::Cancelled, None, &lease).await;
        lease.release().await;
        ended?;
    }
    Ok(())
}

/// Waits for an attempt; when the service stops meanwhile, gives it the time of grace and then cancels it. `None`
/// when even then it does not end.
async fn until_stopped<T>(
    context: &RunContext,
    attempt: impl Future<Output = T>,
    cancellation: &RunCancellation,
) -> Option<T> {
    let mut attempt = std::pin::pin!(attempt);
    let mut stop = context.signals.subscribe();
    tokio::select! {
        biased;
        ended = &mut attempt => return Some(ended),
        _ = stop.wait_for(|stop| *stop) => {}
    }
    tokio::select! {
        biased;
        ended = &mut attempt => return Some(ended),
        () = context.clock.sleep(context.shutdown_grace) => {}
    }
    cancellation.cancel(CancelReason::Shutdown);
    tokio::select! {
        biased;
        ended = attempt => Some(ended),
        () = context.clock.sleep(CANCEL_GRACE) => None,
    }
}

/// The instant after which times of the schedule are due: the last that has a run, or the last change of the export.
/// An export that is dated in the future was saved while the clock was ahead. Its past times then count as due, so that
/// at most one run too many is made, and no night too few.
fn due_since(stored: &StoredExport, last: Option<Instant>, now: Instant) -> Instant {
    let is_past = |at: &Instant| at.as_micros() <= now.as_micros().saturating_add(LATE_MICROS);
    let saved = [stored.updated_at, stored.created_at].into_iter().find(is_past);
    saved.max(last).unwrap_or(Instant::from_micros(0))
}

/// Queues the run that the schedule is due, if none is queued for that time.
async fn queue_due(context: &RunContext, stored: &StoredExport, zone: &TimeZone) -> Result<(), ServiceError> {
    let (id, now) = (stored.id.clone(), context.now());
    let read = move |store: &mut Store| -> Result<_, ServiceError> { Ok(store.last_scheduled(&id, now)?) };
    let since = due_since(stored, context.pool.with(read).await?, now);
    let Some(due) = stored.configuration.schedule().last_between(since, now, zone) else { return Ok(()) };
    let late = now.as_micros() - due.as_micros() > LATE_MICROS;
    let new = NewRun {
        id: Uuid::new_v4(),
        export_id: stored.id.clone(),
        trigger: if late { "catch-up" } else { "schedule" }.to_owned(),
        scheduled_for: Some(due),
    };
    let create = move |store: &mut Store| -> Result<_, ServiceError> {
        let change = ChangeBy { actor: SCHEDULER, origin: SCHEDULER, from: None, at: now };
        match store.create_run(&new, &change) {
            // Deleted since it was read.
            Err(StoreError::NotFound { .. }) => Ok(None),
            created => Ok(created?),
        }
    };
    // None: another replica has queued it.
    if let Some(run) = context.pool.with(create).await? {
        tracing::info!(run = %run.id, due = %due, "queued by the schedule");
    }
    Ok(())
}
