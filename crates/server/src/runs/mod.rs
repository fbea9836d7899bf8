//! Runs: queued by the schedule or by hand, done one at a time for each export, recorded.
//!
//! One task a process looks after them ([`keep`]): it queues what the schedule is due, takes the lease of the
//! export, and runs. A run whose holder died is found again, still open and with its lease free, and done over:
//! a run is idempotent, so trying it whole again is always right.

mod execute;
mod lease;
mod live;
mod phases;
mod view;

use std::time::Duration;

use domesday_delivery::CancelReason;
use domesday_model::Instant;
use domesday_store::{
    ChangeBy, NewMessage, NewRun, RunRecord, RunState, Store, StoreError, StoredExport, cancelled_error,
};
use jiff::tz::TimeZone;
use serde_json::json;
use tracing::Instrument;
use uuid::Uuid;

use crate::clock::{ClockMonitor, Hourly};
use crate::export;
use crate::problem::Problem;
use crate::service::App;
use crate::webhook;

use execute::{Ended, Saved};
use lease::{Halt, Lease};
pub(crate) use view::RunView;

/// How often a run is tried before it has failed.
const ATTEMPTS: u32 = 5;

/// The wait after the first failed attempt, in microseconds; each further one waits twice as long.
const FIRST_WAIT_MICROS: i64 = 60_000_000;

/// A run this much later than its time is one that was missed.
const LATE_MICROS: i64 = 300_000_000;

/// How long the answer to a creating call is kept for when it is sent again, in microseconds.
const ANSWERS_LAST_MICROS: i64 = 24 * 3_600_000_000;

/// Who queues runs by the schedule.
const SCHEDULER: &str = "scheduler";

/// How long to wait after a failure of the database before it is asked again.
const DATABASE_RETRY: Duration = Duration::from_secs(5);

/// The wait after the first failure to record how an attempt ended; each further one is twice as long, up to
/// [`DATABASE_RETRY`].
const RECORD_RETRY: Duration = Duration::from_millis(500);

/// How long a run waits whose attempt found no database to work with, in microseconds.
const DATABASE_WAIT_MICROS: i64 = 30_000_000;

/// What the loop keeps in mind between two rounds.
#[derive(Debug, Default)]
struct Keeper {
    /// Notices when the clock is set.
    clock: ClockMonitor,
    /// Whether this round has counted that the clock was set back.
    counted_back: bool,
    /// When answers to creating calls were last forgotten.
    forgot: Hourly,
}

/// Looks after schedule and runs until the service stops.
pub(crate) async fn keep(app: App) {
    let mut stop = app.stop.subscribe();
    let mut keeper = Keeper::default();
    remember_success(&app).await;
    while !app.is_stopping() {
        let changes = app.clock.watch();
        let (next, retry) = match keeper.round(&app).await {
            Ok(next) => (next, None),
            Err(problem) => {
                tracing::error!(%problem, "the schedule could not be looked after; it is tried again");
                (None, Some(DATABASE_RETRY))
            }
        };
        tokio::select! {
            () = app.clock.wait_towards(next, changes) => {}
            // A database that is away announces its return to nobody.
            () = tokio::time::sleep(retry.unwrap_or_default()), if retry.is_some() => {}
            () = app.wake.notified() => {}
            _ = stop.changed() => {}
        }
    }
}

/// How many runs are looked through for the last success.
const LOOKED_THROUGH: usize = 100;

/// Tells the metrics of the last success before this process, so that its age is right from the start.
async fn remember_success(app: &App) {
    let read = |store: &mut Store| -> Result<_, Problem> {
        Ok(store.runs(export::DEFAULT, None, LOOKED_THROUGH)?.0)
    };
    let runs = app.pool.with(read).await.unwrap_or_default();
    let last = runs.into_iter().find(|run| run.state == RunState::Succeeded);
    if let Some(at) = last.and_then(|run| run.finished_at) {
        app.metrics.succeeded_before(at);
    }
}

impl Keeper {
    /// Does what is due, and says when there is something to do next.
    async fn round(&mut self, app: &App) -> Result<Option<Instant>, Problem> {
        self.watch_clock(app);
        self.forget_answers(app).await?;
        let read = |store: &mut Store| -> Result<_, Problem> { Ok((store.exports()?, store.tenant()?)) };
        let (exports, tenant) = app.pool.with(read).await?;
        let zone =
            tenant.and_then(|(tenant, _)| TimeZone::get(&tenant.time_zone).ok()).unwrap_or(TimeZone::UTC);
        let mut next: Option<Instant> = None;
        for stored in exports {
            let at = self.look_after(app, stored, &zone).await?;
            next = [next, at].into_iter().flatten().min();
        }
        end_orphans(app).await?;
        Ok(next)
    }

