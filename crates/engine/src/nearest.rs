//! For somebody without access, the nearest ways to get it: which group or attribute value would admit, which
//! approval to ask for, and what every guardrail wants besides.
//!
//! Each way is tried out on a picture of the user before it is told: changes can get in each other's way (a
//! group brings attributes that a `NOT` excludes), and such a way is left out.

use std::collections::BTreeSet;

use domesday_model::condition::{Atom, TagTarget, Template, Variable, value_matches};
use domesday_model::{
    ALL_USERS, Condition, DataSourceIx, DataSourceStatus, GroupIx, Level, PolicyIx, PolicyKind,
    ProductStatus, Scope, Snapshot, SnapshotDataSource, UserIx, dotted_ancestors,
};
use serde::Serialize;

use crate::Outcomes;
use crate::admit::counts_for;
use crate::classes::Class;
use crate::condition::{column_tags, data_source_field, user_field};

/// The longest list of ways worth telling.
const MOST_WAYS: usize = 5;

/// One way to access: all of the steps are needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// The grant that would admit; absent where the user is granted already and only guardrails block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// What has to change.
    pub steps: Vec<WayStep>,
}

/// One change on the way to access.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum WayStep {
    /// Become a member of a group.
    JoinGroup {
        /// The group.
        group: String,
    },
    /// Be a member of a group no longer.
    LeaveGroup {
        /// The group.
        group: String,
    },
    /// Have one of these values for an attribute.
    HaveAttribute {
        /// The attribute's key.
        key: String,
        /// The values, any of which will do.
        any_of: Vec<String>,
    },
    /// Have none of these values for an attribute.
    LoseAttribute {
        /// The attribute's key.
        key: String,
        /// The values.
        all_of: Vec<String>,
    },
    /// Ask for access to the data source and be approved.
    AskForApproval {
        /// The scope to ask for.
        scope: &'static str,
    },
    /// Ask for a data product that holds the data source and be approved.
    AskForProduct {
        /// The product.
        data_product: String,
        /// The scope to ask for.
        scope: &'static str,
    },
    /// Be named in a policy.
    BeNamed {
        /// The policy.
        policy: String,
    },
}

impl Outcomes<'_> {
    /// The nearest ways for a user to reach a data source, shortest first; none where the user or the source is
    /// disabled, or where access is granted and eligible already.
    ///
    /// # Panics
    /// When an index is not of this snapshot.
    #[must_use]
    pub fn nearest_ways(&self, user: UserIx, source: DataSourceIx, scope: Scope) -> Vec<Way> {
        let snapshot = self.snapshot;
        let of_source = self.classes.sources.binary_search_by_key(&source, |outcomes| outcomes.source);
        let (Ok(position), true) = (of_source, snapshot.is_active(user)) else { return Vec::new() };
        debug_assert_eq!(snapshot.data_sources[source.get()].status, DataSourceStatus::Enabled);
        let class = &self.classes.classes[self.classes.sources[position].class.0 as usize];
        let situation = Situation { snapshot, class, user, source, scope };
        let now = Picture::of(snapshot, user);
        if situation.is_granted(&now) && situation.is_eligible(&now) {
            return Vec::new();
        }
        let mut ways: Vec<Way> = situation
            .starts(&now)
            .into_iter()
            .filter_map(|(grant, mut steps)| {
                let mut then = now.clone();
                steps.iter().for_each(|step| then.take(snapshot, step));
                // What guardrails want depends on what the grant's steps already brought.
                let more = situation.guardrail_steps(&then)?;
                more.iter().for_each(|step| then.take(snapshot, step));
                steps.extend(more);
                (situation.is_granted(&then) && situation.is_eligible(&then)).then_some(Way { grant, steps })
            })
            .collect();
        ways.sort_by_key(|way| way.steps.len());
        ways.dedup();
        ways.truncate(MOST_WAYS);
        ways
    }
}

/// A user as they are or would be.
#[derive(Debug, Clone)]
struct Picture {
    user: UserIx,
    groups: BTreeSet<String>,
    /// Their own values and those of their groups.
    attributes: BTreeSet<(String, String)>,
    own: BTreeSet<(String, String)>,
    /// Policies that would name them.
    named_in: BTreeSet<String>,
    /// A request that would be approved for the source, and whether through a product.
    approved: Option<bool>,
}

