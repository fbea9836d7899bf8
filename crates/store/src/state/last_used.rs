//! When keys, tokens and sessions were last used.

use domesday_model::Instant;

use crate::StoreError;
use crate::clock_skew::MAX_CLOCK_SKEW_MICROS;
use crate::database::{Database, values};

/// How exactly uses are recorded, in microseconds.
const INTERVAL_MICROS: i64 = 60_000_000;

/// Records the use of the row of a table with `id` and `last_used_at`, to the minute. The audit log does not contain it.
pub(super) fn touch(
    database: &mut Database,
    table: &'static str,
    id: &str,
    at: Instant,
) -> Result<(), StoreError> {
    let before = at.as_micros().saturating_sub(INTERVAL_MICROS);
    // A use further in the future was recorded while a clock was ahead.
    let future = at.as_micros().saturating_add(MAX_CLOCK_SKEW_MICROS);
    // Checked first: an update takes the write lock even when there is nothing to update.
    let sql = format!(
        "SELECT 1 FROM {table} WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at <= ?2 OR last_used_at > ?3)"
    );
    let due = database.first(&sql, values![id, before, future], |_| Ok(()))?;
    if due.is_some() {
        let sql = format!(
            "UPDATE {table} SET last_used_at = ?2
             WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2 OR last_used_at > ?3)"
        );
        database.execute(&sql, values![id, at.as_micros(), future])?;
    }
    Ok(())
}
