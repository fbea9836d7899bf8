//! Lists of runs, filtered and a page at a time.

use crate::database::values;
use crate::{Store, StoreError};

use super::runs::{RunRecord, RunState, SELECT, run};

/// Which runs a list has. The default has all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Runs in one of these states; in any when empty.
    pub states: Vec<RunState>,
    /// Runs that were started by hand, or those that the schedule started; both when absent.
    pub is_manual: Option<bool>,
}

impl RunFilter {
    fn condition(&self) -> String {
        let mut condition = String::from("export_id = ?1");
        if !self.states.is_empty() {
            let states: Vec<_> = self.states.iter().map(|state| format!("'{state}'")).collect();
            condition.push_str(&format!(" AND state IN ({})", states.join(", ")));
        }
        condition.push_str(match self.is_manual {
            None => "",
            Some(true) => " AND began_by = 'manual'",
            Some(false) => " AND began_by <> 'manual'",
        });
        condition
    }
}

impl Store {
    /// Returns up to `limit` runs of an export that a filter selects, newest first or oldest first, without the first
    /// `offset`, and the number of all that it selects.
    ///
    /// # Errors
    /// When the store fails.
    pub fn filtered_runs(
        &mut self,
        export_id: &str,
        filter: &RunFilter,
        is_oldest_first: bool,
        offset: usize,
        limit: usize,
    ) -> Result<(Vec<RunRecord>, u64), StoreError> {
        let mut transaction = self.database.read()?;
        let condition = filter.condition();
        let order = if is_oldest_first { "ASC" } else { "DESC" };
        let sql = format!("{SELECT} WHERE {condition} ORDER BY number {order} LIMIT ?2 OFFSET ?3");
        let [limit, offset] = [limit, offset].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let runs = transaction.all(&sql, values![export_id, limit, offset], run)?;
        let sql = format!("SELECT count(*) FROM run WHERE {condition}");
        let total = transaction.first(&sql, values![export_id], |row| row.integer(0))?;
        Ok((runs, total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default()))
    }
}
