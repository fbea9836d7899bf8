//! Data sources that share everything evaluation can see.
//!
//! A source's *class* is what rules 1 to 9 look at: the applicable policies with their bindings, which of them
//! a conflict of levels silences, the owners, the requests that cover it and, for each masked column, the
//! masks and exceptions. Sources with equal classes have equal outcomes, so each class is evaluated once.

use domesday_model::{
    ColumnIx, DataPolicyIx, DataSourceIx, DataSourceStatus, FastMap, LevelKind, PolicyIx, PolicyKind,
    PolicyState, ProductStatus, RequestIx, RequestType, Scope, Snapshot, SnapshotColumn,
    Target as RequestTarget, UserIx,
};
use rayon::prelude::*;

use crate::applies::{Asking, Candidate, Columns, Target};
use crate::condition::{BindingIx, ConditionIx, ConditionPlace, Conditions};
use crate::outcomes::{ClassIx, SourceOutcomes, Warning};

/// An active subscription policy that applies to a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Applied {
    pub(crate) policy: PolicyIx,
    /// The users its condition admits, where its level is `entitlements`.
    pub(crate) binding: Option<BindingIx>,
    /// Whether a conflict of levels silences it (rule 2).
    pub(crate) silenced: bool,
}

/// A request that covers a source for a user (rule 3), for reading and perhaps for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Cover {
    pub(crate) user: UserIx,
    pub(crate) request: RequestIx,
    /// It is for a data product, which grants by itself (rule 5).
    pub(crate) product: bool,
    pub(crate) write: bool,
}

/// An active data policy that applies to a column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct AppliedMask {
    pub(crate) policy: DataPolicyIx,
    /// The users it excepts.
    pub(crate) except: Option<BindingIx>,
}

/// What decides on one masked column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) masks: Vec<AppliedMask>,
    /// Approved, unexpired masking exceptions that name the column, by user.
    pub(crate) exceptions: Vec<(UserIx, RequestIx)>,
}

/// Everything evaluation can see of a source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    /// In id order.
    pub(crate) policies: Vec<Applied>,
    pub(crate) owners: Box<[UserIx]>,
    /// By user, then request.
    pub(crate) covers: Vec<Cover>,
    pub(crate) slots: Vec<Slot>,
}

/// The classes of a snapshot.
#[derive(Debug)]
pub(crate) struct Classes {
    pub(crate) classes: Vec<Class>,
    pub(crate) sources: Vec<SourceOutcomes>,
    pub(crate) warnings: Vec<Warning>,
    /// How many sources, disabled ones included, each subscription policy applies to.
    pub(crate) sources_of_policy: Vec<usize>,
    pub(crate) sources_of_data_policy: Vec<usize>,
}

/// What one source matches, before bindings.
struct Matches {
    policies: Vec<PolicyIx>,
    data_policies: Vec<DataPolicyIx>,
    /// The columns that active data policies mask, with these policies (rule 8).
    masked: Vec<(ColumnIx, Vec<DataPolicyIx>)>,
}

