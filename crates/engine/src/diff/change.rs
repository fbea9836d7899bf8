//! Changes of access, their effects and causes.

use std::collections::BTreeSet;

use domesday_model::Scope;
use serde::{Serialize, Serializer};

use crate::explain::Access;
use crate::outcomes::ReasonPart;
use crate::serialize;

/// One user's access to one data source in one scope, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessChange<'d> {
    /// Data source by name.
    pub data_source: &'d str,
    /// The scope.
    #[serde(serialize_with = "serialize::scope")]
    pub scope: Scope,
    /// Username.
    pub user: &'d str,
    /// Before.
    pub from: Access,
    /// After.
    pub to: Access,
    /// Its effect.
    pub effect: Effect,
    /// Its causes: grants that admit on one side only, guardrails that block on one side only, ownership
    /// or a request that is a reason on one side only.
    #[serde(flatten)]
    pub causes: &'d Causes<'d>,
}

/// One column that a reader sees differently than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnChange<'d> {
    /// Data source by name.
    pub data_source: &'d str,
    /// Username.
    pub user: &'d str,
    /// The column.
    pub column: &'d str,
    /// Whether the user sees its values unmasked now; before it was the opposite.
    pub clear: bool,
    /// Its causes: data policies that mask on one side only, a masking exception that unmasks it on one
    /// side only.
    #[serde(flatten)]
    pub causes: &'d Causes<'d>,
}

impl ColumnChange<'_> {
    /// Returns its effect.
    #[must_use]
    pub fn effect(&self) -> Effect {
        Effect::of_column(self.clear)
    }
}

/// The causes of a change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Causes<'s> {
    /// Policies by name.
    pub policies: BTreeSet<&'s str>,
    /// Ownership and requests.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rights: BTreeSet<ReasonPart>,
}

impl<'s> Causes<'s> {
    /// Returns the causes of one of two outcomes only.
    pub(super) fn symmetric_difference(&self, other: &Self) -> Self {
        Self { policies: &self.policies ^ &other.policies, rights: &self.rights ^ &other.rights }
    }

    /// Returns the names under which a change is counted: its policies, or its rights where it has none.
    pub(super) fn count_keys(&self) -> impl Iterator<Item = &'s str> {
        let rights = self.rights.iter().filter(|_| self.policies.is_empty()).map(|right| right.as_str());
        self.policies.iter().copied().chain(rights)
    }
}

/// The effect of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// Access that was not granted before.
    Added,
    /// Access that a guardrail no longer blocks.
    Unblocked,
    /// Access that is no longer granted.
    Removed,
    /// Access that a guardrail blocks now.
    Blocked,
    /// A grant was added or removed while a guardrail blocks: nobody gains or loses.
    Idle,
    /// A column that was masked to a reader and no longer is.
    ColumnsClear,
    /// A column that was not masked to a reader and is now.
    ColumnsMasked,
}

impl Effect {
    /// Every effect, in order.
    pub const ALL: [Self; 7] = [
        Self::Added,
        Self::Unblocked,
        Self::Removed,
        Self::Blocked,
        Self::Idle,
        Self::ColumnsClear,
        Self::ColumnsMasked,
    ];

    pub(super) fn of_access(from: Access, to: Access) -> Self {
        match (from, to) {
            (Access::None, Access::Granted) => Self::Added,
            (Access::Blocked, Access::Granted) => Self::Unblocked,
            (Access::Granted, Access::None) => Self::Removed,
            (Access::Granted, Access::Blocked) => Self::Blocked,
            _ => Self::Idle,
        }
    }

    pub(super) fn of_column(clear: bool) -> Self {
        if clear { Self::ColumnsClear } else { Self::ColumnsMasked }
    }

    /// Whether a user gains access, or sees more.
    #[must_use]
    pub fn is_gain(self) -> bool {
        matches!(self, Self::Added | Self::Unblocked | Self::ColumnsClear)
    }
}

/// The number of changes by effect. Serialized as a map without the effects that do not occur.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EffectCounts([usize; Effect::ALL.len()]);

impl EffectCounts {
    /// Returns the number of changes with an effect.
    #[must_use]
    pub fn get(&self, effect: Effect) -> usize {
        self.0[effect as usize]
    }

    /// Returns the number of all changes.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Whether there are no changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// Iterates over the effects that occur, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Effect, usize)> {
        Effect::ALL.into_iter().map(|effect| (effect, self.get(effect))).filter(|(_, count)| *count > 0)
    }

    pub(super) fn add(&mut self, effect: Effect, count: usize) {
        self.0[effect as usize] += count;
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }
}

impl Serialize for EffectCounts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
