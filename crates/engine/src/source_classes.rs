//! Data sources that share everything that evaluation can see.
//!
//! The *class* of a data source is what rules 1 to 9 of `docs/access.md` look at: the policies that apply with their
//! bound conditions, which of them a conflict of levels silences, the owners, the requests that cover the source and,
//! for each masked column, the masks and exceptions. Sources with equal classes have equal outcomes, so each class is
//! evaluated once.

use domesday_model::{
    ColumnIx, DataPolicyIx, DataSourceIx, DataSourceStatus, FastMap, PolicyIx, PolicyState, RequestIx, Scope,
    Snapshot, SnapshotColumn, UserIx,
};
use rayon::prelude::*;

use crate::condition::{BindingIx, Bindings, ConditionIx, ConditionPlace};
use crate::level_conflicts::silenced_grants;
use crate::outcomes::{ClassIx, LevelWarning, SourceOutcomes};
use crate::request_coverage::{Coverage, RequestsInForce};
use crate::selection::{Candidate, ColumnSelection, PolicyRef, SourceSelection};

/// An active subscription policy that applies to a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AppliedPolicy {
    pub(crate) policy: PolicyIx,
    /// Its bound condition, where its level is `entitlements`.
    pub(crate) binding: Option<BindingIx>,
    /// Whether a conflict of levels silences it (`docs/access.md` rule 2).
    pub(crate) silenced: bool,
}

/// An active data policy that applies to a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AppliedMask {
    pub(crate) policy: DataPolicyIx,
    /// Its bound condition, which excepts users, if it has one.
    pub(crate) except: Option<BindingIx>,
}

/// What decides how users see one masked column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MaskedColumn {
    pub(crate) masks: Vec<AppliedMask>,
    /// Approved, unexpired masking exceptions that name the column, by user.
    pub(crate) exceptions: Vec<(UserIx, RequestIx)>,
}

/// Everything that evaluation can see of a data source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SourceClass {
    /// In id order.
    pub(crate) policies: Vec<AppliedPolicy>,
    pub(crate) owners: Box<[UserIx]>,
    /// By user, then request.
    pub(crate) coverage: Vec<Coverage>,
    pub(crate) columns: Vec<MaskedColumn>,
}

impl SourceClass {
    /// Returns the requests that cover the sources in a scope (`docs/access.md` rule 3).
    pub(crate) fn coverage_in(&self, scope: Scope) -> impl Iterator<Item = &Coverage> {
        self.coverage.iter().filter(move |coverage| scope == Scope::Read || coverage.write)
    }
}

/// The source classes of a snapshot.
#[derive(Debug)]
pub(crate) struct SourceClasses {
    pub(crate) classes: Vec<SourceClass>,
    pub(crate) sources: Vec<SourceOutcomes>,
    pub(crate) warnings: Vec<LevelWarning>,
    /// How many sources, disabled ones included, each subscription policy applies to.
    pub(crate) sources_of_policy: Vec<usize>,
    pub(crate) sources_of_data_policy: Vec<usize>,
}

/// The policies that apply to one data source.
struct ApplyingPolicies {
    policies: Vec<PolicyIx>,
    data_policies: Vec<DataPolicyIx>,
    /// The columns that active data policies mask, each with these policies (`docs/access.md` rule 8).
    masked: Vec<(ColumnIx, Vec<DataPolicyIx>)>,
}

impl SourceClasses {
    /// Matches every policy to the data sources of a snapshot and groups the enabled ones; binds the policies' conditions.
    pub(crate) fn new(snapshot: &Snapshot, bindings: &mut Bindings) -> Self {
        let policies = PolicyMatcher::new(snapshot, bindings);
        let requests = RequestsInForce::new(snapshot);
        let applying: Vec<ApplyingPolicies> = (0..snapshot.data_sources.len())
            .into_par_iter()
            .map(|position| policies.applying_to(snapshot, DataSourceIx::at(position)))
            .collect();

        let mut found = Self {
            classes: Vec::new(),
            sources: Vec::new(),
            warnings: Vec::new(),
            sources_of_policy: vec![0; snapshot.policies.len()],
            sources_of_data_policy: vec![0; snapshot.data_policies.len()],
        };
        let mut by_class: FastMap<SourceClass, ClassIx> = FastMap::default();
        for (position, applying) in applying.into_iter().enumerate() {
            let ix = DataSourceIx::at(position);
            applying.policies.iter().for_each(|policy| found.sources_of_policy[policy.get()] += 1);
            applying.data_policies.iter().for_each(|policy| found.sources_of_data_policy[policy.get()] += 1);
            let source = &snapshot.data_sources[position];
            if source.status == DataSourceStatus::Disabled {
                continue;
            }
            let columns = applying.masked.iter().map(|(column, _)| *column).collect();
            let masked = policies.masked_columns(ix, applying.masked, &requests, bindings);
            let active = applying
                .policies
                .into_iter()
                .filter(|policy| is_active(snapshot, *policy))
                .collect::<Vec<_>>();
            let silenced = silenced_grants(snapshot, ix, &active, &mut found.warnings);
            let applied = active.into_iter().map(|policy| AppliedPolicy {
                policy,
                binding: policies.conditions[policy.get()].map(|condition| bindings.bind(condition, ix)),
                silenced: silenced.contains(&policy),
            });
            let class = SourceClass {
                policies: applied.collect(),
                owners: source.owners.clone(),
                coverage: requests.coverage[position].clone(),
                columns: masked,
            };
            let next = ClassIx(u32::try_from(by_class.len()).expect("no more classes than sources"));
            let class = *by_class.entry(class).or_insert(next);
            found.sources.push(SourceOutcomes { source: ix, class, columns });
        }
        let mut classes: Vec<_> = by_class.into_iter().collect();
        classes.sort_unstable_by_key(|(_, ix)| *ix);
        found.classes = classes.into_iter().map(|(class, _)| class).collect();
        found
    }
}

