//! The report of a run.

use std::time::Duration;

use domesday_delivery::{DestinationConfig, Receipt};
use domesday_tables::{Manifest, ManifestDrift, OutcomeCounts, TABLES};
use serde::Serialize;

/// A run that succeeded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// The directory, or the address in a bucket, that contains the tables.
    pub root: String,
    /// The layout of the daily snapshots there.
    pub layout: String,
    /// The slot written, in the swap layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// The snapshot's id.
    pub snapshot_id: String,
    /// The snapshot's instant.
    pub snapshot_at: String,
    /// The tables in the order of the contract.
    pub tables: Vec<TableReport>,
    /// Users, active or not.
    pub users: u64,
    /// Data sources, enabled or not.
    pub data_sources: u64,
    /// Rows of policy-outcomes by outcome.
    pub outcomes: OutcomeCounts,
    /// Where connected databases differ from the policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<ManifestDrift>,
    /// Warnings for the operator.
    pub warnings: Vec<String>,
    /// The manifest's digest.
    pub manifest_sha256: String,
    /// The digest of the previous manifest; null starts a chain.
    pub previous_manifest_sha256: Option<String>,
    /// The number of files delivered, the manifest included.
    pub files: usize,
    /// The number of retried puts.
    pub retries: usize,
    /// How long the run took, in seconds.
    pub seconds: f64,
}

/// One table of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableReport {
    /// The table.
    pub table: &'static str,
    /// Its rows.
    pub rows: u64,
    /// The size of its files in bytes.
    pub bytes: u64,
    /// The number of its files, zero-row files over stale parts included.
    pub parts: usize,
}

impl RunReport {
    pub(crate) fn new(
        destination: &dyn DestinationConfig,
        manifest: &Manifest,
        receipt: &Receipt,
        took: Duration,
    ) -> Self {
        let tables = TABLES.iter().map(|table| {
            let files = manifest.files.iter().filter(|file| file.table == table.name);
            TableReport {
                table: table.name,
                rows: files.clone().map(|file| file.rows).sum(),
                bytes: files.clone().map(|file| file.bytes).sum(),
                parts: files.count(),
            }
        });
        Self {
            root: destination.root(),
            layout: manifest.layout.clone(),
            slot: manifest.slot.clone(),
            snapshot_id: manifest.snapshot.id.to_string(),
            snapshot_at: manifest.snapshot.instant.to_string(),
            tables: tables.collect(),
            users: manifest.totals.users as u64,
            data_sources: manifest.totals.data_sources as u64,
            outcomes: manifest.totals.outcomes,
            drift: manifest.drift.clone(),
            warnings: manifest.warnings.clone(),
            manifest_sha256: domesday_tables::hex(&manifest.sha256()),
            previous_manifest_sha256: manifest.previous_manifest_sha256.clone(),
            files: receipt.files,
            retries: receipt.retries,
            seconds: took.as_secs_f64(),
        }
    }
}
