//! A condition taken apart for one user at one data source.

use domesday_model::condition::{Atom, TagTarget, Template, Variable, value_matches};
use domesday_model::{ALL_USERS, Condition, DataSourceIx, Snapshot, UserIx, dotted_ancestors};
use serde::Serialize;

use crate::Outcomes;
use crate::condition::{column_tags, data_source_field, user_field};

/// One part of a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionStep {
    /// The part, in the condition language.
    pub text: String,
    /// Whether it holds for the user at the data source.
    pub holds: bool,
    /// The parts it is made of; an atom has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ConditionStep>,
    /// For an atom, what it was decided on.
    #[serde(flatten)]
    pub facts: Option<Facts>,
}

/// What an atom was decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// The function's name without the `@`.
    pub function: &'static str,
    /// The attribute's key, for the functions that ask for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is asked for, variables replaced: the groups (all of them), the value, or the data source's tags
    /// with their ancestors (any of them).
    pub wanted: Vec<String>,
    /// What the user has: their values for the key, or their groups.
    pub held: Vec<String>,
    /// What of it satisfies the atom, whatever else is wanted.
    pub matched: Vec<String>,
    /// The variables that the data source has no field for, which make the atom false.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

impl ConditionStep {
    /// The smallest parts that decide: those that must change for the whole to come out differently.
    #[must_use]
    pub fn deciding(&self) -> Vec<&ConditionStep> {
        if self.parts.is_empty() {
            return vec![self];
        }
        let same: Vec<_> = self.parts.iter().filter(|part| part.holds == self.holds).collect();
        // The operand of a NOT comes out the other way round.
        let parts = if same.is_empty() { self.parts.iter().collect() } else { same };
        parts.into_iter().flat_map(ConditionStep::deciding).collect()
    }
}

impl Facts {
    /// Whether the atom holds by these facts.
    #[must_use]
    pub fn satisfy(&self) -> bool {
        let matched = match self.function {
            "isInGroups" => self.wanted.iter().all(|group| self.matched.contains(group)),
            _ => !self.matched.is_empty(),
        };
        matched && self.absent.is_empty()
    }
}

impl Outcomes {
    pub(super) fn condition_step(
        &self,
        condition: &Condition,
        user: UserIx,
        source: DataSourceIx,
    ) -> ConditionStep {
        let parts: Vec<ConditionStep> = match condition {
            Condition::Atom(_) => Vec::new(),
            Condition::Not(inner) => vec![self.condition_step(inner, user, source)],
            Condition::And(parts) | Condition::Or(parts) => {
                parts.iter().map(|part| self.condition_step(part, user, source)).collect()
            }
        };
        let (holds, facts) = match condition {
            Condition::Atom(atom) => {
                let facts = self.facts(atom, user, source);
                // Evaluation leaves disabled users out; what would hold for them is worth telling all the same.
                let active = self.snapshot.is_active(user);
                let holds = if active {
                    self.conditions.evaluator(&self.snapshot).atom(atom, source).contains(user)
                } else {
                    facts.satisfy()
                };
                (holds, Some(facts))
            }
            Condition::Not(_) => (parts.iter().all(|part| !part.holds), None),
            Condition::And(_) => (parts.iter().all(|part| part.holds), None),
            Condition::Or(_) => (parts.iter().any(|part| part.holds), None),
        };
        ConditionStep { text: condition.to_string(), holds, parts, facts }
    }

    fn facts(&self, atom: &Atom, user: UserIx, source: DataSourceIx) -> Facts {
        let data_source = &self.snapshot.data_sources[source.get()];
        let field = |variable: Variable| {
            user_field(&self.snapshot, user, variable).or_else(|| data_source_field(data_source, variable))
        };
        let (mut wanted, mut absent) = (Vec::new(), Vec::new());
        let mut want = |template: &Template| match template.resolve(field) {
            Some(text) => wanted.push(text.into_owned()),
            None => absent.extend(
                template.variables().filter(|v| field(*v).is_none()).map(|variable| variable.to_string()),
            ),
        };
        let (function, key) = match atom {
            Atom::InGroups(groups) => {
                groups.iter().for_each(want);
                ("isInGroups", None)
            }
            Atom::HasAttribute { key, value } => {
                want(value);
                ("hasAttribute", Some(key))
            }
            Atom::HasTagAsAttribute { key, target } => {
                wanted = tags_with_ancestors(&self.snapshot, source, *target);
                ("hasTagAsAttribute", Some(key))
            }
            Atom::HasTagAsGroup { target } => {
                wanted = tags_with_ancestors(&self.snapshot, source, *target);
                ("hasTagAsGroup", None)
            }
        };
        let held = key.map_or_else(|| self.groups_of(user), |key| self.values_of(user, key));
        let satisfies = |value: &&String| match atom {
            Atom::HasAttribute { .. } => wanted.iter().any(|wanted| value_matches(value, wanted)),
            _ => wanted.contains(value),
        };
        let matched = held.iter().filter(satisfies).cloned().collect();
        absent.sort_unstable();
        absent.dedup();
        Facts { function, key: key.cloned(), wanted, held, matched, absent }
    }

    /// The names of a user's groups, `All Users` last.
    pub(super) fn groups_of(&self, user: UserIx) -> Vec<String> {
        let groups = self.snapshot.users[user.get()].groups.iter();
        let names = groups.map(|group| self.snapshot.groups[group.get()].name.to_string());
        names.chain([ALL_USERS.to_owned()]).collect()
    }

    fn values_of(&self, user: UserIx, key: &str) -> Vec<String> {
        let symbols = &self.snapshot.symbols;
        let pairs = self.snapshot.attributes_of(user);
        let mut values: Vec<_> = pairs
            .filter(|(held, _)| symbols.text(*held) == key)
            .map(|(_, value)| symbols.text(value).to_owned())
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    }
}

/// The tags of a data source or of its columns with their ancestors, each tag before its own.
pub(crate) fn tags_with_ancestors(
    snapshot: &Snapshot,
    source: DataSourceIx,
    target: TagTarget,
) -> Vec<String> {
    let tags = match target {
        TagTarget::DataSource => snapshot.data_sources[source.get()].tags.to_vec(),
        TagTarget::Column => column_tags(snapshot, source),
    };
    let mut names: Vec<String> = Vec::new();
    for tag in tags {
        let name = snapshot.tags[tag.get()].spec.name.as_str();
        for name in std::iter::once(name).chain(dotted_ancestors(name)) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}