    /// Reports a clock that was set.
    fn watch_clock(&mut self, app: &App) {
        self.counted_back = false;
        let Some(micros) = self.clock.observe(&app.clock) else { return };
        self.counted_back = micros < 0;
        app.metrics.clock_jumped(micros);
        let seconds = micros / 1_000_000;
        if micros < 0 {
            tracing::warn!(
                seconds,
                now = %app.now(),
                "the clock was set back; what was recorded for a later time does not count as done"
            );
        } else {
            tracing::warn!(seconds, now = %app.now(), "the clock was set ahead, or the machine was suspended");
        }
    }

    /// Releases the times of the schedule that have yet to come and have a run of a clock that was ahead.
    async fn release_future_runs(&mut self, app: &App, export: &str) -> Result<(), Problem> {
        let (id, now) = (export.to_owned(), app.now());
        let release = move |store: &mut Store| -> Result<_, Problem> {
            let change = ChangeBy { actor: SCHEDULER, origin: SCHEDULER, from: None, at: now };
            Ok(store.release_future_runs(&id, &change)?)
        };
        for slot in app.pool.with(release).await? {
            tracing::warn!(
                run = %slot.run,
                scheduled_for = %slot.scheduled_for,
                %now,
                "a run is dated in the future: the clock was ahead when it was queued. This time of the schedule will be run \
                 again"
            );
            // Set back while the service was down, or by another replica.
            if !std::mem::replace(&mut self.counted_back, true) {
                app.metrics.clock_jumped(now.as_micros().saturating_sub(slot.scheduled_for.as_micros()));
            }
        }
        Ok(())
    }

    /// Forgets, once an hour, the answers to creating calls that nobody will send again.
    async fn forget_answers(&mut self, app: &App) -> Result<(), Problem> {
        let now = app.now();
        if !self.forgot.is_due(now) {
            return Ok(());
        }
        let before = Instant::from_micros(now.as_micros() - ANSWERS_LAST_MICROS);
        let forget = move |store: &mut Store| -> Result<_, Problem> {
            store.redate_future_records(now)?;
            Ok(store.delete_responses(before)?)
        };
        app.pool.with(forget).await?;
        self.forgot.done(now);
        Ok(())
    }

    async fn look_after(
        &mut self,
        app: &App,
        stored: StoredExport,
        zone: &TimeZone,
    ) -> Result<Option<Instant>, Problem> {
        self.release_future_runs(app, &stored.id).await?;
        queue_due(app, &stored, zone).await?;
        let id = stored.id.clone();
        let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.unfinished_runs(&id)?) };
        let mut next = export::schedule(&stored.document).next_after(app.now(), zone);
        for run in app.pool.with(read).await? {
            if app.is_stopping() {
                break;
            }
            match run.retry_at.filter(|at| is_waited_for(*at, app.now())) {
                Some(at) => next = [next, Some(at)].into_iter().flatten().min(),
                None => self.work(app, &stored, run).await?,
            }
        }
        Ok(next)
    }

    /// Does a run if nobody else does.
    async fn work(&mut self, app: &App, stored: &StoredExport, run: RunRecord) -> Result<(), Problem> {
        let Some(lease) = Lease::take(app, &stored.id).await? else { return Ok(()) };
        // What it was when it was read may have changed before the lease was taken.
        let id = run.id;
        let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.run(id)?) };
        let result = match app.pool.with(read).await {
            Ok(Some(run)) if !run.state.is_final() => {
                let span = tracing::info_span!("run", id = %run.id, trigger = %run.trigger);
                self.attempt(app, stored.clone(), run, &lease).instrument(span).await
            }
            Ok(_) => Ok(true),
            Err(problem) => Err(problem),
        };
        match result {
            Ok(false) => lease.abandon(),
            _ => lease.release().await,
        }
        result.map(drop)
    }

    /// Makes an attempt at a run. False when it hangs and the service cannot wait for it any longer.
    async fn attempt(
        &mut self,
        app: &App,
        stored: StoredExport,
        mut run: RunRecord,
        lease: &Lease,
    ) -> Result<bool, Problem> {
        let at = app.now();
        if run.cancel_requested_at.is_some() {
            // Whoever did it before is gone.
            return finish(app, run, &Ended::Cancelled, lease).await;
        }
        run.state = RunState::Running;
        run.attempts += 1;
        run.started_at = run.started_at.or(Some(at));
        run.snapshot_at = Some(at);
        (run.retry_at, run.progress) = (None, None);
        if execute::save(app, &run, None, &lease.fence).await? == Saved::Superseded {
            superseded(app);
            return Ok(true);
        }
        tracing::info!(attempt = run.attempts, "run begins");
        let span = app.traces.run(&run);
        let attempt = execute::attempt(app, stored, &run, at, lease, span.clone());
        let Some(ended) = until_stopped(app, attempt, &lease.halt).await else {
            tracing::error!("the run hangs; it is given up and done over");
            return Ok(false);
        };
        span.ended(ended.outcome());
        if let Ended::Failed { kind, .. } = &ended {
            span.failed(kind);
        }
        finish(app, run, &ended, lease).await
    }
}

