//! A condition taken apart for one user at one data source.

use std::fmt;

use domesday_model::condition::{Atom, Template, value_matches};
use domesday_model::{ALL_USERS, Condition, DataSourceIx, UserIx};
use serde::{Serialize, Serializer};

use crate::Outcomes;
use crate::condition::{PairEvaluator, StoredUser};

/// One part of a condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionStep {
    /// The part, in the condition language.
    pub text: String,
    /// Whether it holds for the user at the data source.
    pub holds: bool,
    /// The parts of which it consists; an atom has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ConditionStep>,
    /// For an atom, what it was evaluated on.
    #[serde(flatten)]
    pub facts: Option<AtomFacts>,
}

/// What an atom was evaluated on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AtomFacts {
    /// The function.
    pub function: ConditionFunction,
    /// The attribute's key, for the functions that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is required, with variables replaced: the groups (all of them), the value, or the data source's tags
    /// with their ancestors (any of them).
    pub wanted: Vec<String>,
    /// What the user has: their values for the key, or their groups.
    pub held: Vec<String>,
    /// What of it satisfies the atom, whatever else is required.
    pub matched: Vec<String>,
    /// The variables for which the data source has no field, which make the atom false.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<String>,
}

/// A function of the condition language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionFunction {
    /// `@isInGroups`.
    IsInGroups,
    /// `@hasAttribute`.
    HasAttribute,
    /// `@hasTagAsAttribute`.
    HasTagAsAttribute,
    /// `@hasTagAsGroup`.
    HasTagAsGroup,
}

impl ConditionFunction {
    /// Returns the name without the `@`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IsInGroups => "isInGroups",
            Self::HasAttribute => "hasAttribute",
            Self::HasTagAsAttribute => "hasTagAsAttribute",
            Self::HasTagAsGroup => "hasTagAsGroup",
        }
    }
}

impl fmt::Display for ConditionFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ConditionFunction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl ConditionStep {
    /// Returns the smallest parts that decide: those that must change for the whole to come out differently.
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

impl Outcomes {
    /// Explains a condition. Also for a disabled user, for whom evaluation evaluates none.
    pub(super) fn condition_step(
        &self,
        condition: &Condition,
        user: UserIx,
        source: DataSourceIx,
    ) -> ConditionStep {
        let snapshot = &*self.snapshot;
        let pair = PairEvaluator { snapshot, source, user: StoredUser { snapshot, user } };
        self.condition_step_of(condition, &pair)
    }

    fn condition_step_of(
        &self,
        condition: &Condition,
        pair: &PairEvaluator<'_, StoredUser<'_>>,
    ) -> ConditionStep {
        let parts: &[Condition] = match condition {
            Condition::Atom(_) => &[],
            Condition::Not(inner) => std::slice::from_ref(inner),
            Condition::And(parts) | Condition::Or(parts) => parts,
        };
        let facts = match condition {
            Condition::Atom(atom) => Some(self.atom_facts(atom, pair)),
            Condition::Not(_) | Condition::And(_) | Condition::Or(_) => None,
        };
        ConditionStep {
            text: condition.to_string(),
            holds: pair.holds(condition),
            parts: parts.iter().map(|part| self.condition_step_of(part, pair)).collect(),
            facts,
        }
    }

    fn atom_facts(&self, atom: &Atom, pair: &PairEvaluator<'_, StoredUser<'_>>) -> AtomFacts {
        let (mut wanted, mut absent) = (Vec::new(), Vec::new());
        let mut want = |template: &Template| match pair.resolve(template) {
            Some(text) => wanted.push(text.into_owned()),
            None => absent.extend(
                template
                    .variables()
                    .filter(|variable| pair.field(*variable).is_none())
                    .map(|variable| variable.to_string()),
            ),
        };
        let tags = |target| pair.tag_names(target).into_iter().map(str::to_owned).collect();
        let (function, key) = match atom {
            Atom::InGroups(groups) => {
                groups.iter().for_each(want);
                (ConditionFunction::IsInGroups, None)
            }
            Atom::HasAttribute { key, value } => {
                want(value);
                (ConditionFunction::HasAttribute, Some(key))
            }
            Atom::HasTagAsAttribute { key, target } => {
                wanted = tags(*target);
                (ConditionFunction::HasTagAsAttribute, Some(key))
            }
            Atom::HasTagAsGroup { target } => {
                wanted = tags(*target);
                (ConditionFunction::HasTagAsGroup, None)
            }
        };
        let user = pair.user.user;
        let held = key.map_or_else(|| self.groups_of(user), |key| self.values_of(user, key));
        let satisfies = |value: &&String| match atom {
            Atom::HasAttribute { .. } => wanted.iter().any(|wanted| value_matches(value, wanted)),
            _ => wanted.contains(value),
        };
        let matched = held.iter().filter(satisfies).cloned().collect();
        absent.sort_unstable();
        absent.dedup();
        AtomFacts { function, key: key.cloned(), wanted, held, matched, absent }
    }

    /// Returns the names of a user's groups, `All Users` last.
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
