//! The report of a task.

use domesday_tables::{Part, Table, parse_hex};
use serde::{Deserialize, Serialize};

use super::BatchError;
use super::plan::BatchPart;

/// A task that delivered its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskReport {
    /// SHA-256 of the plan, in hexadecimal.
    pub plan_sha256: String,
    /// The index of the task.
    pub task: usize,
    /// The destination's name.
    pub destination: String,
    /// The files, in the order of parts.
    pub files: Vec<ReportedFile>,
}

/// A file that a task delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReportedFile {
    /// Its key.
    pub key: String,
    /// Its rows.
    pub rows: u64,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl TaskReport {
    /// Parses a report.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, BatchError> {
        serde_json::from_str(text).map_err(|error| BatchError::InvalidReport(error.to_string()))
    }
}

impl ReportedFile {
    /// Returns the part, if it is the one planned.
    pub(super) fn part(&self, planned: &BatchPart, table: &'static Table) -> Option<Part> {
        let is_planned = self.key == planned.key && self.rows == planned.part.rows;
        let sha256 = parse_hex(&self.sha256).filter(|_| is_planned)?;
        Some(Part { table, number: planned.part.number, rows: self.rows, bytes: self.bytes, sha256 })
    }
}
