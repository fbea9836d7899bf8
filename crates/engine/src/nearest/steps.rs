//! From what does not hold to the fewest changes that would make it.

use domesday_model::condition::{Atom, value_matches};
use domesday_model::{
    ALL_USERS, ColumnIx, Condition, DataPolicyIx, Level, PolicyIx, PolicyKind, ProductStatus, Request,
    RequestStatus, RequestType, Scope, Target,
};

use super::WayStep;
use super::picture::Picture;
use super::situation::Situation;

impl Situation<'_> {
    /// What could grant access, each with the steps that would make it: nothing where it is granted already.
    pub(super) fn starts(&self, now: &Picture) -> Vec<(Option<String>, Vec<WayStep>)> {
        if self.is_granted(now) {
            return vec![(None, Vec::new())];
        }
        let mut starts = Vec::new();
        for grant in self.policies(PolicyKind::Grant) {
            let name = &self.snapshot.policies[grant.get()].spec.name;
            starts.extend(self.ways_into(grant, now).into_iter().map(|steps| (Some(name.clone()), steps)));
        }
        let name = &*self.data_source().name;
        for product in &self.snapshot.data_products {
            let holds = product.spec.data_sources.iter().any(|asset| asset.name == name);
            if holds && product.spec.status == ProductStatus::Published {
                let data_product = product.spec.name.clone();
                let pending = self.pending(&Target::DataProduct(data_product.clone()));
                let ask = WayStep::AskForProduct { data_product, scope: self.scope.as_str(), pending };
                starts.push((None, vec![ask]));
            }
        }
        starts
    }

    /// Each way to make a policy admit the user, none where nothing would.
    fn ways_into(&self, policy: PolicyIx, picture: &Picture) -> Vec<Vec<WayStep>> {
        let policy = &self.snapshot.policies[policy.get()].spec;
        match &policy.level {
            Level::Anyone => vec![Vec::new()],
            Level::Approval => {
                let pending = self.pending(&Target::DataSource(self.data_source().name.to_string()));
                vec![vec![WayStep::AskForApproval { scope: self.scope.as_str(), pending }]]
            }
            Level::Individuals { individuals } => {
                let join = |group: &String| vec![WayStep::JoinGroup { group: group.clone() }];
                let named = vec![WayStep::BeNamed { policy: policy.name.clone() }];
                individuals.groups.iter().map(join).chain([named]).collect()
            }
            Level::Entitlements { condition: Condition::Or(parts) } => {
                parts.iter().filter_map(|part| self.steps_to(part, true, picture)).collect()
            }
            Level::Entitlements { condition } => {
                self.steps_to(condition, true, picture).into_iter().collect()
            }
        }
    }

    /// The fewest steps that make a policy admit the user.
    fn steps_into(&self, policy: PolicyIx, picture: &Picture) -> Option<Vec<WayStep>> {
        if self.admits(policy, picture) {
            return Some(Vec::new());
        }
        self.ways_into(policy, picture).into_iter().min_by_key(Vec::len)
    }

    /// The user's request for access to a target that would do for the scope and is not decided yet.
    fn pending(&self, target: &Target) -> Option<String> {
        let would_do = |request: &&Request| {
            request.kind == RequestType::DataAccess
                && request.target == *target
                && (self.scope == Scope::Read || request.scope == Scope::Write)
        };
        self.pending_requests().find(would_do).map(|request| request.id.clone())
    }

    fn pending_requests(&self) -> impl Iterator<Item = &Request> {
        let username = &*self.snapshot.users[self.user.get()].username;
        let ended = |request: &Request| request.expires_at.is_some_and(|end| end <= self.snapshot.at);
        self.snapshot.requests.iter().filter(move |request| {
            request.user == username && request.status == RequestStatus::Pending && !ended(request)
        })
    }

    /// Asking for a column to be seen clear.
    pub(super) fn exception_step(&self, column: ColumnIx) -> WayStep {
        let column = &*self.snapshot.columns[column.get()].name;
        let source = &*self.data_source().name;
        let would_do = |request: &&Request| {
            request.kind == RequestType::MaskingException
                && matches!(&request.target, Target::DataSource(target) if target == source)
                && request.columns.contains(column)
        };
        let pending = self.pending_requests().find(would_do).map(|request| request.id.clone());
        WayStep::AskForException { column: column.to_owned(), pending }
    }

    /// The steps, which the picture takes, that make every mask except the user.
    pub(super) fn except_steps(&self, masks: &[DataPolicyIx], then: &mut Picture) -> Option<Vec<WayStep>> {
        let mut all = Vec::new();
        for mask in masks {
            let except = self.snapshot.data_policies[mask.get()].spec.except.as_ref()?;
            let steps = self.steps_to(except, true, then)?;
            steps.iter().for_each(|step| then.take(self.snapshot, step));
            all.extend(steps);
        }
        Some(all)
    }

    /// Whether every mask would except the user.
    pub(super) fn is_excepted(&self, masks: &[DataPolicyIx], picture: &Picture) -> bool {
        masks.iter().all(|mask| {
            let except = self.snapshot.data_policies[mask.get()].spec.except.as_ref();
            except.is_some_and(|except| self.holds(except, picture))
        })
    }

    /// The steps that every guardrail wants, taken one after the other.
    pub(super) fn guardrail_steps(&self, picture: &Picture) -> Option<Vec<WayStep>> {
        let mut then = picture.clone();
        let mut all = Vec::new();
        for guardrail in self.policies(PolicyKind::Guardrail) {
            let steps = self.steps_into(guardrail, &then)?;
            steps.iter().for_each(|step| then.take(self.snapshot, step));
            all.extend(steps);
        }
        Some(all)
    }

    /// The fewest steps that make a condition come out as wanted.
    fn steps_to(&self, condition: &Condition, wanted: bool, picture: &Picture) -> Option<Vec<WayStep>> {
        if self.holds(condition, picture) == wanted {
            return Some(Vec::new());
        }
        let each = |parts: &[Condition]| -> Vec<Option<Vec<WayStep>>> {
            parts.iter().map(|part| self.steps_to(part, wanted, picture)).collect()
        };
        match (condition, wanted) {
            (Condition::Not(inner), _) => self.steps_to(inner, !wanted, picture),
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
            // One part will do.
            (Condition::And(parts), false) | (Condition::Or(parts), true) => {
                each(parts).into_iter().flatten().min_by_key(Vec::len)
            }
            (Condition::Atom(atom), true) => self.steps_for(atom, picture),
            (Condition::Atom(atom), false) => self.steps_against(atom, picture),
        }
    }

    fn steps_for(&self, atom: &Atom, picture: &Picture) -> Option<Vec<WayStep>> {
        let join = |group: String| self.snapshot.group(&group).map(|_| WayStep::JoinGroup { group });
        match atom {
            Atom::InGroups(groups) => {
                let names: Vec<String> =
                    groups.iter().map(|group| self.resolve(group)).collect::<Option<_>>()?;
                names.into_iter().filter(|name| !picture.groups.contains(name)).map(join).collect()
            }
            Atom::HasAttribute { key, value } => {
                Some(vec![WayStep::HaveAttribute { key: key.clone(), any_of: vec![self.resolve(value)?] }])
            }
            Atom::HasTagAsAttribute { key, target } => {
                let any_of = self.tag_names(*target);
                (!any_of.is_empty()).then(|| vec![WayStep::HaveAttribute { key: key.clone(), any_of }])
            }
            Atom::HasTagAsGroup { target } => {
                self.tag_names(*target).into_iter().find_map(join).map(|step| vec![step])
            }
        }
    }

    /// Only what is the user's own can be given up; a value that a group brings goes with the group.
    fn steps_against(&self, atom: &Atom, picture: &Picture) -> Option<Vec<WayStep>> {
        let leave = |group: String| (group != ALL_USERS).then_some(WayStep::LeaveGroup { group });
        let lose = |key: &String, matches: &dyn Fn(&str) -> bool| -> Option<Vec<WayStep>> {
            let held = picture.own.iter().filter(|(held, value)| held == key && matches(value));
            let all_of: Vec<String> = held.map(|(_, value)| value.clone()).collect();
            let bringing = picture.groups.iter().filter(|group| {
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
                let mut names = groups.iter().filter_map(|group| self.resolve(group));
                names.find_map(leave).map(|step| vec![step])
            }
            Atom::HasAttribute { key, value } => {
                let wanted = self.resolve(value)?;
                lose(key, &|held| value_matches(held, &wanted))
            }
            Atom::HasTagAsAttribute { key, target } => {
                let names = self.tag_names(*target);
                lose(key, &|held| names.iter().any(|name| name == held))
            }
            Atom::HasTagAsGroup { target } => {
                let held = self.tag_names(*target).into_iter().filter(|name| picture.groups.contains(name));
                held.map(leave).collect()
            }
        }
    }
}
