//! One finding as API and command line write it.

use domesday_drift::{Finding, FindingKind};
use schemars::JsonSchema;
use serde::Serialize;

/// A finding: where what a database allows differs from what the policies say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "DriftFinding")]
pub struct FindingView {
    /// The connection that read the database.
    pub connection: String,
    /// EXCESS, EXCESS_BLOCKED, UNMASKED_COLUMN, MISSING, PARTIAL or UNMAPPED.
    #[schemars(with = "String")]
    pub kind: FindingKind,
    /// The role; null when the user has none.
    pub role_name: Option<String>,
    /// The user to whom the role belongs; null when it belongs to nobody.
    pub global_user_id: Option<String>,
    /// Their username.
    pub username: Option<String>,
    /// The data source.
    pub data_source_id: i64,
    /// Its name.
    pub data_source_name: String,
    /// The column, where the finding is about one.
    pub column_id: Option<i64>,
    /// Its name.
    pub column_name: Option<String>,
    /// READ or WRITE.
    pub scope: String,
    /// A shortest way by which the role can; null where there is none.
    pub via: Option<Vec<String>>,
    /// The guardrails that block.
    pub guardrail_policy_ids: Vec<i64>,
    /// What is wrong, in one sentence.
    pub detail: String,
    /// The SQL that repairs it; null where that takes a decision.
    pub repair: Option<String>,
    /// What somebody has to decide, in one sentence; null where SQL repairs it.
    pub decision: Option<String>,
    /// When the database was read.
    pub observed_at: String,
}

impl From<&Finding<'_>> for FindingView {
    fn from(finding: &Finding<'_>) -> Self {
        let drift = finding.drift();
        let (snapshot, database) = (drift.snapshot(), drift.database());
        let source = &snapshot.data_sources[finding.source.get()];
        let user = finding.user.map(|user| &snapshot.users[user.get()]);
        let column = finding.column.map(|column| &snapshot.columns[column.get()]);
        let owned = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect();
        Self {
            connection: database.connection.clone(),
            kind: finding.kind,
            role_name: finding.role.map(|role| database.privileges.roles[role.get()].name.clone()),
            global_user_id: user.map(|user| user.global_id.to_string()),
            username: user.map(|user| user.username.to_string()),
            data_source_id: source.id.0,
            data_source_name: source.name.to_string(),
            column_id: column.map(|column| column.id.0),
            column_name: column.map(|column| column.name.to_string()),
            scope: finding.scope.as_str().to_owned(),
            via: finding.via_words().map(owned),
            guardrail_policy_ids: finding.guardrail_ids().into_iter().map(|id| id.0).collect(),
            detail: finding.detail(),
            repair: finding.repair(),
            decision: finding.decision(),
            observed_at: database.privileges.observed_at.to_string(),
        }
    }
}
