//! `_manifest.json`: the evidence of one delivery.
//!
//! It states the product, the rules and the input by version and digest, every file by key, rows, size and digest, and
//! the digest of the manifest before it, so that the days form a chain. It is written last; its bytes depend on nothing
//! but its content.

use std::collections::BTreeMap;

use domesday_drift::{Drift, FindingKind};
use domesday_engine::Outcomes;
use domesday_model::{DataSourceStatus, Instant, PolicyKind, PolicyState, Snapshot, UserStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    OutcomeCounts, PRODUCT, Part, RULES_VERSION, SCHEMA_VERSION, Settings, hex, sha256, snapshot_id,
};

/// The manifest of one summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The program that wrote the files.
    pub product: String,
    /// Its version.
    pub product_version: String,
    /// Version of the table contract.
    pub schema_version: String,
    /// Version of the evaluation's rules.
    pub rules_version: String,
    /// Whose data.
    pub tenant: ManifestTenant,
    /// Which snapshot.
    pub snapshot: ManifestSnapshot,
    /// SHA-256 of what was evaluated, in hexadecimal.
    pub input_sha256: String,
    /// SHA-256 of the export's configuration without its secrets, in hexadecimal.
    pub configuration_sha256: String,
    /// What began the run: a schedule, a call, the command line.
    pub trigger: String,
    /// Who began it.
    pub actor: String,
    /// The layout of the daily snapshots.
    pub layout: String,
    /// The slot written, in the swap layout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<String>,
    /// Every file but this one, in the order delivered.
    pub files: Vec<ManifestFile>,
    /// What was counted.
    pub totals: Totals,
    /// Where connected databases differ from the policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<ManifestDrift>,
    /// Where users and data sources come from, and how complete and current each was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<ManifestConnection>,
    /// Warnings for the operator.
    pub warnings: Vec<String>,
    /// SHA-256 of the manifest before this one, in hexadecimal; null starts a chain.
    pub previous_manifest_sha256: Option<String>,
    /// The key of that manifest, where it is retained at the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_manifest_key: Option<String>,
    /// Why it has this link. Earlier versions did not state it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainLink>,
}

/// How a manifest is linked to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChainLink {
    /// It names the manifest before it.
    Continues,
    /// There was no manifest at the destination.
    Starts,
    /// There was a manifest at the destination that the store has no record of.
    Restarts,
    /// The export keeps no record of deliveries, as one of a catalog directory: each of its manifests starts a chain.
    Standalone,
}

/// The tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestTenant {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// The snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestSnapshot {
    /// Its id, see [`snapshot_id()`].
    pub id: Uuid,
    /// Its instant: the `export_date` of every row.
    pub instant: Instant,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its key under the destination's path.
    pub key: String,
    /// The table it is of.
    pub table: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// How a connected database differs from the policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestDrift {
    /// The connection.
    pub connection: String,
    /// When it read the database.
    pub observed_at: Instant,
    /// Findings by kind.
    pub findings: BTreeMap<String, usize>,
}

impl ManifestDrift {
    fn of(drift: &Drift) -> Self {
        let database = drift.database();
        Self {
            connection: database.connection.clone(),
            observed_at: database.privileges.observed_at,
            findings: FindingKind::ALL
                .into_iter()
                .map(|kind| (kind.as_str().to_owned(), drift.count(kind)))
                .collect(),
        }
    }
}

/// A connection: the evidence of how complete the population is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestConnection {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// `ok`, `stale`, `failed`, `refused` or `never`.
    pub state: String,
    /// Its last complete sync; null when there was none.
    pub last_complete_sync: Option<ManifestSync>,
}

/// A complete sync of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestSync {
    /// When it began.
    pub started_at: Instant,
    /// By kind of object: read, created, changed, unchanged, gone and skipped.
    pub counts: serde_json::Value,
    /// How many entries the source itself counted, where it has such a number.
    pub own_count: Option<u64>,
    /// SHA-256 over what was read, in hexadecimal.
    pub sha256: Option<String>,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Users.
    pub users: usize,
    /// Those who are active.
    pub active_users: usize,
    /// Data sources.
    pub data_sources: usize,
    /// Those that are enabled.
    pub enabled_data_sources: usize,
    /// Policies by kind and state.
    pub policies: PolicyTotals,
    /// Rows of policy-outcomes by outcome.
    pub outcomes: OutcomeCounts,
}

