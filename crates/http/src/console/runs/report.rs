//! The report of a run that succeeded, as the store has it.

use std::collections::BTreeMap;

use domesday_store::RunRecord;
use serde::Deserialize;

/// What a run delivered. Fields that a report of an earlier version lacks are empty.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::console) struct StoredReport {
    pub(in crate::console) root: String,
    pub(in crate::console) layout: String,
    pub(in crate::console) slot: Option<String>,
    pub(in crate::console) tables: Vec<StoredTable>,
    pub(in crate::console) users: u64,
    pub(in crate::console) data_sources: u64,
    pub(in crate::console) outcomes: StoredOutcomes,
    pub(in crate::console) drift: Vec<StoredDrift>,
    pub(in crate::console) warnings: Vec<String>,
    pub(in crate::console) manifest_sha256: String,
    pub(in crate::console) previous_manifest_sha256: Option<String>,
    pub(in crate::console) files: u64,
    pub(in crate::console) retries: u64,
}

/// A table of a run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(default)]
pub(in crate::console) struct StoredTable {
    pub(in crate::console) table: String,
    pub(in crate::console) rows: u64,
    pub(in crate::console) bytes: u64,
    pub(in crate::console) parts: u64,
}

/// The findings of drift in a database.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Default)]
#[serde(default)]
pub(in crate::console) struct StoredDrift {
    pub(in crate::console) connection: String,
    /// How many there are of each kind.
    pub(in crate::console) findings: BTreeMap<String, u64>,
}

/// Rows of policy-outcomes by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Default)]
#[serde(default)]
pub(in crate::console) struct StoredOutcomes {
    pub(in crate::console) granted: u64,
    pub(in crate::console) blocked: u64,
    pub(in crate::console) masked: u64,
    pub(in crate::console) unmasked: u64,
}

impl StoredReport {
    /// Returns the report of a run, if it delivered.
    pub(in crate::console) fn of(run: &RunRecord) -> Option<Self> {
        run.report.as_ref().and_then(|report| Self::deserialize(report).ok())
    }

    pub(in crate::console) fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    pub(in crate::console) fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.bytes).sum()
    }

    pub(in crate::console) fn parts(&self) -> u64 {
        self.tables.iter().map(|table| table.parts).sum()
    }
}
