//! The progress of the run under way, written into the store every few seconds, so that every replica can show it; and
//! the check whether the run is to be cancelled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domesday_delivery::{CancelReason, DeliveryNotice, NoticeHandler};
use domesday_model::Instant;
use domesday_run::Stage;
use domesday_store::{Fence, PhaseDuration, Store, StoreError};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Notify;
use uuid::Uuid;

use super::context::RunContext;
use super::lease::RunCancellation;
use crate::clock::Clock;
use crate::error::ServiceError;

/// The longest interval between two checks whether the run is to be cancelled.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// The least time between two writes.
const MIN_WRITE_INTERVAL: Duration = Duration::from_secs(1);

/// The progress of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RunProgress")]
pub struct RunProgress {
    /// `snapshot`, `evaluation`, `opening` (of the destination), `tables` or `delivery`.
    phase: &'static str,
    /// Since when it is in this phase.
    since: String,
    /// In the phase `tables`: the table that is being written, and its rows so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
    /// In the phase `delivery`: the files that are in place, of how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<usize>,
    /// A call to the destination that has not succeeded yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_for: Option<WaitingFor>,
    /// The phases before this one, and how long each took.
    phases: Vec<RunPhase>,
}

/// How long a phase of a run took.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunPhase {
    /// `snapshot`, `evaluation`, `opening`, `tables` or `delivery`.
    pub phase: String,
    /// Its duration in seconds.
    pub seconds: f64,
}

/// A call that waits for its answer, or for its next attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "RunWaitingFor")]
pub(crate) struct WaitingFor {
    /// The call, such as `list access/v1/`.
    call: String,
    /// Since when this attempt waits for its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since: Option<String>,
    /// The number of the attempt that is under way or comes next.
    attempt: u32,
    /// How many attempts there are at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    /// When the next attempt begins, while it is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<AttemptError>,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "RunAttemptError")]
pub(crate) struct AttemptError {
    kind: &'static str,
    message: String,
}

/// The progress of the run under way. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct ProgressReporter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    progress: RunProgress,
    /// When the phase began that it is in.
    since: Instant,
    is_written: bool,
}

impl ProgressReporter {
    pub(super) fn new(clock: Clock) -> Self {
        let since = clock.now();
        let progress = RunProgress {
            phase: "snapshot",
            since: since.to_string(),
            table: None,
            rows: None,
            file: None,
            files: None,
            waiting_for: None,
            phases: Vec::new(),
        };
        let state = Mutex::new(State { progress, since, is_written: false });
        Self { shared: Arc::new(Shared { clock, state, changed: Notify::new() }) }
    }

