//! What has to be so on the morning after a night, whatever happened in it.

use domesday_model::Instant;

use crate::constants::{HOUR, MINUTE, SECOND};
use crate::world::State;

/// What a night is judged by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Night {
    /// When it was due; none while there is no export.
    pub(crate) due: Option<i64>,
    /// Whether nothing was planned to fail.
    pub(crate) is_calm: bool,
    /// Whether the bucket failed, or refused for a clock that was wrong: then a run may fail.
    pub(crate) may_fail: bool,
    /// Whether a clock was wrong: what was changed meanwhile may be dated wrongly.
    pub(crate) has_wrong_clock: bool,
}

struct Run {
    state: String,
    scheduled_for: Option<i64>,
    snapshot_at: Option<i64>,
    attempts: i64,
    messages: i64,
    error: Option<String>,
}

impl State {
    /// Checks everything that has to be so on the morning after a night.
    pub(crate) fn check_night(&mut self, night: Night) {
        let runs = match self.read_runs() {
            Ok(runs) => runs,
            Err(error) => return self.violate(format!("the store cannot be read: {error}")),
        };
        for run in &runs {
            let is_final = matches!(run.state.as_str(), "succeeded" | "failed" | "cancelled" | "abandoned");
            if !is_final {
                self.violate(format!("a run is still {} long after every fault has ended", run.state));
            } else if run.messages != 1 {
                self.violate(format!("a run that {} has {} messages", run.state, run.messages));
            }
            let same =
                |other: &&Run| other.scheduled_for.is_some() && other.scheduled_for == run.scheduled_for;
            if runs.iter().filter(same).count() > 1 {
                self.violate("a time of the schedule has two runs".to_owned());
            }
        }
        self.check_due(night, &runs);
        for id in self.acknowledged.runs.clone() {
            if self.run_state(id).is_none() {
                self.violate("a run that was acknowledged is gone".to_owned());
            }
        }
        for id in self.acknowledged.cancelled.clone() {
            if self.run_state(id).as_deref() != Some("cancelled") {
                self.violate(format!("a run that was cancelled is {:?}", self.run_state(id)));
            }
        }
        self.check_catalog();
        self.acknowledged.runs.clear();
        self.acknowledged.cancelled.clear();
        self.acknowledged.has_cancelled = false;
    }

    /// Checks that a night that was due was run, and that it is delivered unless something was in the way of that.
    fn check_due(&mut self, night: Night, runs: &[Run]) {
        let changed_at = self.acknowledged.export_changed_at;
        let is_changed = changed_at > self.now - 24 * HOUR;
        let due = if is_changed { self.due_on_day() } else { night.due };
        let Some(due) = due else { return };
        if is_changed && (night.has_wrong_clock || due < changed_at + 5 * SECOND) {
            // Only times after the change are due.
            return;
        }
        let at = Instant::from_micros(due);
        let Some(run) = runs.iter().find(|run| run.scheduled_for == Some(due)) else {
            return self.violate(format!("the night of {at} is lost"));
        };
        match run.state.as_str() {
            "succeeded" => {}
            "failed" if night.may_fail => {}
            "cancelled" if self.acknowledged.has_cancelled => {}
            state => {
                let error = run.error.clone().unwrap_or_default();
                return self.violate(format!("the night of {at} {state}: {error}"));
            }
        }
        if !night.is_calm {
            return;
        }
        let (snapshot_at, attempts) = (run.snapshot_at.unwrap_or_default(), run.attempts);
        if run.state != "succeeded" || attempts != 1 || snapshot_at.abs_diff(due) > MINUTE.unsigned_abs() {
            let state = &run.state;
            self.violate(format!("nothing failed, and the night of {at} {state} in {attempts} attempts"));
        }
        let named = self.bucket.summary.named.as_ref().map(|(named, _)| named.date);
        if named != Some(snapshot_at) {
            self.violate(format!("the night of {at} succeeded, and the bucket names {named:?}"));
        }
        let recorded: Option<String> =
            self.peek.query_row("SELECT manifest_sha256 FROM delivery", [], |row| row.get(0)).ok();
        let delivered = self.bucket.summary.manifest.as_ref().map(|(_, digest)| digest.clone());
        if recorded != delivered {
            self.violate("the manifest in the bucket is not the one that is recorded".to_owned());
        }
        if self.bucket.summary.is_tainted() {
            self.violate("a whole run has not repaired the bucket".to_owned());
        }
    }

    /// When the export is due on the day of this night, by its schedule.
    pub(crate) fn due_on_day(&self) -> Option<i64> {
        let document = self.export_document()?;
        let minute: i64 = document["schedule"].as_str()?.split(' ').next()?.parse().ok()?;
        // A night is checked at the end of its day.
        let day = (self.now - HOUR).div_euclid(24 * HOUR) * 24 * HOUR;
        Some(day + 2 * HOUR + minute * MINUTE)
    }

    fn read_runs(&self) -> Result<Vec<Run>, rusqlite::Error> {
        let sql = "SELECT state, scheduled_for, snapshot_at, attempts, error,
                          (SELECT count(*) FROM message WHERE message.run_id = run.id)
                   FROM run ORDER BY number DESC LIMIT 40";
        let mut statement = self.peek.prepare_cached(sql)?;
        let runs = statement.query_map([], |row| {
            Ok(Run {
                state: row.get(0)?,
                scheduled_for: row.get(1)?,
                snapshot_at: row.get(2)?,
                attempts: row.get(3)?,
                error: row.get(4)?,
                messages: row.get(5)?,
            })
        })?;
        runs.collect()
    }
}
