//! How a user sees a column, and why (`docs/access.md` rules 8 and 9).

use std::fmt;

use domesday_model::condition::is_same_or_ancestor;
use domesday_model::{
    ColumnIx, DataPolicyIx, DataSourceIx, MaskKind, Scope, SnapshotColumn, UserIx, glob_matches,
};
use serde::Serialize;

use super::column_row::{ColumnStep, Sight};
use super::condition::ConditionStep;
use super::pair::{Access, Explanation};
use super::request::{RequestObstacle, RequestStep};
use crate::Outcomes;
use crate::serialize;
use crate::ways::Way;

/// Why a user sees a column as they do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnExplanation {
    /// The column.
    pub column: String,
    /// How the user sees it.
    pub sight: Sight,
    /// Its row, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<ColumnStep>,
    /// The active data policies that apply to it.
    pub policies: Vec<MaskStep>,
    /// The user's masking exceptions that name it.
    pub exceptions: Vec<RequestStep>,
    /// For a reader who sees it masked, the nearest ways to see it unmasked, shortest first.
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
    /// The kind of mask.
    #[serde(serialize_with = "serialize::mask")]
    pub mask: MaskKind,
    /// What of the policy's `columns` matches.
    #[serde(serialize_with = "serialize::displayed")]
    pub selected_by: Vec<SelectedBy>,
    /// Whether it masks the column for the user.
    pub masks: bool,
    /// Its `except`, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<ConditionStep>,
}

/// The entry of a data policy's `columns` that selects a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectedBy {
    /// An entry of `tagged`.
    Tag(String),
    /// An entry of `names`.
    Name(String),
}

impl fmt::Display for SelectedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::Name(pattern) => write!(f, "name {pattern}"),
        }
    }
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
        let masks = self.masks_on(source, column);
        let policies: Vec<MaskStep> = masks
            .iter()
            .map(|policy| self.mask_step(user, source, *policy, &snapshot.columns[column.get()]))
            .collect();
        let row = read.columns.iter().find(|step| step.column == name).cloned();
        let sight = match &row {
            Some(row) => row.outcome,
            None if read.access != Access::Granted => Sight::Unreadable,
            None => Sight::Plain,
        };
        let idle = if sight == Sight::Unreadable {
            Some(RequestObstacle::Unreadable)
        } else if policies.iter().all(|step| !step.masks) {
            Some(RequestObstacle::NotMasked)
        } else {
            None
        };
        let ways = match sight {
            Sight::Masked => self.ways_to_unmask(user, source, column, &masks),
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

    /// Returns the active data policies that apply to a column; none at a disabled source.
    #[must_use]
    pub fn masks_on(&self, source: DataSourceIx, column: ColumnIx) -> Vec<DataPolicyIx> {
        let Some((position, class)) = self.class_of(source) else { return Vec::new() };
        let columns = &self.classes.sources[position].columns;
        let slot = columns.iter().position(|known| *known == column).map(|slot| &class.columns[slot]);
        slot.into_iter().flat_map(|column| &column.masks).map(|mask| mask.policy).collect()
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
            mask: record.spec.mask.kind(),
            selected_by: tagged
                .map(|name| SelectedBy::Tag(name.clone()))
                .chain(named.map(|pattern| SelectedBy::Name(pattern.clone())))
                .collect(),
            masks: !except.as_ref().is_some_and(|step| step.holds),
            except,
        }
    }
}