fn is_active(snapshot: &Snapshot, policy: PolicyIx) -> bool {
    snapshot.policies[policy.get()].spec.state == PolicyState::Active
}

/// The policies of a snapshot with their selections resolved and their conditions added.
struct PolicyMatcher<'s> {
    selections: Vec<SourceSelection<'s>>,
    conditions: Vec<Option<ConditionIx>>,
    data_selections: Vec<SourceSelection<'s>>,
    column_selections: Vec<ColumnSelection<'s>>,
    excepts: Vec<Option<ConditionIx>>,
}

impl<'s> PolicyMatcher<'s> {
    fn new(snapshot: &'s Snapshot, bindings: &mut Bindings) -> Self {
        let data = &snapshot.data_policies;
        Self {
            selections: snapshot
                .policies
                .iter()
                .map(|policy| SourceSelection::resolve(snapshot, &policy.spec.applies_to))
                .collect(),
            conditions: (0..snapshot.policies.len())
                .map(|position| {
                    bindings.add_condition(snapshot, ConditionPlace::Policy(PolicyIx::at(position)))
                })
                .collect(),
            data_selections: data
                .iter()
                .map(|policy| SourceSelection::resolve(snapshot, &policy.spec.applies_to))
                .collect(),
            column_selections: data
                .iter()
                .map(|policy| ColumnSelection::resolve(snapshot, &policy.spec.columns))
                .collect(),
            excepts: (0..data.len())
                .map(|position| {
                    bindings.add_condition(snapshot, ConditionPlace::DataPolicy(DataPolicyIx::at(position)))
                })
                .collect(),
        }
    }

    /// Finds the policies, of any state, that apply to a data source.
    fn applying_to(&self, snapshot: &Snapshot, source: DataSourceIx) -> ApplyingPolicies {
        let candidate = Candidate::new(snapshot, source);
        let subscriptions = (0..self.selections.len()).map(PolicyIx::at);
        let data = (0..self.data_selections.len()).map(DataPolicyIx::at);
        let data_policies: Vec<_> = data
            .filter(|ix| self.data_selections[ix.get()].matches(PolicyRef::Data(*ix), &candidate))
            .collect();
        ApplyingPolicies {
            policies: subscriptions
                .filter(|ix| self.selections[ix.get()].matches(PolicyRef::Subscription(*ix), &candidate))
                .collect(),
            masked: self.masked(snapshot, source, &data_policies),
            data_policies,
        }
    }

    /// Finds the columns that the active ones among some data policies mask.
    fn masked(
        &self,
        snapshot: &Snapshot,
        source: DataSourceIx,
        applying: &[DataPolicyIx],
    ) -> Vec<(ColumnIx, Vec<DataPolicyIx>)> {
        let is_active =
            |ix: &DataPolicyIx| snapshot.data_policies[ix.get()].spec.state == PolicyState::Active;
        let active: Vec<_> = applying.iter().copied().filter(is_active).collect();
        if active.is_empty() {
            return Vec::new();
        }
        let masks = |column: &SnapshotColumn| -> Vec<_> {
            active
                .iter()
                .copied()
                .filter(|policy| self.column_selections[policy.get()].matches(column))
                .collect()
        };
        let columns = snapshot.columns_of(source).map(|(ix, column)| (ix, masks(column)));
        columns.filter(|(_, masks)| !masks.is_empty()).collect()
    }

    /// Binds the policies that mask each column of a source.
    fn masked_columns(
        &self,
        source: DataSourceIx,
        masked: Vec<(ColumnIx, Vec<DataPolicyIx>)>,
        requests: &RequestsInForce,
        bindings: &mut Bindings,
    ) -> Vec<MaskedColumn> {
        let bound = |(column, policies): (ColumnIx, Vec<DataPolicyIx>)| {
            let mask = |policy: DataPolicyIx| AppliedMask {
                policy,
                except: self.excepts[policy.get()].map(|condition| bindings.bind(condition, source)),
            };
            let masks = policies.into_iter().map(mask).collect();
            MaskedColumn { masks, exceptions: requests.exceptions.get(&column).cloned().unwrap_or_default() }
        };
        masked.into_iter().map(bound).collect()
    }
}
