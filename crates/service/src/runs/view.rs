//! A run as the API and the webhook show it.

use domesday_store::{EndedAttempt, PhaseDuration, RunRecord};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::progress::{RunPhase, RunProgress};

/// A run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Run")]
pub struct RunView {
    /// Its id.
    pub id: String,
    /// The export that it delivers.
    pub export: String,
    /// `schedule`, `catch-up` or `manual`.
    pub trigger: String,
    /// Who began it.
    pub actor: String,
    /// `queued`, `running`, `succeeded`, `failed`, `cancelled` or `abandoned`.
    pub state: &'static str,
    /// When it was queued.
    pub created_at: String,
    /// The time of the schedule that it is for.
    pub scheduled_for: Option<String>,
    /// The instant of the snapshot, the `export_date` of every table.
    pub snapshot_at: Option<String>,
    /// When its first attempt began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried again, while it waits for that.
    pub next_attempt_at: Option<String>,
    /// Its progress while it is under way: the phase, and the call to the destination that it waits for. Some
    /// seconds old at most.
    #[schemars(with = "Option<RunProgress>")]
    pub progress: Option<Value>,
    /// When somebody asked that it be cancelled.
    pub cancel_requested_at: Option<String>,
    /// Who asked that.
    pub cancel_requested_by: Option<String>,
    /// What was delivered: rows and bytes of each table, totals, warnings.
    pub report: Option<Value>,
    /// Why it failed, with `kind`, `message` and `fix`.
    pub error: Option<Value>,
    /// The attempts that have ended, the oldest first, 20 at most. An attempt that is missing ended with its process.
    pub attempt_history: Vec<RunAttempt>,
}

/// An attempt at a run that has ended.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunAttempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub ended_at: String,
    /// `succeeded`, `failed`, `cancelled` or `interrupted`.
    pub outcome: String,
    /// Why it did not succeed, with `kind`, `message` and `fix`.
    pub error: Option<Value>,
    /// The phases that it came to, in order. It ended in the last one.
    pub phases: Vec<RunPhase>,
}

impl From<EndedAttempt> for RunAttempt {
    fn from(ended: EndedAttempt) -> Self {
        let phase = |it: PhaseDuration| RunPhase { phase: it.phase, seconds: it.seconds };
        Self {
            attempt: ended.attempt,
            started_at: ended.started_at.to_string(),
            ended_at: ended.ended_at.to_string(),
            outcome: ended.outcome,
            error: ended.error,
            phases: ended.phases.into_iter().map(phase).collect(),
        }
    }
}

impl From<RunRecord> for RunView {
    fn from(run: RunRecord) -> Self {
        let text = |instant: Option<domesday_model::Instant>| instant.map(|instant| instant.to_string());
        Self {
            id: run.id.to_string(),
            export: run.export_id,
            trigger: run.trigger,
            actor: run.actor,
            state: run.state.as_str(),
            created_at: run.created_at.to_string(),
            scheduled_for: text(run.scheduled_for),
            snapshot_at: text(run.snapshot_at),
            started_at: text(run.started_at),
            finished_at: text(run.finished_at),
            attempts: run.attempts,
            next_attempt_at: text(run.retry_at),
            progress: run.progress,
            cancel_requested_at: text(run.cancel_requested_at),
            cancel_requested_by: run.cancel_requested_by,
            report: run.report,
            error: run.error,
            attempt_history: run.attempt_history.into_iter().map(RunAttempt::from).collect(),
        }
    }
}