impl Picture {
    fn of(snapshot: &Snapshot, user: UserIx) -> Self {
        let person = &snapshot.users[user.get()];
        let name = |group: &GroupIx| snapshot.groups[group.get()].name.to_string();
        let text =
            |(key, value)| (snapshot.symbols.text(key).to_owned(), snapshot.symbols.text(value).to_owned());
        let mut picture = Self {
            user,
            groups: person.groups.iter().map(name).chain([ALL_USERS.to_owned()]).collect(),
            attributes: BTreeSet::new(),
            own: person.attributes.iter().copied().map(text).collect(),
            named_in: BTreeSet::new(),
            approved: None,
        };
        picture.inherit(snapshot);
        picture
    }

    fn inherit(&mut self, snapshot: &Snapshot) {
        self.attributes.clone_from(&self.own);
        for group in self.groups.iter().filter_map(|name| snapshot.group(name)) {
            for (key, value) in &snapshot.groups[group.get()].attributes {
                let (key, value) = (snapshot.symbols.text(*key), snapshot.symbols.text(*value));
                self.attributes.insert((key.to_owned(), value.to_owned()));
            }
        }
    }

    fn take(&mut self, snapshot: &Snapshot, step: &WayStep) {
        match step {
            WayStep::JoinGroup { group } => {
                self.groups.insert(group.clone());
            }
            WayStep::LeaveGroup { group } => {
                self.groups.remove(group);
            }
            WayStep::HaveAttribute { key, any_of } => {
                self.own.extend(any_of.first().map(|value| (key.clone(), value.clone())));
            }
            WayStep::LoseAttribute { key, all_of } => {
                self.own.retain(|(held, value)| held != key || !all_of.contains(value));
            }
            WayStep::AskForApproval { .. } => self.approved = Some(false),
            WayStep::AskForProduct { .. } => self.approved = Some(true),
            WayStep::BeNamed { policy } => {
                self.named_in.insert(policy.clone());
            }
        }
        self.inherit(snapshot);
    }
}

/// What is asked: a user, a source of a class, a scope.
struct Situation<'a> {
    snapshot: &'a Snapshot,
    class: &'a Class,
    user: UserIx,
    source: DataSourceIx,
    scope: Scope,
}

