//! Runs: what was delivered, when, who triggered it, and the result.

use std::fmt;

use domesday_model::Instant;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::database::{Database, Row, values};
use crate::id_space::allocate_ids;
use crate::{ChangeBy, Store, StoreError};

use super::leases::Fence;
use super::outbox::{self, NewMessage};

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Waits to be executed.
    Queued,
    /// Is being executed.
    Running,
    /// Delivered.
    Succeeded,
    /// Ended without a delivery.
    Failed,
    /// The process that executed it is gone.
    Abandoned,
    /// Was cancelled.
    Cancelled,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Abandoned, Self::Cancelled];

    /// Returns the name in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Abandoned | Self::Cancelled)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A run to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Its id.
    pub id: Uuid,
    /// The export it delivers.
    pub export_id: String,
    /// What triggered it: `schedule`, `manual`, `catch-up`.
    pub trigger: String,
    /// The scheduled time that it is for.
    pub scheduled_for: Option<Instant>,
}

/// A stored run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Its id.
    pub id: Uuid,
    /// The export it delivers.
    pub export_id: String,
    /// What triggered it.
    pub trigger: String,
    /// Who triggered it.
    pub actor: String,
    /// Its state.
    pub state: RunState,
    /// When it was created.
    pub created_at: Instant,
    /// The scheduled time that it is for.
    pub scheduled_for: Option<Instant>,
    /// The instant of the snapshot delivered.
    pub snapshot_at: Option<Instant>,
    /// When its first attempt started.
    pub started_at: Option<Instant>,
    /// When it ended.
    pub finished_at: Option<Instant>,
    /// The number of attempts.
    pub attempts: u32,
    /// What was delivered.
    pub report: Option<Json>,
    /// Why it failed.
    pub error: Option<Json>,
    /// When it is retried, while it waits for that.
    pub retry_at: Option<Instant>,
    /// Its progress, while it is running.
    pub progress: Option<Json>,
    /// When its cancellation was requested.
    pub cancel_requested_at: Option<Instant>,
    /// Who requested its cancellation.
    pub cancel_requested_by: Option<String>,
    /// The attempts that have ended, the oldest first.
    pub attempt_history: Vec<EndedAttempt>,
}

/// An attempt at a run that has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndedAttempt {
    /// Its number, from 1.
    pub attempt: u32,
    /// When it began.
    pub started_at: Instant,
    /// When it ended.
    pub ended_at: Instant,
    /// How it ended: `succeeded`, `failed`, `cancelled` or `interrupted`.
    pub outcome: String,
    /// Why it did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Json>,
    /// The phases that it came to, in order. It ended in the last one.
    #[serde(default)]
    pub phases: Vec<PhaseDuration>,
}

/// How long a phase of an attempt took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseDuration {
    /// The phase.
    pub phase: String,
    /// Its duration in seconds.
    pub seconds: f64,
}

pub(super) const SELECT: &str = "SELECT id, export_id, began_by, actor, state, created_at, scheduled_for, snapshot_at,
     started_at, finished_at, attempts, report, error, retry_at, progress, cancel_requested_at, cancel_requested_by,
     attempt_history FROM run";

/// The oldest queued or running run of an export.
const OLDEST_UNFINISHED: &str = "SELECT id FROM run
     WHERE export_id = ?1 AND state IN ('queued', 'running') ORDER BY number LIMIT 1";

