//! What a run that is under way is doing, for everybody who looks, and the wish that it be cancelled.

use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::database::values;
use crate::{ChangeBy, Store, StoreError};

use super::leases::Fence;
use super::outbox::{self, NewMessage};
use super::runs::{RunRecord, RunState, find};

impl Store {
    /// Writes what a run is doing, under the lease of its export, and tells whether it is to be cancelled. Without
    /// `progress` nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Superseded`] when somebody else has the lease.
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
        let mut transaction = self.write_under(Some(fence))?;
        // A run that has ended meanwhile does nothing any more.
        transaction.execute(
            "UPDATE run SET progress = ?2 WHERE id = ?1 AND state = 'running'",
            values![&id, &progress.to_string()],
        )?;
        let found = transaction.first(is_requested, values![&id], |row| row.maybe_integer(0))?;
        transaction.commit()?;
        Ok(found.flatten().is_some())
    }

    /// Cancels a run. One that waits has ended with that, and `message` makes what tells a receiver of it; one that
    /// is under way is marked, and ends when whoever has its lease sees the mark. Gives the run as it then is, and
    /// whether this call changed it: one that has ended, or is marked already, stays as it is.
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

/// What the record of a cancelled run says.
#[must_use]
pub fn cancelled_error(actor: &str) -> Json {
    json!({ "kind": "cancelled", "message": format!("cancelled by `{actor}`") })
}
