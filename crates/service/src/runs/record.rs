//! Recording how an attempt ended, and when the run is tried again.

use std::time::Duration;

use domesday_model::Instant;
use domesday_store::{EndedAttempt, NewMessage, PhaseDuration, RunRecord, RunState, Store, cancelled_error};
use serde_json::json;

use super::attempt::{AttemptOutcome, Saved, save};
use super::context::RunContext;
use super::lease::Lease;
use crate::error::ServiceError;
use crate::webhook::run_message;

/// The attempts after which a run has failed.
pub const MAX_ATTEMPTS: u32 = 5;

/// The wait after the first failed attempt, in microseconds; each further one is twice as long.
const FIRST_WAIT_MICROS: i64 = 60_000_000;

/// The longest wait between two tries to record an outcome.
const MAX_RECORD_WAIT: Duration = Duration::from_secs(5);

/// The wait after the first failure to record an outcome; each further one is twice as long.
const FIRST_RECORD_WAIT: Duration = Duration::from_millis(500);

/// How long a run waits whose attempt found no database to work with, in microseconds.
const DATABASE_WAIT_MICROS: i64 = 30_000_000;

/// How many attempts a run remembers at most. More than [`MAX_ATTEMPTS`] happen when the service is stopped again and again:
/// such attempts are no failures.
const MAX_REMEMBERED: usize = 20;

/// Records the outcome of an attempt; `phases` are those of the attempt, none when the run ends without another one.
pub(super) async fn finish(
    context: &RunContext,
    mut run: RunRecord,
    outcome: &AttemptOutcome,
    phases: Option<Vec<PhaseDuration>>,
    lease: &Lease,
) -> Result<(), ServiceError> {
    let now = context.now();
    run.progress = None;
    // How many attempts were made, whatever becomes of the number.
    let attempt = run.attempts;
    match outcome {
        AttemptOutcome::Succeeded(report) => {
            run.state = RunState::Succeeded;
            run.finished_at = Some(now);
            run.error = None;
            run.report = serde_json::to_value(report).ok();
        }
        AttemptOutcome::Failed { kind, error, is_retryable } => {
            tracing::error!(%kind, %error, is_retryable, attempt = run.attempts, "run failed");
            run.error = Some(error.clone());
            if *is_retryable && run.attempts < MAX_ATTEMPTS {
                run.retry_at = Some(retry_at(now, run.attempts, context.clock.jitter()));
                run.state = RunState::Queued;
            } else {
                run.state = RunState::Failed;
                run.finished_at = Some(now);
            }
        }
        AttemptOutcome::DatabaseUnavailable { message } => {
            tracing::warn!(%message, "the database takes no changes; the run waits for it");
            // The attempt failed for nothing that it did.
            run.attempts = run.attempts.saturating_sub(1);
            run.retry_at = Some(Instant::from_micros(now.as_micros() + DATABASE_WAIT_MICROS));
            run.state = RunState::Queued;
            run.error = Some(json!({ "kind": "store", "message": message }));
        }
        AttemptOutcome::Cancelled => {
            let id = run.id;
            let read = move |store: &mut Store| -> Result<_, ServiceError> { Ok(store.run(id)?) };
            let actor = context.pool.with(read).await?.and_then(|run| run.cancel_requested_by);
            tracing::warn!(actor, "run cancelled");
            run.state = RunState::Cancelled;
            run.finished_at = Some(now);
            run.error = Some(match actor {
                Some(actor) => cancelled_error(&actor),
                None => json!({ "kind": "cancelled", "message": "its export was deleted" }),
            });
        }
        AttemptOutcome::Interrupted => {
            // Left open: the next holder of the lease executes it again.
            tracing::warn!("run interrupted; it is executed again");
            run.state = RunState::Queued;
            run.error = Some(json!({
                "kind": "halted",
                "message": "the service stopped during the run, or its lease ended"
            }));
        }
        AttemptOutcome::Superseded => {
            count_superseded(context);
            return Ok(());
        }
    }
    if let Some(phases) = phases {
        remember(&mut run, attempt, outcome, phases, now);
    }
    let message = if run.state.is_final() { run_message(context.has_webhook, &run, now) } else { None };
    if record(context, &run, message, lease).await? == Saved::Superseded {
        count_superseded(context);
        return Ok(());
    }
    if run.state.is_final() {
        count_outcome(context, outcome, now);
        context.signals.webhook_wake.notify_one();
    }
    if let AttemptOutcome::Succeeded(report) = outcome
        && !report.drift.is_empty()
    {
        context.syncs.drift.check(run.id).await;
    }
    Ok(())
}

