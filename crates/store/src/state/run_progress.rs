//! The progress of a running run, and the request to cancel it.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::database::values;
use crate::{ChangeBy, Store, StoreError};

use super::leases::Fence;
use super::outbox::{self, NewMessage};
use super::runs::{RunRecord, RunState, find};

impl Store {
    /// Stores the progress of a run, under the lease of its export, and returns whether its cancellation was requested.
    /// Without `progress` nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when another process has the lease.
    pub fn report_progress(
        &mut self,
        id: Uuid,
        progress: Option<&Json>,
        fence: &Fence,
    ) -> Result<bool, StoreError> {
        let is_requested = "SELECT cancel_requested_at FROM run WHERE id = ?1";
        let id = id.to_string();
        let Some(progress) = progress else {
            let found = self.database.first(is_requested, values![&id], |row| row.maybe_integer(0))?;
            return Ok(found.flatten().is_some());
        };
        let mut transaction = self.begin_fenced_write(Some(fence))?;
        // A run that has ended has no progress.
        transaction.execute(
            "UPDATE run SET progress = ?2 WHERE id = ?1 AND state = 'running'",
            values![&id, &progress.to_string()],
        )?;
        let found = transaction.first(is_requested, values![&id], |row| row.maybe_integer(0))?;
        transaction.commit()?;
        Ok(found.flatten().is_some())
    }

    /// Cancels a run. A queued run ends immediately, and `message` creates the message that reports it; a running one is
    /// marked, and ends when the holder of its lease sees the mark. Returns the run, and whether this call changed it: a run
    /// that has ended or is marked stays unchanged.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such run.
    pub fn cancel_run(
        &mut self,
        id: Uuid,
        change: &ChangeBy<'_>,
        message: impl FnOnce(&RunRecord) -> Option<NewMessage>,
    ) -> Result<(RunRecord, bool), StoreError> {
        let mut transaction = self.database.write()?;
        let missing = || StoreError::NotFound { target: format!("runs/{id}") };
        let before = find(&mut transaction, id)?.ok_or_else(missing)?;
        if before.state.is_final() || before.cancel_requested_at.is_some() {
            return Ok((before, false));
        }
        transaction.execute(
            "UPDATE run SET cancel_requested_at = ?2, cancel_requested_by = ?3 WHERE id = ?1",
            values![&id.to_string(), change.at.as_micros(), change.actor],
        )?;
        if before.state == RunState::Queued {
            let error = cancelled_error(change.actor).to_string();
            transaction.execute(
                "UPDATE run SET state = ?2, finished_at = ?3, error = ?4, progress = NULL, retry_at = NULL
                 WHERE id = ?1",
                values![&id.to_string(), RunState::Cancelled.as_str(), change.at.as_micros(), &error],
            )?;
        }
        let after = find(&mut transaction, id)?.ok_or_else(missing)?;
        if after.state.is_final()
            && let Some(message) = message(&after)
        {
            outbox::add(&mut transaction, &message)?;
        }
        let target = format!("runs/{id}");
        let state = |run: &RunRecord| Some(json!({ "state": run.state.as_str() }).to_string());
        let entry = Entry { action: "cancel", target, before: state(&before), after: state(&after) };
        audit::append(&mut transaction, change, &[entry])?;
        transaction.commit()?;
        Ok((after, true))
    }
}

/// Returns the error of a cancelled run.
#[must_use]
pub fn cancelled_error(actor: &str) -> Json {
    json!({ "kind": "cancelled", "message": format!("cancelled by `{actor}`") })
}
