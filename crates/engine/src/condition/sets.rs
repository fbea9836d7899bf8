//! Conditions evaluated for all active users at once.

use domesday_model::condition::{Atom, Template, Variable};
use domesday_model::{Condition, DataSourceIx, Snapshot, UserIx, dotted_ancestors};

use super::inputs::data_source_field;
use super::pairs::{PairEvaluator, StoredUser};
use super::tags::tags_with_ancestors;
use crate::user_index::UserIndex;
use crate::user_set::UserSet;

/// Finds the active users for whom a condition holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SetEvaluator<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) users: &'a UserIndex,
}

impl SetEvaluator<'_> {
    /// Returns the active users for whom a condition holds at a data source.
    pub(crate) fn users_of(&self, condition: &Condition, source: DataSourceIx) -> UserSet {
        match condition {
            Condition::Atom(atom) => self.users_of_atom(atom, source),
            Condition::Not(inner) => {
                let mut users = self.users_of(inner, source);
                users.complement(&self.users.active);
                users
            }
            Condition::And(parts) => {
                let mut users = self.users.active.clone();
                parts.iter().for_each(|part| users.intersect(&self.users_of(part, source)));
                users
            }
            Condition::Or(parts) => {
                let mut users = self.empty_set();
                parts.iter().for_each(|part| users.union(&self.users_of(part, source)));
                users
            }
        }
    }

    /// Returns the active users for whom an atom holds at a data source.
    pub(crate) fn users_of_atom(&self, atom: &Atom, source: DataSourceIx) -> UserSet {
        let mut users = self.empty_set();
        match atom {
            Atom::InGroups(groups) => {
                users = self.users.active.clone();
                for group in groups.iter().filter(|group| !depends_on_user(group)) {
                    let mut members = self.empty_set();
                    if let Some(name) = self.resolve(group, source) {
                        self.add_group(&name, &mut members);
                    }
                    users.intersect(&members);
                }
                if groups.iter().any(depends_on_user) {
                    self.retain_pairs(atom, source, &mut users);
                }
            }
            Atom::HasAttribute { value, .. } if depends_on_user(value) => {
                users = self.users.active.clone();
                self.retain_pairs(atom, source, &mut users);
            }
            Atom::HasAttribute { key, value } => {
                if let Some(wanted) = self.resolve(value, source) {
                    self.add_attribute(key, &wanted, &mut users);
                }
            }
            Atom::HasTagAsAttribute { key, target } => {
                if let Some(key) = self.snapshot.symbols.find(key) {
                    for name in tags_with_ancestors(self.snapshot, source, *target) {
                        if let Some(value) = self.snapshot.symbols.find(name) {
                            insert_all(&mut users, self.users.with_attribute(key, value));
                        }
                    }
                }
            }
            Atom::HasTagAsGroup { target } => {
                for name in tags_with_ancestors(self.snapshot, source, *target) {
                    self.add_group(name, &mut users);
                }
            }
        }
        users
    }

    /// Removes the users for whom an atom does not hold, one by one: its text is another one for each user.
    fn retain_pairs(&self, atom: &Atom, source: DataSourceIx, users: &mut UserSet) {
        let snapshot = self.snapshot;
        users.retain(|user| {
            PairEvaluator { snapshot, source, user: StoredUser { snapshot, user } }.atom_holds(atom)
        });
    }

    /// Replaces the variables of a template that does not depend on the user.
    fn resolve<'t>(&self, template: &'t Template, source: DataSourceIx) -> Option<std::borrow::Cow<'t, str>> {
        let source = &self.snapshot.data_sources[source.get()];
        template.resolve(|variable| data_source_field(source, variable))
    }

    fn add_group(&self, name: &str, users: &mut UserSet) {
        if let Some(group) = self.snapshot.group(name) {
            insert_all(users, self.users.in_group(group));
        }
    }

    /// Adds the users with a value that is `wanted`, is `*`, or is `ANCESTOR.*` for a proper dotted ancestor of it.
    fn add_attribute(&self, key: &str, wanted: &str, users: &mut UserSet) {
        let symbols = &self.snapshot.symbols;
        let Some(key) = symbols.find(key) else { return };
        let mut add = |value: &str| {
            if let Some(value) = symbols.find(value) {
                insert_all(users, self.users.with_attribute(key, value));
            }
        };
        add(wanted);
        add("*");
        dotted_ancestors(wanted).for_each(|ancestor| add(&format!("{ancestor}.*")));
    }

    fn empty_set(&self) -> UserSet {
        UserSet::empty(self.snapshot.users.len())
    }
}

/// Whether a template contains a variable of the user.
fn depends_on_user(template: &Template) -> bool {
    template.variables().any(Variable::is_user)
}

fn insert_all(users: &mut UserSet, more: &[UserIx]) {
    more.iter().for_each(|user| users.insert(*user));
}
