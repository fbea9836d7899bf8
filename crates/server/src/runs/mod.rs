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
use domesday_store::{ChangeBy, NewRun, RunRecord, RunState, Store, StoredExport, cancelled_error};
use jiff::tz::TimeZone;
use serde_json::json;
use tracing::Instrument;
use uuid::Uuid;

use crate::clock::Hourly;
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

/// What the loop keeps in mind between two rounds.
#[derive(Debug, Default)]
struct Keeper {
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
        let next = match keeper.round(&app).await {
            Ok(next) => next,
            Err(problem) => {
                tracing::error!(%problem, "the schedule could not be looked after; it is tried again");
                None
            }
        };
        tokio::select! {
            () = app.clock.wait_towards(next, changes) => {}
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
        Ok(next)
    }

    /// Forgets, once an hour, the answers to creating calls that nobody will send again.
    async fn forget_answers(&mut self, app: &App) -> Result<(), Problem> {
        let now = app.now();
        if !self.forgot.is_due(now) {
            return Ok(());
        }
        let before = Instant::from_micros(now.as_micros() - ANSWERS_LAST_MICROS);
        let forget = move |store: &mut Store| -> Result<_, Problem> { Ok(store.forget_responses(before)?) };
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
        Ended::Cancelled => {
            let id = run.id;
            let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.run(id)?) };
            let actor = app.pool.with(read).await?.and_then(|run| run.cancel_requested_by);
            tracing::warn!(actor, "run cancelled");
            run.state = RunState::Cancelled;
            run.finished_at = Some(now);
            run.error = Some(cancelled_error(actor.as_deref().unwrap_or_default()));
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
    if execute::save(app, &run, message, &lease.fence).await? == Saved::Superseded {
        superseded(app);
        return Ok(true);
    }
    if run.state.is_final() {
        count(app, ended, now);
        app.told.notify_one();
    }
    Ok(true)
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
        Ended::Halted | Ended::Superseded => {}
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

/// Queues the run that the schedule is due, if none is queued for that time.
async fn queue_due(app: &App, stored: &StoredExport, zone: &TimeZone) -> Result<(), Problem> {
    let (id, now) = (stored.id.clone(), app.now());
    let read = move |store: &mut Store| -> Result<_, Problem> { Ok(store.last_scheduled(&id)?) };
    let since = stored.updated_at.max(app.pool.with(read).await?.unwrap_or(stored.updated_at));
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
        Ok(store.create_run(&new, &change)?)
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