impl Store {
    /// Queues a run. Returns `None` when the export already has a run for this scheduled time: of several replicas, one
    /// queues it.
    ///
    /// A run without a scheduled time is accepted only while no other run of the export is queued or running. This is
    /// checked in the transaction that writes it, so of several concurrent calls one succeeds.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such export, [`StoreError::RunUnderWay`] when another run is.
    pub fn create_run(
        &mut self,
        new: &NewRun,
        change: &ChangeBy<'_>,
    ) -> Result<Option<RunRecord>, StoreError> {
        let mut transaction = self.database.write()?;
        let scheduled_for = new.scheduled_for.map(Instant::as_micros);
        let export = transaction
            .first("SELECT 1 FROM export WHERE id = ?1", values![&new.export_id], |_| Ok(()))?
            .is_some();
        if !export {
            return Err(StoreError::NotFound { target: format!("exports/{}", new.export_id) });
        }
        if scheduled_for.is_none()
            && let Some(run) = transaction.first(OLDEST_UNFINISHED, values![&new.export_id], run_id)?
        {
            return Err(StoreError::RunUnderWay { run });
        }
        let taken = transaction.first(
            "SELECT 1 FROM run WHERE export_id = ?1 AND scheduled_for = ?2",
            values![&new.export_id, scheduled_for],
            |_| Ok(()),
        )?;
        if taken.is_some() {
            return Ok(None);
        }
        let number = allocate_ids(&mut transaction, "runs", 1)?;
        transaction.execute(
            "INSERT INTO run (id, number, export_id, began_by, actor, state, created_at, scheduled_for, attempts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)",
            values![
                &new.id.to_string(),
                number,
                &new.export_id,
                &new.trigger,
                change.actor,
                RunState::Queued.as_str(),
                change.at.as_micros(),
                scheduled_for,
            ],
        )?;
        let after = json!({
            "export": new.export_id, "trigger": new.trigger, "scheduledFor": new.scheduled_for
        });
        let entry = Entry::create(format!("runs/{}", new.id), &after.to_string());
        audit::append(&mut transaction, change, &[entry])?;
        let run = find(&mut transaction, new.id)?;
        transaction.commit()?;
        Ok(run)
    }

    /// Updates a run, under the lease of its export: state, snapshot, start, end, attempts, report and error. The audit log
    /// has no entry of it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such run, [`StoreError::Superseded`] when another process has the lease.
    pub fn update_run(&mut self, run: &RunRecord, fence: &Fence) -> Result<(), StoreError> {
        self.end_run(run, None, fence)
    }

    /// Updates a run as [`Store::update_run`] does, and stores the message that reports its end, in one transaction.
    ///
    /// # Errors
    /// As [`Store::update_run`].
    pub fn end_run(
        &mut self,
        run: &RunRecord,
        message: Option<&NewMessage>,
        fence: &Fence,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin_fenced_write(Some(fence))?;
        update(&mut transaction, run)?;
        if let Some(message) = message {
            outbox::add(&mut transaction, message)?;
        }
        transaction.commit()
    }

    /// Returns a run by id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn run(&mut self, id: Uuid) -> Result<Option<RunRecord>, StoreError> {
        find(&mut self.database, id)
    }

    /// Returns up to `limit` runs of an export older than the run `after`, newest first, and the total.
    ///
    /// # Errors
    /// When the store fails.
    pub fn runs(
        &mut self,
        export_id: &str,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<(Vec<RunRecord>, u64), StoreError> {
        let mut transaction = self.database.read()?;
        let older_than = match after {
            None => i64::MAX,
            Some(id) => transaction
                .first("SELECT number FROM run WHERE id = ?1", values![&id.to_string()], |row| {
                    row.integer(0)
                })?
                .ok_or_else(|| StoreError::NotFound { target: format!("runs/{id}") })?,
        };
        let sql = format!("{SELECT} WHERE export_id = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let runs = transaction.all(&sql, values![export_id, older_than, limit], run)?;
        let sql = "SELECT count(*) FROM run WHERE export_id = ?1";
        let total = transaction.first(sql, values![export_id], |row| row.integer(0))?;
        Ok((runs, total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default()))
    }

    /// Returns the queued and running runs of an export, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn unfinished_runs(&mut self, export_id: &str) -> Result<Vec<RunRecord>, StoreError> {
        let sql = format!("{SELECT} WHERE export_id = ?1 AND state IN ('queued', 'running') ORDER BY number");
        self.database.all(&sql, values![export_id], run)
    }

    /// Returns the queued and running runs whose export was deleted, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn orphaned_runs(&mut self) -> Result<Vec<RunRecord>, StoreError> {
        let sql = format!(
            "{SELECT} WHERE state IN ('queued', 'running')
             AND NOT EXISTS (SELECT 1 FROM export WHERE export.id = run.export_id) ORDER BY number"
        );
        self.database.all(&sql, &[], run)
    }

    /// Returns the latest scheduled time up to `at` for which an export has a run. Later times were recorded while a clock
    /// was ahead.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_scheduled(&mut self, export_id: &str, at: Instant) -> Result<Option<Instant>, StoreError> {
        let sql = "SELECT max(scheduled_for) FROM run WHERE export_id = ?1 AND scheduled_for <= ?2";
        let last =
            self.database.first(sql, values![export_id, at.as_micros()], |row| row.maybe_integer(0))?;
        Ok(last.flatten().map(Instant::from_micros))
    }
}