    /// The run has come to a stage.
    pub(super) fn enter(&self, stage: Stage) {
        let mut state = self.state();
        let phase = phase(stage);
        if state.progress.phase != phase {
            let now = self.shared.clock.now();
            let ended = current_phase(&state, now);
            state.progress.phases.push(ended);
            state.since = now;
            state.progress.since = now.to_string();
            state.progress.waiting_for = None;
        }
        let progress = &mut state.progress;
        progress.phase = phase;
        (progress.table, progress.rows, progress.file, progress.files) = match stage {
            Stage::Encoding { table, rows } => (Some(table), Some(rows), None, None),
            Stage::Delivering { file, files } => (None, None, Some(file), Some(files)),
            Stage::Snapshot | Stage::Evaluating { .. } | Stage::Opening => (None, None, None, None),
        };
        state.is_written = false;
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Returns the receiver of the delivery's notices about its calls.
    pub(super) fn notices(&self) -> NoticeHandler {
        let reporter = self.clone();
        NoticeHandler::new(move |notice| reporter.handle_notice(notice))
    }

    fn handle_notice(&self, notice: &DeliveryNotice) {
        let now = self.shared.clock.now();
        let mut state = self.state();
        let waiting = &mut state.progress.waiting_for;
        match notice {
            DeliveryNotice::Waiting { call, elapsed, .. } => {
                let before = waiting.take().filter(|before| before.call == *call);
                let (attempt, attempts, error) =
                    before.map_or((1, None, None), |before| (before.attempt, before.attempts, before.error));
                let waiting_since = Some(shifted(now, *elapsed, -1).to_string());
                let call = call.clone();
                *waiting =
                    Some(WaitingFor { call, waiting_since, attempt, attempts, next_attempt_at: None, error });
            }
            DeliveryNotice::Retrying { call, error, kind, attempt, attempts, wait } => {
                tracing::warn!(%call, kind, %error, attempt, attempts, "a call to the destination is tried again");
                *waiting = Some(WaitingFor {
                    call: call.clone(),
                    waiting_since: None,
                    attempt: *attempt,
                    attempts: Some(*attempts),
                    next_attempt_at: Some(shifted(now, *wait, 1).to_string()),
                    error: Some(AttemptError { kind, message: error.clone() }),
                });
            }
            DeliveryNotice::Recovered { call } => {
                if waiting.as_ref().is_some_and(|before| before.call == *call) {
                    *waiting = None;
                }
            }
        }
        state.is_written = false;
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Returns the phases so far with how long each took, the one that it is in included.
    pub(super) fn phases(&self) -> Vec<PhaseDuration> {
        let state = self.state();
        let current = current_phase(&state, self.shared.clock.now());
        let phases = state.progress.phases.iter().chain(std::iter::once(&current));
        phases.map(|it| PhaseDuration { phase: it.phase.clone(), seconds: it.seconds }).collect()
    }

    fn take_unwritten(&self) -> Option<Value> {
        let mut state = self.state();
        if std::mem::replace(&mut state.is_written, true) {
            return None;
        }
        serde_json::to_value(&state.progress).ok()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the phase that a run is in, as if it ended now.
fn current_phase(state: &State, now: Instant) -> RunPhase {
    // A clock that was set back makes no phase shorter than nothing.
    let micros = now.as_micros().saturating_sub(state.since.as_micros()).max(0);
    RunPhase { phase: state.progress.phase.to_owned(), seconds: micros as f64 / 1e6 }
}

/// Writes the progress of a run, and cancels the run when somebody asked for that, until the task is aborted.
pub(super) async fn report(
    context: RunContext,
    run: Uuid,
    reporter: ProgressReporter,
    fence: Fence,
    cancellation: RunCancellation,
) {
    loop {
        let (progress, fence) = (reporter.take_unwritten(), fence.clone());
        let write = move |store: &mut Store| match store.report_progress(run, progress.as_ref(), &fence) {
            Ok(is_cancelled) => Ok(is_cancelled.then_some(CancelReason::Requested)),
            Err(StoreError::Superseded { .. }) => Ok(Some(CancelReason::LeaseLost)),
            Err(error) => Err(ServiceError::from(error)),
        };
        match context.pool.with(write).await {
            Ok(None) => {}
            Ok(Some(reason)) => return cancellation.cancel(reason),
            // Nothing depends on it, and the next write may succeed.
            Err(problem) => tracing::debug!(%problem, "the progress of the run could not be written"),
        }
        tokio::select! {
            biased;
            () = context.clock.sleep(MIN_WRITE_INTERVAL) => {}
            () = context.signals.cancel_wake.notified() => continue,
        }
        tokio::select! {
            biased;
            () = reporter.shared.changed.notified() => {}
            () = context.signals.cancel_wake.notified() => {}
            () = context.clock.sleep(CHECK_INTERVAL) => {}
        }
    }
}

/// The name of a stage's phase.
pub(super) fn phase(stage: Stage) -> &'static str {
    match stage {
        Stage::Snapshot => "snapshot",
        Stage::Evaluating { .. } => "evaluation",
        Stage::Opening => "opening",
        Stage::Encoding { .. } => "tables",
        Stage::Delivering { .. } => "delivery",
    }
}

fn shifted(at: Instant, by: Duration, sign: i64) -> Instant {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Instant::from_micros(at.as_micros().saturating_add(by.saturating_mul(sign)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_the_attempt_and_the_next_one_are_shown() {
        let clock = Clock::standing_at("2026-01-01T00:00:00Z".parse().unwrap());
        let reporter = ProgressReporter::new(clock.clone());
        assert_eq!(reporter.take_unwritten().unwrap()["phase"], "snapshot");
        assert!(reporter.take_unwritten().is_none(), "written already");
        clock.set("2026-01-01T00:00:05Z".parse().unwrap());
        reporter.enter(Stage::Opening);
        let call = || "list v1/".to_owned();
        reporter.handle_notice(&DeliveryNotice::Waiting {
            call: call(),
            host: "http://h".into(),
            elapsed: Duration::from_secs(3),
            limit: Duration::from_secs(60),
        });
        let shown = reporter.take_unwritten().unwrap();
        assert_eq!(
            (shown["phase"].as_str(), shown["since"].as_str()),
            (Some("opening"), Some("2026-01-01T00:00:05Z"))
        );
        assert_eq!(shown["waitingFor"]["waitingSince"], "2026-01-01T00:00:02Z");
        reporter.handle_notice(&DeliveryNotice::Retrying {
            call: call(),
            error: "no answer".into(),
            kind: "unreachable",
            attempt: 2,
            attempts: 9,
            wait: Duration::from_secs(4),
        });
        let shown = reporter.take_unwritten().unwrap();
        let expected = serde_json::json!({
            "call": "list v1/", "attempt": 2, "attempts": 9, "nextAttemptAt": "2026-01-01T00:00:09Z",
            "error": { "kind": "unreachable", "message": "no answer" }
        });
        assert_eq!(shown["waitingFor"], expected);
        reporter.handle_notice(&DeliveryNotice::Recovered { call: call() });
        assert!(reporter.take_unwritten().unwrap()["waitingFor"].is_null());
        reporter.enter(Stage::Delivering { file: 3, files: 20 });
        let shown = reporter.take_unwritten().unwrap();
        assert_eq!((shown["phase"].as_str(), shown["file"].as_u64()), (Some("delivery"), Some(3)));
        clock.set("2026-01-01T00:00:06Z".parse().unwrap());
        let phases: Vec<_> = reporter.phases().into_iter().map(|it| (it.phase, it.seconds)).collect();
        let expected = [("snapshot", 5.0), ("opening", 0.0), ("delivery", 1.0)];
        assert_eq!(phases, expected.map(|(phase, seconds)| (phase.to_owned(), seconds)));
        assert_eq!(shown["phases"].as_array().unwrap().len(), 2, "those that have ended");
    }
}