/// Adds an attempt that has ended to those that the run remembers.
fn remember(
    run: &mut RunRecord,
    attempt: u32,
    outcome: &AttemptOutcome,
    phases: Vec<PhaseDuration>,
    now: Instant,
) {
    let outcome = match outcome {
        AttemptOutcome::Succeeded(_) => "succeeded",
        AttemptOutcome::Failed { .. } => "failed",
        AttemptOutcome::Cancelled => "cancelled",
        AttemptOutcome::Interrupted => "interrupted",
        // The first does not count as an attempt, the second is another replica's to record.
        AttemptOutcome::DatabaseUnavailable { .. } | AttemptOutcome::Superseded => return,
    };
    let history = &mut run.attempt_history;
    history.push(EndedAttempt {
        attempt,
        // The instant of its snapshot is that of its beginning.
        started_at: run.snapshot_at.unwrap_or(now),
        ended_at: now,
        outcome: outcome.to_owned(),
        error: run.error.clone(),
        phases,
    });
    let surplus = history.len().saturating_sub(MAX_REMEMBERED);
    history.drain(..surplus);
}

/// Writes the record of an attempt. A database that is away or read-only is asked again for as long as the lease lasts, so
/// that a failover in this moment does not make a night that is delivered one that is done over.
async fn record(
    context: &RunContext,
    run: &RunRecord,
    message: Option<NewMessage>,
    lease: &Lease,
) -> Result<Saved, ServiceError> {
    let mut wait = FIRST_RECORD_WAIT;
    loop {
        match save(context, run, message.clone(), &lease.fence).await {
            Err(problem) if !lease.cancellation.has_expired() && !context.signals.is_stopping() => {
                tracing::warn!(%problem, "the outcome of the run could not be recorded; it is tried again");
                context.clock.sleep(wait).await;
                wait = (wait * 2).min(MAX_RECORD_WAIT);
            }
            saved => return saved,
        }
    }
}

/// Whether a run waits for its next attempt at an instant. One that is further away than any wait was set by a clock that
/// has been set back since.
pub(super) fn is_retry_pending(at: Instant, now: Instant) -> bool {
    let longest = FIRST_WAIT_MICROS << MAX_ATTEMPTS;
    at > now && at.as_micros() - now.as_micros() <= longest
}

/// Returns when a run that failed is tried again. Half of the wait depends on `jitter`, from 0 to 1, so that many that
/// failed together do not come together again.
fn retry_at(now: Instant, attempts: u32, jitter: f64) -> Instant {
    let wait = FIRST_WAIT_MICROS << attempts.min(10).saturating_sub(1);
    let drawn = (wait as f64 * jitter.clamp(0.0, 1.0)) as i64;
    Instant::from_micros(now.as_micros() + wait / 2 + drawn / 2)
}

/// Counts the final outcome of a run in the metrics, and logs it.
fn count_outcome(context: &RunContext, outcome: &AttemptOutcome, now: Instant) {
    match outcome {
        AttemptOutcome::Succeeded(report) => {
            let tables = report.tables.iter().map(|table| (table.table.to_owned(), table.rows, table.bytes));
            context.metrics.run_succeeded(now, report.seconds, &tables.collect::<Vec<_>>());
            tracing::info!(seconds = report.seconds, "run succeeded");
        }
        AttemptOutcome::Failed { kind, .. } => context.metrics.run_failed(kind),
        AttemptOutcome::Cancelled => context.metrics.run_failed("cancelled"),
        AttemptOutcome::Interrupted
        | AttemptOutcome::Superseded
        | AttemptOutcome::DatabaseUnavailable { .. } => {}
    }
}

/// Counts an attempt that has no effect: its lease expired, and the replica that holds it now executes the run again.
pub(super) fn count_superseded(context: &RunContext) {
    context.metrics.run_superseded();
    tracing::error!("another replica took the run over; the attempt of this one is not recorded");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_waits_for_its_next_attempt_whoever_looks_and_not_for_ever() {
        let now = Instant::from_micros(1_000_000_000_000);
        for attempts in 1..MAX_ATTEMPTS {
            for jitter in [0.0, 0.5, 1.0] {
                assert!(is_retry_pending(retry_at(now, attempts, jitter), now), "{attempts} {jitter}");
            }
        }
        assert!(!is_retry_pending(now, now));
        let a_year_ahead = Instant::from_micros(now.as_micros() + 365 * 86_400_000_000);
        assert!(!is_retry_pending(a_year_ahead, now));
    }
}
