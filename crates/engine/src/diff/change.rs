//! What a change is, and how many there are of each kind.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use crate::explain::Access;

/// One user's access to one data source in one scope, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessChange<'d> {
    /// Data source by name.
    pub data_source: &'d str,
    /// `READ` or `WRITE`.
    pub scope: &'static str,
    /// Username.
    pub user: &'d str,
    /// Before.
    pub from: Access,
    /// After.
    pub to: Access,
    /// What it comes to.
    pub effect: Effect,
    /// What is behind it: grants that admit on one side only, guardrails that block on one side only, ownership
    /// or a request that is a reason on one side only.
    #[serde(flatten)]
    pub behind: &'d Behind<'d>,
}

/// One column that a reader sees otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnChange<'d> {
    /// Data source by name.
    pub data_source: &'d str,
    /// Username.
    pub user: &'d str,
    /// The column.
    pub column: &'d str,
    /// Whether its values are clear to the user now; before they were the other way.
    pub clear: bool,
    /// What is behind it: data policies that mask on one side only, a masking exception that clears it on one
    /// side only.
    #[serde(flatten)]
    pub behind: &'d Behind<'d>,
}

impl ColumnChange<'_> {
    /// What it comes to.
    #[must_use]
    pub fn effect(&self) -> Effect {
        Effect::of_column(self.clear)
    }
}

/// What is behind a change.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Behind<'s> {
    /// Policies by name.
    pub policies: BTreeSet<&'s str>,
    /// What else: `OWNER`, `REQUEST`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rights: BTreeSet<&'static str>,
}

impl<'s> Behind<'s> {
    /// What is behind one of two outcomes only.
    pub(super) fn apart(&self, other: &Self) -> Self {
        Self { policies: &self.policies ^ &other.policies, rights: &self.rights ^ &other.rights }
    }

    /// What a change is summed up under: its policies, and its rights where there are none.
    pub(super) fn summed_under(&self) -> impl Iterator<Item = &'s str> {
        let rights = self.rights.iter().filter(|_| self.policies.is_empty());
        self.policies.iter().chain(rights).copied()
    }
}

/// What a change comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// Access where nothing reached before.
    Added,
    /// Access that a guardrail no longer blocks.
    Unblocked,
    /// Access that is gone.
    Removed,
    /// Access that a guardrail blocks now.
    Blocked,
    /// A grant came or went behind a guardrail that blocks: nobody gains or loses.
    Idle,
    /// A column that was masked to a reader and is clear now.
    ColumnsClear,
    /// A column that was clear to a reader and is masked now.
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

    /// Whether somebody has or sees what they did not.
    #[must_use]
    pub fn gains(self) -> bool {
        matches!(self, Self::Added | Self::Unblocked | Self::ColumnsClear)
    }
}

/// How many changes there are of each effect. As a document: a map that leaves out those there are none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts([usize; Effect::ALL.len()]);

impl Counts {
    /// How many have this effect.
    #[must_use]
    pub fn of(&self, effect: Effect) -> usize {
        self.0[effect as usize]
    }

    /// How many there are in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.0.iter().sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total() == 0
    }

    /// The effects that there are, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Effect, usize)> {
        Effect::ALL.into_iter().map(|effect| (effect, self.of(effect))).filter(|(_, count)| *count > 0)
    }

    pub(super) fn add(&mut self, effect: Effect, count: usize) {
        self.0[effect as usize] += count;
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
