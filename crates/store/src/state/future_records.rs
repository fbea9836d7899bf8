//! Repair of records that are dated in the future, by a clock that was ahead and was set back.
//!
//! Such records would block whatever depends on time for as long as the clock was ahead: a night would count as done
//! before it comes. The store has no clock; the caller passes the current instant, and records later than that by more
//! than the clock skew are repaired.

use domesday_model::Instant;
use serde_json::json;
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::clock_skew::MAX_CLOCK_SKEW_MICROS;
use crate::database::values;
use crate::{ChangeBy, Store, StoreError};

/// A run that was released from its scheduled time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleasedRun {
    /// The run.
    pub run: Uuid,
    /// The scheduled time, which is in the future.
    pub scheduled_for: Instant,
}

impl Store {
    /// Releases runs from scheduled times after the instant of the change: they were queued while the clock was ahead. The
    /// audit log records the scheduled time of each. When that time comes, the schedule queues a run for it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn release_future_runs(
        &mut self,
        export_id: &str,
        change: &ChangeBy<'_>,
    ) -> Result<Vec<ReleasedRun>, StoreError> {
        let now = change.at.as_micros().saturating_add(MAX_CLOCK_SKEW_MICROS);
        let sql =
            "SELECT id, scheduled_for FROM run WHERE export_id = ?1 AND scheduled_for > ?2 ORDER BY number";
        let read = |row: &crate::database::Row<'_>| {
            let run = Uuid::parse_str(row.text(0)?).expect("ids of runs are written from UUIDs only");
            Ok(ReleasedRun { run, scheduled_for: Instant::from_micros(row.integer(1)?) })
        };
        // Checked first: nearly always there is nothing to write.
        if self.database.first(sql, values![export_id, now], read)?.is_none() {
            return Ok(Vec::new());
        }
        let mut transaction = self.database.write()?;
        let released = transaction.all(sql, values![export_id, now], read)?;
        transaction.execute(
            "UPDATE run SET scheduled_for = NULL WHERE export_id = ?1 AND scheduled_for > ?2",
            values![export_id, now],
        )?;
        let entries: Vec<_> = released
            .iter()
            .map(|run| Entry {
                action: "release",
                target: format!("runs/{}", run.run),
                before: Some(json!({ "scheduledFor": run.scheduled_for }).to_string()),
                after: None,
            })
            .collect();
        audit::append(&mut transaction, change, &entries)?;
        transaction.commit()?;
        Ok(released)
    }

    /// Sets the date of records that expire and were written while the clock was ahead to `at`: responses of idempotency
    /// keys, and messages that were delivered or given up.
    ///
    /// # Errors
    /// When the store fails.
    pub fn redate_future_records(&mut self, at: Instant) -> Result<u64, StoreError> {
        let (now, future) = (at.as_micros(), at.as_micros().saturating_add(MAX_CLOCK_SKEW_MICROS));
        let mut count = 0;
        for sql in [
            "UPDATE idempotency SET created_at = ?1 WHERE created_at > ?2",
            "UPDATE message SET ended_at = ?1 WHERE ended_at > ?2",
        ] {
            count += self.database.execute(sql, values![now, future])?;
        }
        Ok(count)
    }
}
