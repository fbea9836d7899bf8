//! Rules 2 to 6 for a picture of a user: what they would be granted and whether guardrails would admit them.

use domesday_model::condition::{Atom, TagTarget, Template, Variable, value_matches};
use domesday_model::{
    Condition, DataSourceIx, Level, PolicyIx, PolicyKind, Scope, Snapshot, SnapshotDataSource, UserIx,
};

use super::picture::Picture;
use crate::admit::counts_for;
use crate::classes::Class;
use crate::condition::{data_source_field, user_field};
use crate::explain::tags_with_ancestors;

/// What is asked: a user, a source of a class, a scope.
pub(super) struct Situation<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) class: &'a Class,
    pub(super) user: UserIx,
    pub(super) source: DataSourceIx,
    pub(super) scope: Scope,
}

impl Situation<'_> {
    pub(super) fn data_source(&self) -> &SnapshotDataSource {
        &self.snapshot.data_sources[self.source.get()]
    }

    /// The policies of a kind that count for the scope and are not silenced.
    pub(super) fn policies(&self, kind: PolicyKind) -> impl Iterator<Item = PolicyIx> + '_ {
        self.class
            .policies
            .iter()
            .filter(|applied| !applied.silenced && counts_for(self.snapshot, applied.policy, self.scope))
            .map(|applied| applied.policy)
            .filter(move |policy| self.snapshot.policies[policy.get()].spec.kind == kind)
    }

    pub(super) fn is_granted(&self, picture: &Picture) -> bool {
        let own = self.class.covers.iter().filter(|cover| cover.user == picture.user);
        let by_product =
            own.into_iter().any(|cover| cover.product && (self.scope == Scope::Read || cover.write));
        by_product
            || picture.approved == Some(true)
            || self.class.owners.contains(&picture.user)
            || self.policies(PolicyKind::Grant).any(|grant| self.admits(grant, picture))
    }

    pub(super) fn is_eligible(&self, picture: &Picture) -> bool {
        self.policies(PolicyKind::Guardrail).all(|guardrail| self.admits(guardrail, picture))
    }

    pub(super) fn admits(&self, policy: PolicyIx, picture: &Picture) -> bool {
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

    pub(super) fn holds(&self, condition: &Condition, picture: &Picture) -> bool {
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

    pub(super) fn resolve(&self, template: &Template) -> Option<String> {
        let lookup = |variable: Variable| {
            user_field(self.snapshot, self.user, variable)
                .or_else(|| data_source_field(self.data_source(), variable))
        };
        template.resolve(lookup).map(std::borrow::Cow::into_owned)
    }

    /// The tags of the source or of its columns with their ancestors, most special first.
    pub(super) fn tag_names(&self, target: TagTarget) -> Vec<String> {
        tags_with_ancestors(self.snapshot, self.source, target)
    }
}
