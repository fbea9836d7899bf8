//! How a column appears to a user, and why (rules 8 and 9).

use domesday_model::condition::is_same_or_ancestor;
use domesday_model::{
    ColumnIx, DataPolicyIx, DataSourceIx, Instant, Mask, Scope, SnapshotColumn, UserIx, glob_matches,
};
use serde::Serialize;

use super::{ConditionStep, Explanation, RequestStep};
use crate::Outcomes;
use crate::nearest::Way;
use crate::outcomes::{ColumnOutcome, ColumnOutcomes};

/// How one column with a mask appears: a column row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnStep {
    /// The column.
    pub column: String,
    /// The `outcome` of the row: masked or unmasked.
    pub outcome: Sight,
    /// The parts of its `reason`.
    pub reasons: Vec<&'static str>,
    /// The field `data_policy_ids`: those that mask, or all that apply.
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

/// How a column appears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sight {
    /// A data policy masks it.
    Masked,
    /// Data policies apply, and every one excepts the user or an exception was approved.
    Unmasked,
    /// No active data policy applies, so that it appears as it is and has no row.
    Plain,
    /// The user cannot read the data source.
    Unreadable,
}

/// Why a column appears to a user as it does.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnExplanation {
    /// The column.
    pub column: String,
    /// How it appears.
    pub sight: Sight,
    /// What its row says, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<ColumnStep>,
    /// The active data policies that apply to it.
    pub policies: Vec<MaskStep>,
    /// The user's masking exceptions that name it.
    pub exceptions: Vec<RequestStep>,
    /// For a reader who sees it masked, the nearest ways to see it clear, shortest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
    /// Why the user can or cannot read the data source at all.
    pub read: Explanation,
}

/// One data policy's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MaskStep {
    /// The policy's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The kind of mask: `null`, `hash`, `constant` or `rounding`.
    pub mask: &'static str,
    /// What of the policy's `columns` matches: `tag` or `name`, and the entry.
    pub selected_by: Vec<String>,
    /// Whether it masks the column for the user.
    pub masks: bool,
    /// What became of its `except`, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<ConditionStep>,
}

impl Outcomes {
    /// Explains how a column of a data source appears to a user.
    ///
    /// # Panics
    /// When an index is not of this snapshot, or the column not of the data source.
    #[must_use]
    pub fn explain_column(&self, user: UserIx, source: DataSourceIx, column: ColumnIx) -> ColumnExplanation {
        let snapshot = &*self.snapshot;
        let range = &snapshot.data_sources[source.get()].columns;
        assert!(range.contains(&column.0), "the column is one of the data source's");
        let read = self.explain(user, source, Scope::Read);
        let name = &*snapshot.columns[column.get()].name;
        let masks = self.masks_of(source, column);
        let policies: Vec<MaskStep> = masks
            .iter()
            .map(|policy| self.mask_step(user, source, *policy, &snapshot.columns[column.get()]))
            .collect();
        let row = read.columns.iter().find(|step| step.column == name).cloned();
        let sight = match &row {
            Some(row) => row.outcome,
            None if read.access != super::Access::Granted => Sight::Unreadable,
            None => Sight::Plain,
        };
        let idle = if sight == Sight::Unreadable {
            Some("the user cannot read the data source")
        } else if policies.iter().all(|step| !step.masks) {
            Some("nothing masks the column for the user")
        } else {
            None
        };
        let ways = match sight {
            Sight::Masked => self.ways_to_see(user, source, column, &masks),
            Sight::Unmasked | Sight::Plain | Sight::Unreadable => Vec::new(),
        };
        ColumnExplanation {
            column: name.to_owned(),
            sight,
            row,
            policies,
            exceptions: self.exception_steps(user, source, name, idle),
            ways,
            read,
        }
    }

    /// The column rows of a reader, for the source at a position.
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
                reasons: reason.because.parts(),
                data_policy_ids: policies().map(|policy| policy.id.0).collect(),
                data_policies: policies().map(|policy| policy.spec.name.clone()).collect(),
                request_id: reason.request.map(|request| snapshot.requests[request.get()].id.clone()),
                expires_at: reason.expires_at,
            }
        });
        rows.collect()
    }

    /// The active data policies that apply to a column, as its class has them; none at a disabled source.
    fn masks_of(&self, source: DataSourceIx, column: ColumnIx) -> Vec<DataPolicyIx> {
        let Some((position, class)) = self.class_of(source) else { return Vec::new() };
        let columns = &self.classes.sources[position].columns;
        let slot = columns.iter().position(|known| *known == column).map(|slot| &class.slots[slot]);
        slot.into_iter().flat_map(|slot| &slot.masks).map(|mask| mask.policy).collect()
    }

    fn mask_step(
        &self,
        user: UserIx,
        source: DataSourceIx,
        policy: DataPolicyIx,
        column: &SnapshotColumn,
    ) -> MaskStep {
        let snapshot = &*self.snapshot;
        let record = &snapshot.data_policies[policy.get()];
        let except = record.spec.except.as_ref().map(|except| self.condition_step(except, user, source));
        let tags = || column.tags.iter().map(|tag| snapshot.tags[tag.get()].spec.name.as_str());
        let tagged = record.spec.columns.tagged.iter();
        let tagged = tagged.filter(|name| tags().any(|tag| is_same_or_ancestor(name, tag)));
        let named = record.spec.columns.names.iter().filter(|pattern| glob_matches(pattern, &column.name));
        MaskStep {
            id: record.id.0,
            name: record.spec.name.clone(),
            mask: match record.spec.mask {
                Mask::Null => "null",
                Mask::Hash => "hash",
                Mask::Constant { .. } => "constant",
                Mask::Rounding { .. } => "rounding",
            },
            selected_by: tagged
                .map(|name| format!("tag {name}"))
                .chain(named.map(|pattern| format!("name {pattern}")))
                .collect(),
            masks: !except.as_ref().is_some_and(|step| step.holds),
            except,
        }
    }
}
