//! The search for the fewest steps that give access.

use std::borrow::Cow;

use domesday_model::condition::{Atom, TagTarget, Template, value_matches};
use domesday_model::{
    ALL_USERS, ColumnIx, Condition, DataPolicyIx, DataSourceIx, Level, PolicyIx, PolicyKind, ProductStatus,
    Request, RequestStatus, RequestType, Scope, Snapshot, SnapshotDataSource, Target, UserIx,
};

use super::hypothetical::HypotheticalUser;
use super::way::WayStep;
use crate::admission::PairAdmission;
use crate::condition::PairEvaluator;
use crate::source_classes::SourceClass;

/// A search for ways of one user to a data source of a class, in one scope.
pub(super) struct WaySearch<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) class: &'a SourceClass,
    pub(super) user: UserIx,
    pub(super) source: DataSourceIx,
    pub(super) scope: Scope,
}

impl WaySearch<'_> {
    fn data_source(&self) -> &SnapshotDataSource {
        &self.snapshot.data_sources[self.source.get()]
    }

    fn pair<'u>(&'u self, user: &'u HypotheticalUser) -> PairEvaluator<'u, &'u HypotheticalUser> {
        PairEvaluator { snapshot: self.snapshot, source: self.source, user }
    }

    pub(super) fn admission<'u>(
        &'u self,
        user: &'u HypotheticalUser,
    ) -> PairAdmission<'u, &'u HypotheticalUser> {
        PairAdmission { class: self.class, scope: self.scope, pair: self.pair(user) }
    }

    /// Whether a user would be granted access and pass every guardrail.
    pub(super) fn has_access(&self, user: &HypotheticalUser) -> bool {
        let admission = self.admission(user);
        admission.is_granted() && admission.is_eligible()
    }

    /// Returns the grants and data products that could grant access, each with the steps to it. No step is needed where
    /// access is granted already.
    pub(super) fn starts(&self, now: &HypotheticalUser) -> Vec<(Option<String>, Vec<WayStep>)> {
        let admission = self.admission(now);
        if admission.is_granted() {
            return vec![(None, Vec::new())];
        }
        let mut starts = Vec::new();
        for grant in admission.policies(PolicyKind::Grant) {
            let name = &self.snapshot.policies[grant.get()].spec.name;
            starts.extend(self.ways_into(grant, now).into_iter().map(|steps| (Some(name.clone()), steps)));
        }
        let name = &*self.data_source().name;
        for product in &self.snapshot.data_products {
            let contains = product.spec.data_sources.iter().any(|asset| asset.name == name);
            if contains && product.spec.status == ProductStatus::Published {
                let data_product = product.spec.name.clone();
                let pending = self.pending(&Target::DataProduct(data_product.clone()));
                let ask = WayStep::AskForProduct { data_product, scope: self.scope, pending };
                starts.push((None, vec![ask]));
            }
        }
        starts
    }

    /// Returns each way to make a policy admit a user; none where nothing would.
    fn ways_into(&self, policy: PolicyIx, user: &HypotheticalUser) -> Vec<Vec<WayStep>> {
        let policy = &self.snapshot.policies[policy.get()].spec;
        match &policy.level {
            Level::Anyone => vec![Vec::new()],
            Level::Approval => {
                let pending = self.pending(&Target::DataSource(self.data_source().name.to_string()));
                vec![vec![WayStep::AskForApproval { scope: self.scope, pending }]]
            }
            Level::Individuals { individuals } => {
                let join = |group: &String| vec![WayStep::JoinGroup { group: group.clone() }];
                let named = vec![WayStep::BeNamed { policy: policy.name.clone() }];
                individuals.groups.iter().map(join).chain([named]).collect()
            }
            Level::Entitlements { condition: Condition::Or(parts) } => {
                parts.iter().filter_map(|part| self.steps_to(part, true, user)).collect()
            }
            Level::Entitlements { condition } => self.steps_to(condition, true, user).into_iter().collect(),
        }
    }

    /// Returns the fewest steps that make a policy admit a user.
    fn steps_into(&self, policy: PolicyIx, user: &HypotheticalUser) -> Option<Vec<WayStep>> {
        if self.admission(user).admits(policy) {
            return Some(Vec::new());
        }
        self.ways_into(policy, user).into_iter().min_by_key(Vec::len)
    }

    /// Returns the user's pending request for a target that suffices for the scope.
    fn pending(&self, target: &Target) -> Option<String> {
        let suffices = |request: &&Request| {
            request.kind == RequestType::DataAccess
                && request.target == *target
                && (self.scope == Scope::Read || request.scope == Scope::Write)
        };
        self.pending_requests().find(suffices).map(|request| request.id.clone())
    }

    fn pending_requests(&self) -> impl Iterator<Item = &Request> {
        let username = &*self.snapshot.users[self.user.get()].username;
        let ended = |request: &Request| request.expires_at.is_some_and(|end| end <= self.snapshot.at);
        self.snapshot.requests.iter().filter(move |request| {
            request.user == username && request.status == RequestStatus::Pending && !ended(request)
        })
    }

    /// Returns the step of requesting a masking exception for a column.
    pub(super) fn exception_step(&self, column: ColumnIx) -> WayStep {
        let column = &*self.snapshot.columns[column.get()].name;
        let source = &*self.data_source().name;
        let suffices = |request: &&Request| {
            request.kind == RequestType::MaskingException
                && matches!(&request.target, Target::DataSource(target) if target == source)
                && request.columns.contains(column)
        };
        let pending = self.pending_requests().find(suffices).map(|request| request.id.clone());
        WayStep::AskForException { column: column.to_owned(), pending }
    }

    /// Returns the steps that make every mask except a user, and applies them.
    pub(super) fn except_steps(
        &self,
        masks: &[DataPolicyIx],
        then: &mut HypotheticalUser,
    ) -> Option<Vec<WayStep>> {
        let mut all = Vec::new();
        for mask in masks {
            let except = self.snapshot.data_policies[mask.get()].spec.except.as_ref()?;
            let steps = self.steps_to(except, true, then)?;
            steps.iter().for_each(|step| then.apply(self.snapshot, step));
            all.extend(steps);
        }
        Some(all)
    }

    /// Whether every mask would except a user.
    pub(super) fn is_excepted(&self, masks: &[DataPolicyIx], user: &HypotheticalUser) -> bool {
        let admission = self.admission(user);
        masks.iter().all(|mask| admission.is_excepted(*mask))
    }

    /// Returns the steps that every guardrail requires, one after the other.
    pub(super) fn guardrail_steps(&self, user: &HypotheticalUser) -> Option<Vec<WayStep>> {
        let mut then = user.clone();
        let mut all = Vec::new();
        for guardrail in self.admission(user).policies(PolicyKind::Guardrail) {
            let steps = self.steps_into(guardrail, &then)?;
            steps.iter().for_each(|step| then.apply(self.snapshot, step));
            all.extend(steps);
        }
        Some(all)
    }

    /// Returns the fewest steps that make a condition true or false, as wanted.
    fn steps_to(&self, condition: &Condition, wanted: bool, user: &HypotheticalUser) -> Option<Vec<WayStep>> {
        if self.pair(user).holds(condition) == wanted {
            return Some(Vec::new());
        }
        let each = |parts: &[Condition]| -> Vec<Option<Vec<WayStep>>> {
            parts.iter().map(|part| self.steps_to(part, wanted, user)).collect()
        };
        match (condition, wanted) {
            (Condition::Not(inner), _) => self.steps_to(inner, !wanted, user),
            // All parts are needed.
            (Condition::And(parts), true) | (Condition::Or(parts), false) => {
                let mut steps: Vec<WayStep> = Vec::new();
                for part in each(parts) {
                    part?.into_iter().for_each(|step| {
                        if !steps.contains(&step) {
                            steps.push(step);
                        }
                    });
                }
                Some(steps)
            }
            // One part suffices.
            (Condition::And(parts), false) | (Condition::Or(parts), true) => {
                each(parts).into_iter().flatten().min_by_key(Vec::len)
            }
            (Condition::Atom(atom), true) => self.steps_for(atom, user),
            (Condition::Atom(atom), false) => self.steps_against(atom, user),
        }
    }

    fn resolve(&self, template: &Template, user: &HypotheticalUser) -> Option<String> {
        self.pair(user).resolve(template).map(Cow::into_owned)
    }

    /// Returns the tags of the source or of its columns with their ancestors, the most specific first.
    fn tag_names(&self, target: TagTarget, user: &HypotheticalUser) -> Vec<String> {
        self.pair(user).tag_names(target).into_iter().map(str::to_owned).collect()
    }

    /// Returns the steps that make an atom true.
    fn steps_for(&self, atom: &Atom, user: &HypotheticalUser) -> Option<Vec<WayStep>> {
        let join = |group: String| self.snapshot.group(&group).map(|_| WayStep::JoinGroup { group });
        match atom {
            Atom::InGroups(groups) => {
                let names: Vec<String> =
                    groups.iter().map(|group| self.resolve(group, user)).collect::<Option<_>>()?;
                names.into_iter().filter(|name| !user.groups.contains(name)).map(join).collect()
            }
            Atom::HasAttribute { key, value } => Some(vec![WayStep::HaveAttribute {
                key: key.clone(),
                any_of: vec![self.resolve(value, user)?],
            }]),
            Atom::HasTagAsAttribute { key, target } => {
                let any_of = self.tag_names(*target, user);
                (!any_of.is_empty()).then(|| vec![WayStep::HaveAttribute { key: key.clone(), any_of }])
            }
            Atom::HasTagAsGroup { target } => {
                self.tag_names(*target, user).into_iter().find_map(join).map(|step| vec![step])
            }
        }
    }

    /// Returns the steps that make an atom false. Only the user's own values can be removed; a value that a group brings
    /// goes with the group.
    fn steps_against(&self, atom: &Atom, user: &HypotheticalUser) -> Option<Vec<WayStep>> {
        let leave = |group: String| (group != ALL_USERS).then_some(WayStep::LeaveGroup { group });
        let lose = |key: &String, matches: &dyn Fn(&str) -> bool| -> Option<Vec<WayStep>> {
            let held = user.own.iter().filter(|(held, value)| held == key && matches(value));
            let all_of: Vec<String> = held.map(|(_, value)| value.clone()).collect();
            let bringing = user.groups.iter().filter(|group| {
                let group = self.snapshot.group(group).map(|group| &self.snapshot.groups[group.get()]);
                group.is_some_and(|group| {
                    group.attributes.iter().any(|(held, value)| {
                        self.snapshot.symbols.text(*held) == key
                            && matches(self.snapshot.symbols.text(*value))
                    })
                })
            });
            let mut steps: Vec<WayStep> = bringing.cloned().map(leave).collect::<Option<_>>()?;
            if !all_of.is_empty() {
                steps.push(WayStep::LoseAttribute { key: key.clone(), all_of });
            }
            Some(steps)
        };
        match atom {
            Atom::InGroups(groups) => {
                let mut names = groups.iter().filter_map(|group| self.resolve(group, user));
                names.find_map(leave).map(|step| vec![step])
            }
            Atom::HasAttribute { key, value } => {
                let wanted = self.resolve(value, user)?;
                lose(key, &|held| value_matches(held, &wanted))
            }
            Atom::HasTagAsAttribute { key, target } => {
                let names = self.tag_names(*target, user);
                lose(key, &|held| names.iter().any(|name| name == held))
            }
            Atom::HasTagAsGroup { target } => {
                let held =
                    self.tag_names(*target, user).into_iter().filter(|name| user.groups.contains(name));
                held.map(leave).collect()
            }
        }
    }
}