impl Classes {
    pub(crate) fn of(snapshot: &Snapshot, conditions: &mut Conditions) -> Self {
        let policies = Policies::of(snapshot, conditions);
        let requests = Requests::of(snapshot);
        let matches: Vec<Matches> = (0..snapshot.data_sources.len())
            .into_par_iter()
            .map(|position| policies.matches(snapshot, DataSourceIx::at(position)))
            .collect();

        let mut found = Self {
            classes: Vec::new(),
            sources: Vec::new(),
            warnings: Vec::new(),
            sources_of_policy: vec![0; snapshot.policies.len()],
            sources_of_data_policy: vec![0; snapshot.data_policies.len()],
        };
        let mut by_class: FastMap<Class, ClassIx> = FastMap::default();
        for (position, matches) in matches.into_iter().enumerate() {
            let ix = DataSourceIx::at(position);
            matches.policies.iter().for_each(|policy| found.sources_of_policy[policy.get()] += 1);
            matches.data_policies.iter().for_each(|policy| found.sources_of_data_policy[policy.get()] += 1);
            let source = &snapshot.data_sources[position];
            if source.status == DataSourceStatus::Disabled {
                continue;
            }
            let columns = matches.masked.iter().map(|(column, _)| *column).collect();
            let slots = policies.slots(ix, matches.masked, &requests, conditions);
            let active = matches
                .policies
                .into_iter()
                .filter(|policy| is_active(snapshot, *policy))
                .collect::<Vec<_>>();
            let silenced = silenced(snapshot, ix, &active, &mut found.warnings);
            let applied = active.into_iter().map(|policy| Applied {
                policy,
                binding: policies.conditions[policy.get()].map(|condition| conditions.bind(condition, ix)),
                silenced: silenced.contains(&policy),
            });
            let class = Class {
                policies: applied.collect(),
                owners: source.owners.clone(),
                covers: requests.covers[position].clone(),
                slots,
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

/// The policies of a snapshot, ready to be matched.
struct Policies<'s> {
    targets: Vec<Target<'s>>,
    conditions: Vec<Option<ConditionIx>>,
    data_targets: Vec<Target<'s>>,
    columns: Vec<Columns<'s>>,
    excepts: Vec<Option<ConditionIx>>,
}

impl<'s> Policies<'s> {
    fn of(snapshot: &'s Snapshot, conditions: &mut Conditions) -> Self {
        let data = &snapshot.data_policies;
        Self {
            targets: snapshot
                .policies
                .iter()
                .map(|policy| Target::of(snapshot, &policy.spec.applies_to))
                .collect(),
            conditions: (0..snapshot.policies.len())
                .map(|position| conditions.add(snapshot, ConditionPlace::Policy(PolicyIx::at(position))))
                .collect(),
            data_targets: data.iter().map(|policy| Target::of(snapshot, &policy.spec.applies_to)).collect(),
            columns: data.iter().map(|policy| Columns::of(snapshot, &policy.spec.columns)).collect(),
            excepts: (0..data.len())
                .map(|position| {
                    conditions.add(snapshot, ConditionPlace::DataPolicy(DataPolicyIx::at(position)))
                })
                .collect(),
        }
    }

    fn matches(&self, snapshot: &Snapshot, source: DataSourceIx) -> Matches {
        let candidate = Candidate::of(snapshot, source);
        let subscriptions = (0..self.targets.len()).map(PolicyIx::at);
        let data = (0..self.data_targets.len()).map(DataPolicyIx::at);
        let data_policies: Vec<_> =
            data.filter(|ix| self.data_targets[ix.get()].matches(Asking::Data(*ix), &candidate)).collect();
        Matches {
            policies: subscriptions
                .filter(|ix| self.targets[ix.get()].matches(Asking::Subscription(*ix), &candidate))
                .collect(),
            masked: self.masked(snapshot, source, &data_policies),
            data_policies,
        }
    }

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
            active.iter().copied().filter(|policy| self.columns[policy.get()].matches(column)).collect()
        };
        let columns = snapshot.columns_of(source).map(|(ix, column)| (ix, masks(column)));
        columns.filter(|(_, masks)| !masks.is_empty()).collect()
    }

    /// What decides on each masked column of a source.
    fn slots(
        &self,
        source: DataSourceIx,
        masked: Vec<(ColumnIx, Vec<DataPolicyIx>)>,
        requests: &Requests,
        conditions: &mut Conditions,
    ) -> Vec<Slot> {
        let slot = |(column, policies): (ColumnIx, Vec<DataPolicyIx>)| {
            let mask = |policy: DataPolicyIx| AppliedMask {
                policy,
                except: self.excepts[policy.get()].map(|condition| conditions.bind(condition, source)),
            };
            let masks = policies.into_iter().map(mask).collect();
            Slot { masks, exceptions: requests.exceptions.get(&column).cloned().unwrap_or_default() }
        };
        masked.into_iter().map(slot).collect()
    }
}

/// The grants among `active` that a conflict of levels silences at a source (rule 2), with warnings.
///
/// Each scope of grants is a conflict of its own. The level choice settles the one that the policy it names
/// takes part in; an unsettled conflict goes to the most restrictive level.
fn silenced(
    snapshot: &Snapshot,
    source: DataSourceIx,
    active: &[PolicyIx],
    warnings: &mut Vec<Warning>,
) -> Vec<PolicyIx> {
    let choice = snapshot.data_sources[source.get()].level_choice;
    let level = |policy: &PolicyIx| snapshot.policies[policy.get()].spec.level.kind();
    let mut silenced = Vec::new();
    let mut settled = false;
    for scope in Scope::ALL {
        let rivals: Vec<PolicyIx> = active
            .iter()
            .copied()
            .filter(|ix| {
                let policy = &snapshot.policies[ix.get()].spec;
                policy.kind == PolicyKind::Grant
                    && policy.scope == scope
                    && !policy.applies_to.is_local()
                    && policy.level.kind().restrictiveness().is_some()
            })
            .collect();
        let Some(strictest) = rivals.iter().map(level).max_by_key(|level| LevelKind::restrictiveness(*level))
        else {
            continue;
        };
        if rivals.iter().all(|rival| level(rival) == strictest) {
            continue;
        }
        let wins = match choice.filter(|choice| rivals.contains(choice)) {
            Some(choice) => {
                settled = true;
                level(&choice)
            }
            None => {
                let policies = rivals.clone().into();
                warnings.push(Warning::UnsettledConflict { source, scope, policies });
                strictest
            }
        };
        silenced.extend(rivals.into_iter().filter(|rival| level(rival) != wins));
    }
    if let Some(policy) = choice.filter(|_| !settled) {
        warnings.push(Warning::IdleLevelChoice { source, policy });
    }
    silenced
}

/// The requests in force, by what they are about.
struct Requests {
    covers: Vec<Vec<Cover>>,
    exceptions: FastMap<ColumnIx, Vec<(UserIx, RequestIx)>>,
}

impl Requests {
    fn of(snapshot: &Snapshot) -> Self {
        let mut covers = vec![Vec::new(); snapshot.data_sources.len()];
        let mut exceptions: FastMap<ColumnIx, Vec<_>> = FastMap::default();
        for (position, request) in snapshot.requests.iter().enumerate() {
            let Some(user) = snapshot.user(&request.user) else { continue };
            if !request.is_in_force(snapshot.at) || !snapshot.is_active(user) {
                continue;
            }
            let ix = RequestIx::at(position);
            let write = request.scope == Scope::Write;
            match (request.kind, &request.target) {
                (RequestType::DataAccess, RequestTarget::DataSource(name)) => {
                    if let Some(source) = snapshot.data_source(name) {
                        covers[source.get()].push(Cover { user, request: ix, product: false, write });
                    }
                }
                (RequestType::DataAccess, RequestTarget::DataProduct(name)) => {
                    let product = snapshot.data_product(name).map(|product| &product.spec);
                    let published = product.filter(|product| product.status == ProductStatus::Published);
                    for asset in published.into_iter().flat_map(|product| &product.data_sources) {
                        if let Some(source) = snapshot.data_source(&asset.name) {
                            covers[source.get()].push(Cover { user, request: ix, product: true, write });
                        }
                    }
                }
                (RequestType::MaskingException, RequestTarget::DataSource(name)) => {
                    let Some(source) = snapshot.data_source(name) else { continue };
                    for (column_ix, column) in snapshot.columns_of(source) {
                        if request.columns.contains(&*column.name) {
                            exceptions.entry(column_ix).or_default().push((user, ix));
                        }
                    }
                }
                (RequestType::MaskingException, RequestTarget::DataProduct(_)) => {}
            }
        }
        covers.iter_mut().for_each(|covers| covers.sort_unstable());
        exceptions.values_mut().for_each(|exceptions| exceptions.sort_unstable());
        Self { covers, exceptions }
    }
}
