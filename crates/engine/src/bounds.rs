//! The bounds of a data source: the guardrails and masks that apply to it, whoever its users are.
//!
//! Two versions of a data source are compared by their bounds, without any user: a version that has every bound of
//! another gives nobody access that the other prevented. That is stricter than comparing outcomes. A lost guardrail
//! counts even if everybody passes it today.

use std::collections::BTreeMap;

use domesday_model::{
    Condition, DataPolicyIx, DataSourceIx, Level, PolicyIx, PolicyKind, PolicyState, Snapshot,
};

use crate::condition::{ConditionInputs, column_tags};
use crate::selection::{Candidate, ColumnSelection, PolicyRef, SourceSelection};

/// The guardrails and masks that apply to a data source, by name, each with what its condition reads of the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    guardrails: BTreeMap<String, SeenInputs>,
    /// By column, then by data policy.
    masks: BTreeMap<String, BTreeMap<String, SeenInputs>>,
}

/// The values that a condition reads of a data source. Where they are the same, the condition holds for the same users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct SeenInputs {
    fields: Vec<Option<String>>,
    source_tags: Vec<String>,
    column_tags: Vec<String>,
}

/// A bound that one version of a data source has and another has not, or not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LostBound {
    /// A guardrail, by name.
    Guardrail(String),
    /// A data policy on a column.
    Mask {
        /// The data policy's name.
        policy: String,
        /// The column's name.
        column: String,
    },
}

impl Bounds {
    /// Finds the bounds of a data source, enabled or not. Staged policies count as active ones do: they apply as soon as
    /// somebody activates them.
    ///
    /// # Panics
    /// When the data source is not of this snapshot.
    #[must_use]
    pub fn find(snapshot: &Snapshot, source: DataSourceIx) -> Self {
        let candidate = Candidate::new(snapshot, source);
        let mut bounds = Self::default();
        for (index, policy) in snapshot.policies.iter().enumerate() {
            let spec = &policy.spec;
            if spec.kind != PolicyKind::Guardrail || spec.state == PolicyState::Disabled {
                continue;
            }
            let selection = SourceSelection::resolve(snapshot, &spec.applies_to);
            if selection.matches(PolicyRef::Subscription(PolicyIx::at(index)), &candidate) {
                let seen = match &spec.level {
                    Level::Entitlements { condition } => SeenInputs::find(condition, snapshot, source),
                    Level::Anyone | Level::Approval | Level::Individuals { .. } => SeenInputs::default(),
                };
                bounds.guardrails.insert(spec.name.clone(), seen);
            }
        }
        for (index, policy) in snapshot.data_policies.iter().enumerate() {
            let spec = &policy.spec;
            let selection = SourceSelection::resolve(snapshot, &spec.applies_to);
            if spec.state == PolicyState::Disabled
                || !selection.matches(PolicyRef::Data(DataPolicyIx::at(index)), &candidate)
            {
                continue;
            }
            let selected = ColumnSelection::resolve(snapshot, &spec.columns);
            for (_, column) in snapshot.columns_of(source).filter(|(_, column)| selected.matches(column)) {
                let except = spec.except.as_ref();
                let seen =
                    except.map(|except| SeenInputs::find(except, snapshot, source)).unwrap_or_default();
                bounds.masks.entry(column.name.to_string()).or_default().insert(spec.name.clone(), seen);
            }
        }
        bounds
    }

    /// Returns the bounds that another version has lost or changed, in order of their names.
    #[must_use]
    pub fn lost_in(&self, other: &Self) -> Vec<LostBound> {
        let guardrails =
            self.guardrails.iter().filter(|(name, seen)| other.guardrails.get(*name) != Some(*seen));
        let mut lost: Vec<_> = guardrails.map(|(name, _)| LostBound::Guardrail(name.clone())).collect();
        for (column, masks) in &self.masks {
            let there = other.masks.get(column);
            let gone =
                masks.iter().filter(|(name, seen)| there.and_then(|there| there.get(*name)) != Some(*seen));
            lost.extend(
                gone.map(|(policy, _)| LostBound::Mask { policy: policy.clone(), column: column.clone() }),
            );
        }
        lost
    }
}

impl SeenInputs {
    fn find(condition: &Condition, snapshot: &Snapshot, source: DataSourceIx) -> Self {
        let inputs = ConditionInputs::find(condition);
        let spec = &snapshot.data_sources[source.get()];
        let fields = [&spec.host, &spec.database, &spec.schema, &spec.table];
        let fields = fields.into_iter().zip(inputs.fields).filter(|(_, needed)| *needed);
        let names = |needed: bool, tags: &[domesday_model::TagIx]| {
            let mut names: Vec<_> = tags
                .iter()
                .filter(|_| needed)
                .map(|tag| snapshot.tags[tag.get()].spec.name.clone())
                .collect();
            names.sort_unstable();
            names
        };
        Self {
            fields: fields.map(|(field, _)| field.as_deref().map(str::to_owned)).collect(),
            source_tags: names(inputs.source_tags, &spec.tags),
            column_tags: names(inputs.column_tags, &column_tags(snapshot, source)),
        }
    }
}
