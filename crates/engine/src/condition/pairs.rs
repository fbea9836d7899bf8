//! Conditions evaluated for one user at one data source.

use std::borrow::Cow;

use domesday_model::condition::{Atom, TagTarget, Template, Variable, value_matches};
use domesday_model::{Condition, DataSourceIx, GroupIx, Snapshot, UserIx};

use super::inputs::data_source_field;
use super::tags::tags_with_ancestors;

/// What conditions and policies can see of a user.
pub(crate) trait UserView {
    /// The user of the snapshot.
    fn ix(&self) -> UserIx;

    /// Whether the user is in a group, `All Users` included.
    fn is_in_group(&self, name: &str) -> bool;

    /// Whether any of the user's values for an attribute, own or inherited from a group, is a match.
    fn has_value(&self, key: &str, is_match: impl Fn(&str) -> bool) -> bool;
}

/// A user as stored in a snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredUser<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) user: UserIx,
}

impl UserView for StoredUser<'_> {
    fn ix(&self) -> UserIx {
        self.user
    }

    fn is_in_group(&self, name: &str) -> bool {
        let groups = &self.snapshot.users[self.user.get()].groups;
        self.snapshot.group(name).is_some_and(|group| group == GroupIx::ALL_USERS || groups.contains(&group))
    }

    fn has_value(&self, key: &str, is_match: impl Fn(&str) -> bool) -> bool {
        let symbols = &self.snapshot.symbols;
        symbols.find(key).is_some_and(|key| {
            let mut pairs = self.snapshot.attributes_of(self.user);
            pairs.any(|(held, value)| held == key && is_match(symbols.text(value)))
        })
    }
}

/// Evaluates conditions for one user at one data source. Does not ask whether the user is active.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PairEvaluator<'a, U> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) source: DataSourceIx,
    pub(crate) user: U,
}

impl<'a, U: UserView> PairEvaluator<'a, U> {
    /// Whether a condition holds.
    pub(crate) fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Atom(atom) => self.atom_holds(atom),
            Condition::Not(inner) => !self.holds(inner),
            Condition::And(parts) => parts.iter().all(|part| self.holds(part)),
            Condition::Or(parts) => parts.iter().any(|part| self.holds(part)),
        }
    }

    /// Whether an atom holds.
    pub(crate) fn atom_holds(&self, atom: &Atom) -> bool {
        match atom {
            Atom::InGroups(groups) => groups
                .iter()
                .all(|group| self.resolve(group).is_some_and(|name| self.user.is_in_group(&name))),
            Atom::HasAttribute { key, value } => self
                .resolve(value)
                .is_some_and(|wanted| self.user.has_value(key, |held| value_matches(held, &wanted))),
            Atom::HasTagAsAttribute { key, target } => {
                let names = self.tag_names(*target);
                self.user.has_value(key, |held| names.contains(&held))
            }
            Atom::HasTagAsGroup { target } => {
                self.tag_names(*target).iter().any(|name| self.user.is_in_group(name))
            }
        }
    }

    /// Replaces the variables of a template; `None` when the data source has no such field.
    pub(crate) fn resolve<'t>(&self, template: &'t Template) -> Option<Cow<'t, str>> {
        template.resolve(|variable| self.field(variable))
    }

    /// Returns the field of the user or the data source that a variable stands for.
    pub(crate) fn field(&self, variable: Variable) -> Option<&'a str> {
        let user = &self.snapshot.users[self.user.ix().get()];
        match variable {
            Variable::Username => Some(&user.username),
            Variable::Iam => Some(self.snapshot.symbols.text(user.identity_provider)),
            Variable::Hostname | Variable::Database | Variable::Schema | Variable::Table => {
                data_source_field(&self.snapshot.data_sources[self.source.get()], variable)
            }
        }
    }

    /// Returns the tags of the data source or of its columns with their ancestors.
    pub(crate) fn tag_names(&self, target: TagTarget) -> Vec<&'a str> {
        tags_with_ancestors(self.snapshot, self.source, target)
    }
}