impl Situation<'_> {
    fn data_source(&self) -> &SnapshotDataSource {
        &self.snapshot.data_sources[self.source.get()]
    }

    /// The policies of a kind that count for the scope and are not silenced.
    fn policies(&self, kind: PolicyKind) -> impl Iterator<Item = PolicyIx> + '_ {
        self.class
            .policies
            .iter()
            .filter(|applied| !applied.silenced && counts_for(self.snapshot, applied.policy, self.scope))
            .map(|applied| applied.policy)
            .filter(move |policy| self.snapshot.policies[policy.get()].spec.kind == kind)
    }

    fn is_granted(&self, picture: &Picture) -> bool {
        let own = self.class.covers.iter().filter(|cover| cover.user == picture.user);
        let by_product =
            own.into_iter().any(|cover| cover.product && (self.scope == Scope::Read || cover.write));
        by_product
            || picture.approved == Some(true)
            || self.class.owners.contains(&picture.user)
            || self.policies(PolicyKind::Grant).any(|grant| self.admits(grant, picture))
    }

    fn is_eligible(&self, picture: &Picture) -> bool {
        self.policies(PolicyKind::Guardrail).all(|guardrail| self.admits(guardrail, picture))
    }

    fn admits(&self, policy: PolicyIx, picture: &Picture) -> bool {
        let policy = &self.snapshot.policies[policy.get()].spec;
        match &policy.level {
            Level::Anyone => true,
            Level::Approval => {
                picture.approved.is_some()
                    || self
                        .class
                        .covers
                        .iter()
                        .any(|cover| cover.user == picture.user && (self.scope == Scope::Read || cover.write))
            }
            Level::Individuals { individuals } => {
                picture.named_in.contains(&policy.name)
                    || individuals.users.contains(&*self.snapshot.users[picture.user.get()].username)
                    || individuals.groups.iter().any(|group| picture.groups.contains(group))
            }
            Level::Entitlements { condition } => self.holds(condition, picture),
        }
    }

    fn holds(&self, condition: &Condition, picture: &Picture) -> bool {
        match condition {
            Condition::Not(inner) => !self.holds(inner, picture),
            Condition::And(parts) => parts.iter().all(|part| self.holds(part, picture)),
            Condition::Or(parts) => parts.iter().any(|part| self.holds(part, picture)),
            Condition::Atom(atom) => self.atom_holds(atom, picture),
        }
    }

    fn atom_holds(&self, atom: &Atom, picture: &Picture) -> bool {
        match atom {
            Atom::InGroups(groups) => groups
                .iter()
                .all(|group| self.resolve(group).is_some_and(|name| picture.groups.contains(&name))),
            Atom::HasAttribute { key, value } => self.resolve(value).is_some_and(|wanted| {
                picture.attributes.iter().any(|(held, value)| held == key && value_matches(value, &wanted))
            }),
            Atom::HasTagAsAttribute { key, target } => {
                let names = self.tag_names(*target);
                picture.attributes.iter().any(|(held, value)| held == key && names.contains(value))
            }
            Atom::HasTagAsGroup { target } => {
                self.tag_names(*target).iter().any(|name| picture.groups.contains(name))
            }
        }
    }

    fn resolve(&self, template: &Template) -> Option<String> {
        let lookup = |variable: Variable| {
            user_field(self.snapshot, self.user, variable)
                .or_else(|| data_source_field(self.data_source(), variable))
        };
        template.resolve(lookup).map(std::borrow::Cow::into_owned)
    }

    /// The tags of the source or of its columns with their ancestors, most special first.
    fn tag_names(&self, target: TagTarget) -> Vec<String> {
        let tags = match target {
            TagTarget::DataSource => self.data_source().tags.to_vec(),
            TagTarget::Column => column_tags(self.snapshot, self.source),
        };
        let mut names = Vec::new();
        for tag in tags {
            let name = self.snapshot.tags[tag.get()].spec.name.as_str();
            for name in std::iter::once(name).chain(dotted_ancestors(name)) {
                if !names.iter().any(|known| known == name) {
                    names.push(name.to_owned());
                }
            }
        }
        names
    }

    /// What could grant access, each with the steps that would make it: nothing where it is granted already.
    fn starts(&self, now: &Picture) -> Vec<(Option<String>, Vec<WayStep>)> {
        if self.is_granted(now) {
            return vec![(None, Vec::new())];
        }
        let mut starts = Vec::new();
        for grant in self.policies(PolicyKind::Grant) {
            let policy = &self.snapshot.policies[grant.get()].spec;
            if let Some(steps) = self.steps_into(grant, now) {
                starts.push((Some(policy.name.clone()), steps));
            }
        }
        let name = &*self.data_source().name;
        for product in &self.snapshot.data_products {
            let holds = product.spec.data_sources.iter().any(|asset| asset.name == name);
            if holds && product.spec.status == ProductStatus::Published {
                let data_product = product.spec.name.clone();
                starts
                    .push((None, vec![WayStep::AskForProduct { data_product, scope: self.scope.as_str() }]));
            }
        }
        starts
    }

    /// The steps that make a policy admit the user.
    fn steps_into(&self, policy: PolicyIx, picture: &Picture) -> Option<Vec<WayStep>> {
        if self.admits(policy, picture) {
            return Some(Vec::new());
        }
        let policy = &self.snapshot.policies[policy.get()].spec;
        match &policy.level {
            Level::Anyone => Some(Vec::new()),
            Level::Approval => Some(vec![WayStep::AskForApproval { scope: self.scope.as_str() }]),
            Level::Individuals { individuals } => Some(vec![match individuals.groups.first() {
                Some(group) => WayStep::JoinGroup { group: group.clone() },
                None => WayStep::BeNamed { policy: policy.name.clone() },
            }]),
            Level::Entitlements { condition } => self.steps_to(condition, true, picture),
        }
    }

    /// The steps that every guardrail wants, taken one after the other.
    fn guardrail_steps(&self, picture: &Picture) -> Option<Vec<WayStep>> {
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
