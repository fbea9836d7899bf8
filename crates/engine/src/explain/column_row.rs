//! The column rows of a reader.

use domesday_model::{Instant, UserIx};
use serde::Serialize;

use crate::Outcomes;
use crate::outcomes::{ColumnOutcome, ColumnOutcomes, ReasonPart};

/// A column row: how a reader sees one masked column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnStep {
    /// The column.
    pub column: String,
    /// The `outcome` of the row: masked or unmasked.
    pub outcome: Sight,
    /// The parts of its `reason`.
    pub reasons: Vec<ReasonPart>,
    /// The field `data_policy_ids`: the policies that mask, or all that apply.
    pub data_policy_ids: Vec<i64>,
    /// Their names.
    pub data_policies: Vec<String>,
    /// The field `request_id`: the masking exception that was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The field `expires_at`: when that exception ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
}

/// How a user sees a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sight {
    /// A data policy masks it.
    Masked,
    /// Data policies apply, and each excepts the user or an exception was approved.
    Unmasked,
    /// No active data policy applies, so that the user sees it as it is and it has no row.
    Plain,
    /// The user cannot read the data source.
    Unreadable,
}

impl Outcomes {
    /// Returns the column rows of a reader, for the source at a position.
    pub(super) fn column_steps(
        &self,
        user: UserIx,
        position: usize,
        outcomes: &ColumnOutcomes,
    ) -> Vec<ColumnStep> {
        let snapshot = &*self.snapshot;
        let Ok(reader) = outcomes.users.binary_search(&user) else { return Vec::new() };
        let columns = &self.classes.sources[position].columns;
        let rows = outcomes.slots.iter().zip(columns).map(|(slot, column)| {
            let reason = &outcomes.reasons[slot[reader] as usize];
            let policies = || reason.data_policies.iter().map(|ix| &snapshot.data_policies[ix.get()]);
            ColumnStep {
                column: snapshot.columns[column.get()].name.to_string(),
                outcome: match reason.outcome {
                    ColumnOutcome::Masked => Sight::Masked,
                    ColumnOutcome::Unmasked => Sight::Unmasked,
                },
                reasons: reason.parts.iter().collect(),
                data_policy_ids: policies().map(|policy| policy.id.0).collect(),
                data_policies: policies().map(|policy| policy.spec.name.clone()).collect(),
                request_id: reason.request.map(|request| snapshot.requests[request.get()].id.clone()),
                expires_at: reason.expires_at,
            }
        });
        rows.collect()
    }
}
