//! A run as the API and the webhook show it.

use domesday_store::RunRecord;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Run")]
pub(crate) struct RunView {
    pub(crate) id: String,
    /// The export that it delivers.
    pub(crate) export: String,
    /// `schedule`, `catch-up` or `manual`.
    pub(crate) trigger: String,
    /// Who began it.
    pub(crate) actor: String,
    /// `queued`, `running`, `succeeded`, `failed` or `abandoned`.
    pub(crate) state: &'static str,
    pub(crate) created_at: String,
    /// The time of the schedule that it is for.
    pub(crate) scheduled_for: Option<String>,
    /// The instant of the snapshot, the `export_date` of every table.
    pub(crate) snapshot_at: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// What was delivered: rows and bytes of each table, totals, warnings.
    pub(crate) report: Option<Value>,
    /// Why it failed, with `kind`, `message` and `fix`.
    pub(crate) error: Option<Value>,
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
            report: run.report,
            error: run.error,
        }
    }
}
