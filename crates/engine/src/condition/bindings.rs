//! The conditions of a snapshot's policies, bound to what they read of data sources.

use std::sync::OnceLock;

use domesday_model::{Condition, DataPolicyIx, DataSourceIx, FastMap, Level, PolicyIx, Snapshot};

use super::inputs::{ConditionInputs, SourceInputs};
use super::sets::SetEvaluator;
use crate::user_index::UserIndex;
use crate::user_set::UserSet;

/// The sets of users of all bindings are cached as long as they take no more than this many bytes; beyond that they are
/// computed whenever they are needed.
const CACHE_BYTES: usize = 256 << 20;

/// Position of a binding in [`Bindings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct BindingIx(pub(crate) u32);

/// Position of a condition in [`Bindings`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConditionIx(u32);

/// Where a condition is in its snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConditionPlace {
    /// The level of a subscription policy.
    Policy(PolicyIx),
    /// The `except` of a data policy.
    DataPolicy(DataPolicyIx),
}

impl ConditionPlace {
    fn condition(self, snapshot: &Snapshot) -> Option<&Condition> {
        match self {
            Self::Policy(policy) => match &snapshot.policies[policy.get()].spec.level {
                Level::Entitlements { condition } => Some(condition),
                Level::Anyone | Level::Approval | Level::Individuals { .. } => None,
            },
            Self::DataPolicy(policy) => snapshot.data_policies[policy.get()].spec.except.as_ref(),
        }
    }
}

/// A condition with the inputs that it reads of one or more data sources.
#[derive(Debug)]
struct Binding {
    condition: ConditionIx,
    /// One of the sources that have this binding.
    example: DataSourceIx,
    users: OnceLock<UserSet>,
}

/// The conditions of a snapshot's policies, their bindings, and who satisfies each.
#[derive(Debug)]
pub(crate) struct Bindings {
    users: UserIndex,
    conditions: Vec<(ConditionPlace, ConditionInputs)>,
    bindings: Vec<Binding>,
    by_inputs: FastMap<(ConditionIx, SourceInputs), BindingIx>,
    /// By data source.
    inputs: Vec<SourceInputs>,
    is_cached: bool,
}

impl Bindings {
    /// Indexes the users and the data sources of a snapshot; conditions are added afterwards.
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
        let (users, inputs) = rayon::join(|| UserIndex::new(snapshot), || SourceInputs::of_sources(snapshot));
        Self {
            users,
            conditions: Vec::new(),
            bindings: Vec::new(),
            by_inputs: FastMap::default(),
            inputs,
            is_cached: true,
        }
    }

    /// Adds the condition of a policy, if it has one.
    pub(crate) fn add_condition(
        &mut self,
        snapshot: &Snapshot,
        place: ConditionPlace,
    ) -> Option<ConditionIx> {
        let condition = place.condition(snapshot)?;
        let ix = ConditionIx(u32::try_from(self.conditions.len()).expect("fewer than 2^32 policies"));
        self.conditions.push((place, ConditionInputs::find(condition)));
        Some(ix)
    }

    /// Binds a condition to a data source.
    pub(crate) fn bind(&mut self, condition: ConditionIx, source: DataSourceIx) -> BindingIx {
        let (_, inputs) = self.conditions[condition.0 as usize];
        let key = (condition, inputs.select(self.inputs[source.get()]));
        let bindings = &mut self.bindings;
        let ix = *self.by_inputs.entry(key).or_insert_with(|| {
            bindings.push(Binding { condition, example: source, users: OnceLock::new() });
            BindingIx(u32::try_from(bindings.len() - 1).expect("fewer than 2^32 bindings"))
        });
        self.is_cached = self.bindings.len() * UserSet::bytes(self.users.count) <= CACHE_BYTES;
        ix
    }

    /// Returns what a condition with these inputs reads of a data source.
    pub(crate) fn source_inputs(&self, inputs: ConditionInputs, source: DataSourceIx) -> SourceInputs {
        inputs.select(self.inputs[source.get()])
    }

    /// Calls `with` with the active users who satisfy a binding.
    pub(crate) fn with_users<R>(
        &self,
        snapshot: &Snapshot,
        binding: BindingIx,
        with: impl FnOnce(&UserSet) -> R,
    ) -> R {
        let binding = &self.bindings[binding.0 as usize];
        let compute = || {
            let (place, _) = self.conditions[binding.condition.0 as usize];
            let condition = place.condition(snapshot).expect("only conditions are added");
            self.evaluator(snapshot).users_of(condition, binding.example)
        };
        if self.is_cached { with(binding.users.get_or_init(compute)) } else { with(&compute()) }
    }

    /// Returns every binding, if their sets of users are cached.
    pub(crate) fn cached_bindings(&self) -> Option<Vec<BindingIx>> {
        let count = u32::try_from(self.bindings.len()).expect("fewer than 2^32 bindings");
        self.is_cached.then(|| (0..count).map(BindingIx).collect())
    }

    /// Returns the index of the users.
    pub(crate) fn users(&self) -> &UserIndex {
        &self.users
    }

    /// Returns the evaluator of conditions on the snapshot for which the bindings were made.
    pub(crate) fn evaluator<'a>(&'a self, snapshot: &'a Snapshot) -> SetEvaluator<'a> {
        SetEvaluator { snapshot, users: &self.users }
    }
}