/// Ends runs whose export was deleted, as far as nobody is at work on them: they were cancelled with it, and whoever was
/// to notice is gone.
async fn end_orphans(app: &App) -> Result<(), Problem> {
    let read = |store: &mut Store| -> Result<_, Problem> { Ok(store.orphaned_runs()?) };
    for run in app.pool.with(read).await? {
        let Some(lease) = Lease::take(app, &run.export_id).await? else { continue };
        let ended = finish(app, run, &Ended::Cancelled, &lease).await;
        lease.release().await;
        ended?;
    }
    Ok(())
}

/// Records how an attempt at a run ended.
async fn finish(app: &App, mut run: RunRecord, ended: &Ended, lease: &Lease) -> Result<bool, Problem> {
    let now = app.now();
    run.progress = None;
    match ended {
        Ended::Succeeded(report) => {
            run.state = RunState::Succeeded;
            run.finished_at = Some(now);
            run.error = None;
            run.report = serde_json::to_value(report).ok();
        }
        Ended::Failed { kind, error, heals } => {
            tracing::error!(%kind, %error, heals, attempt = run.attempts, "run failed");
            run.error = Some(error.clone());
            if *heals && run.attempts < ATTEMPTS {
                run.retry_at = Some(retry_at(now, run.attempts));
                run.state = RunState::Queued;
            } else {
                run.state = RunState::Failed;
                run.finished_at = Some(now);
            }
        }
        Ended::DatabaseUnavailable { message } => {
            tracing::warn!(%message, "the database takes no changes; the run waits for it");
            // The attempt failed for nothing that it did.
            run.attempts = run.attempts.saturating_sub(1);
            run.retry_at = Some(Instant::from_micros(now.as_micros() + DATABASE_WAIT_MICROS));
            run.state = RunState::Queued;
            run.error = Some(json!({ "kind": "store", "message": message }));
        }
        Ended::Cancelled => {
            let id = run.id;
            let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.run(id)?) };
            let actor = app.pool.with(read).await?.and_then(|run| run.cancel_requested_by);
            tracing::warn!(actor, "run cancelled");
            run.state = RunState::Cancelled;
            run.finished_at = Some(now);
            run.error = Some(match actor {
                Some(actor) => cancelled_error(&actor),
                None => json!({ "kind": "cancelled", "message": "its export was deleted" }),
            });
        }
        Ended::Halted => {
            // Left open: whoever has the lease next does it over.
            tracing::warn!("run broken off; it is done over");
            run.state = RunState::Queued;
            run.error = Some(json!({
                "kind": "halted",
                "message": "the service stopped during the run, or its lease ended"
            }));
        }
        Ended::Superseded => {
            superseded(app);
            return Ok(true);
        }
    }
    let message = if run.state.is_final() { webhook::message(app, &run, now) } else { None };
    if record(app, &run, message, lease).await? == Saved::Superseded {
        superseded(app);
        return Ok(true);
    }
    if run.state.is_final() {
        count(app, ended, now);
        app.told.notify_one();
    }
    Ok(true)
}

/// Records how an attempt ended. A database that is away or read-only is asked again for as long as the lease lasts, so
/// that a failover in this moment does not make a night that is delivered one that is done over.
async fn record(
    app: &App,
    run: &RunRecord,
    message: Option<NewMessage>,
    lease: &Lease,
) -> Result<Saved, Problem> {
    let mut wait = RECORD_RETRY;
    loop {
        match execute::save(app, run, message.clone(), &lease.fence).await {
            Err(problem) if !lease.halt.has_ended() && !app.is_stopping() => {
                tracing::warn!(%problem, "how the run ended could not be recorded; it is tried again");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(DATABASE_RETRY);
            }
            saved => return saved,
        }
    }
}