/// Policies by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolicyTotals {
    /// Grants.
    pub grant: PolicyStates,
    /// Guardrails.
    pub guardrail: PolicyStates,
    /// Data policies.
    pub mask: PolicyStates,
}

/// Policies of one kind by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolicyStates {
    /// Evaluated.
    pub active: usize,
    /// Prepared.
    pub staged: usize,
    /// Switched off.
    pub disabled: usize,
}

impl PolicyStates {
    fn add(&mut self, state: PolicyState) {
        match state {
            PolicyState::Active => self.active += 1,
            PolicyState::Staged => self.staged += 1,
            PolicyState::Disabled => self.disabled += 1,
        }
    }
}

/// What the run contributes to the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// SHA-256 of the export's configuration without its secrets.
    pub configuration_sha256: [u8; 32],
    /// What began the run.
    pub trigger: String,
    /// Who began it.
    pub actor: String,
    /// The layout of the daily snapshots.
    pub layout: String,
    /// The slot written, in the swap layout.
    pub slot: Option<String>,
    /// SHA-256 of the manifest before, if it is known.
    pub previous_manifest_sha256: Option<[u8; 32]>,
    /// The key of that manifest, where it is retained at the destination.
    pub previous_manifest_key: Option<String>,
    /// Why it has this link.
    pub chain: ChainLink,
}

impl Manifest {
    /// Creates the manifest of evaluated outcomes, without files; see [`Manifest::add_file`].
    #[must_use]
    pub fn new(
        outcomes: &Outcomes,
        drifts: &[Drift],
        counts: OutcomeCounts,
        settings: &Settings,
        evidence: Evidence,
    ) -> Self {
        let snapshot = outcomes.snapshot();
        let Evidence { configuration_sha256, trigger, actor, layout, slot, .. } = evidence;
        Self {
            product: PRODUCT.to_owned(),
            product_version: settings.product_version.clone(),
            schema_version: SCHEMA_VERSION.to_owned(),
            rules_version: RULES_VERSION.to_owned(),
            tenant: ManifestTenant { id: snapshot.tenant_id, name: snapshot.tenant.name.clone() },
            snapshot: ManifestSnapshot { id: snapshot_id(snapshot), instant: snapshot.at },
            input_sha256: hex(&snapshot.digest),
            configuration_sha256: hex(&configuration_sha256),
            trigger,
            actor,
            layout,
            slot,
            files: Vec::new(),
            totals: Totals::count(snapshot, counts),
            drift: drifts.iter().map(ManifestDrift::of).collect(),
            connections: Vec::new(),
            warnings: outcomes.catalog_warnings().lines(),
            previous_manifest_sha256: evidence.previous_manifest_sha256.map(|digest| hex(&digest)),
            previous_manifest_key: evidence.previous_manifest_key,
            chain: Some(evidence.chain),
        }
    }

    /// Adds a file that is delivered under a key.
    pub fn add_file(&mut self, key: impl Into<String>, part: &Part) {
        self.files.push(ManifestFile {
            key: key.into(),
            table: part.table.name.to_owned(),
            rows: part.rows,
            bytes: part.bytes,
            sha256: hex(&part.sha256),
        });
    }

    /// Returns the text of `_manifest.json`: JSON with two spaces of indent and a line break at the end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("a manifest has nothing that JSON cannot say");
        text.push('\n');
        text
    }

    /// Returns the digest that the next manifest states.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha256(self.to_json().as_bytes())
    }
}

impl Totals {
    fn count(snapshot: &Snapshot, outcomes: OutcomeCounts) -> Self {
        let mut policies = PolicyTotals::default();
        for policy in &snapshot.policies {
            let states = match policy.spec.kind {
                PolicyKind::Grant => &mut policies.grant,
                PolicyKind::Guardrail => &mut policies.guardrail,
            };
            states.add(policy.spec.state);
        }
        snapshot.data_policies.iter().for_each(|policy| policies.mask.add(policy.spec.state));
        let is_enabled = |status: DataSourceStatus| status == DataSourceStatus::Enabled;
        Self {
            users: snapshot.users.len(),
            active_users: snapshot.users.iter().filter(|user| user.status == UserStatus::Active).count(),
            data_sources: snapshot.data_sources.len(),
            enabled_data_sources: snapshot
                .data_sources
                .iter()
                .filter(|source| is_enabled(source.status))
                .count(),
            policies,
            outcomes,
        }
    }
}