fn update(database: &mut Database, run: &RunRecord) -> Result<(), StoreError> {
    let instant = |instant: Option<Instant>| instant.map(Instant::as_micros);
    let text = |json: &Option<Json>| json.as_ref().map(Json::to_string);
    let (report, error, progress) = (text(&run.report), text(&run.error), text(&run.progress));
    let history = (!run.attempt_history.is_empty()).then(|| json!(run.attempt_history).to_string());
    let touched = database.execute(
        "UPDATE run SET state = ?2, snapshot_at = ?3, started_at = ?4, finished_at = ?5, attempts = ?6,
             report = ?7, error = ?8, retry_at = ?9, progress = ?10, attempt_history = ?11
         WHERE id = ?1 AND state <> 'cancelled'",
        values![
            &run.id.to_string(),
            run.state.as_str(),
            instant(run.snapshot_at),
            instant(run.started_at),
            instant(run.finished_at),
            i64::from(run.attempts),
            report.as_ref(),
            error.as_ref(),
            instant(run.retry_at),
            progress.as_ref(),
            history.as_ref(),
        ],
    )?;
    if touched == 0 && find(database, run.id)?.is_some() {
        // Cancelled between reading and writing: it has ended.
        return Err(StoreError::Superseded { lease: format!("runs/{}", run.id) });
    }
    if touched == 0 {
        return Err(StoreError::NotFound { target: format!("runs/{}", run.id) });
    }
    Ok(())
}

pub(crate) fn find(database: &mut Database, id: Uuid) -> Result<Option<RunRecord>, StoreError> {
    database.first(&format!("{SELECT} WHERE id = ?1"), values![&id.to_string()], run)
}

fn run_id(row: &Row<'_>) -> Result<Uuid, StoreError> {
    Ok(Uuid::parse_str(row.text(0)?).expect("ids of runs are written from UUIDs only"))
}

pub(super) fn run(row: &Row<'_>) -> Result<RunRecord, StoreError> {
    let instant = |column| Ok::<_, StoreError>(row.maybe_integer(column)?.map(Instant::from_micros));
    let json = |column| {
        let text = row.maybe_text(column)?;
        Ok::<_, StoreError>(
            text.map(|text| serde_json::from_str(text).expect("reports are written from JSON only")),
        )
    };
    let state = row.text(4)?;
    let state = RunState::ALL.into_iter().find(|known| known.as_str() == state);
    Ok(RunRecord {
        id: run_id(row)?,
        export_id: row.text(1)?.to_owned(),
        trigger: row.text(2)?.to_owned(),
        actor: row.text(3)?.to_owned(),
        state: state.expect("states are written from states only"),
        created_at: Instant::from_micros(row.integer(5)?),
        scheduled_for: instant(6)?,
        snapshot_at: instant(7)?,
        started_at: instant(8)?,
        finished_at: instant(9)?,
        attempts: u32::try_from(row.integer(10)?).unwrap_or_default(),
        report: json(11)?,
        error: json(12)?,
        retry_at: instant(13)?,
        progress: json(14)?,
        cancel_requested_at: instant(15)?,
        cancel_requested_by: row.maybe_text(16)?.map(str::to_owned),
        attempt_history: row
            .maybe_text(17)?
            .map(|text| serde_json::from_str(text).expect("histories are written from attempts only"))
            .unwrap_or_default(),
    })
}