/// Whether a run is to wait for an instant. One that is further away than any wait was set by a clock that has been
/// put back since.
fn is_waited_for(at: Instant, now: Instant) -> bool {
    let longest = FIRST_WAIT_MICROS << ATTEMPTS;
    at > now && at.as_micros() - now.as_micros() <= longest
}

/// When a run that failed is tried again.
fn retry_at(now: Instant, attempts: u32) -> Instant {
    let wait = FIRST_WAIT_MICROS << attempts.min(10).saturating_sub(1);
    // Half of the wait is drawn, so that many that failed together do not come together again.
    let drawn = i64::try_from(Uuid::new_v4().as_u128() % wait.unsigned_abs() as u128).unwrap_or(0);
    Instant::from_micros(now.as_micros() + wait / 2 + drawn / 2)
}

/// Tells the metrics and the log how a run ended for good.
fn count(app: &App, ended: &Ended, now: Instant) {
    match ended {
        Ended::Succeeded(report) => {
            let tables = report.tables.iter().map(|table| (table.table.to_owned(), table.rows, table.bytes));
            app.metrics.run_succeeded(now, report.seconds, &tables.collect::<Vec<_>>());
            tracing::info!(seconds = report.seconds, "run succeeded");
        }
        Ended::Failed { kind, .. } => app.metrics.run_failed(kind),
        Ended::Cancelled => app.metrics.run_failed("cancelled"),
        Ended::Halted | Ended::Superseded | Ended::DatabaseUnavailable { .. } => {}
    }
}

/// Says that an attempt counts for nothing: its lease ended, and the replica that has it now does the run over.
fn superseded(app: &App) {
    app.metrics.run_superseded();
    tracing::error!("another replica took the run over; what this one did is not recorded");
}

/// How long a run that was told to stop may take to end.
const HALT_GRACE: Duration = Duration::from_secs(2);

/// Waits for an attempt; when the service stops meanwhile, gives it the time of grace and then cancels it. `None`
/// when even then it does not end.
async fn until_stopped(app: &App, attempt: impl Future<Output = Ended>, halt: &Halt) -> Option<Ended> {
    let mut attempt = std::pin::pin!(attempt);
    let mut stop = app.stop.subscribe();
    tokio::select! {
        ended = &mut attempt => return Some(ended),
        _ = stop.wait_for(|stop| *stop) => {}
    }
    match tokio::time::timeout(app.config.shutdown_grace, &mut attempt).await {
        Ok(ended) => Some(ended),
        Err(_) => {
            halt.cancel(CancelReason::Shutdown);
            tokio::time::timeout(HALT_GRACE, attempt).await.ok()
        }
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
async fn queue_due(app: &App, stored: &StoredExport, zone: &TimeZone) -> Result<(), Problem> {
    let (id, now) = (stored.id.clone(), app.now());
    let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.last_scheduled(&id, now)?) };
    let since = due_since(stored, app.pool.with(read).await?, now);
    let Some(due) = export::schedule(&stored.document).last_between(since, now, zone) else { return Ok(()) };
    let late = now.as_micros() - due.as_micros() > LATE_MICROS;
    let new = NewRun {
        id: Uuid::new_v4(),
        export_id: stored.id.clone(),
        trigger: if late { "catch-up" } else { "schedule" }.to_owned(),
        scheduled_for: Some(due),
    };
    let create = move |store: &mut Store| -> Result<_, Problem> {
        let change = ChangeBy { actor: SCHEDULER, origin: SCHEDULER, from: None, at: now };
        match store.create_run(&new, &change) {
            // Deleted since it was read.
            Err(StoreError::NotFound { .. }) => Ok(None),
            created => Ok(created?),
        }
    };
    // None: another replica had the same thought.
    if let Some(run) = app.pool.with(create).await? {
        tracing::info!(run = %run.id, due = %due, "queued by the schedule");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_for_its_next_attempt_whoever_looks_and_not_for_ever() {
        let now = Instant::from_micros(1_000_000_000_000);
        for attempts in 1..ATTEMPTS {
            assert!(is_waited_for(retry_at(now, attempts), now), "{attempts}");
        }
        assert!(!is_waited_for(now, now));
        let a_year_ahead = Instant::from_micros(now.as_micros() + 365 * 86_400_000_000);
        assert!(!is_waited_for(a_year_ahead, now));
    }
}
