//! The changes of one group: counted by kind, and listed as far as wanted.

use std::collections::BTreeMap;

use domesday_model::Scope;

use super::change::{AccessChange, Causes, ColumnChange, Effect, EffectCounts};
use super::group::Source;
use crate::explain::Access;

/// How each source of a group differs.
#[derive(Debug, Default)]
pub(super) struct GroupDifference<'s> {
    pub(super) counts: EffectCounts,
    kinds: Vec<ChangeKind<'s>>,
    /// The first changes of access, by scope and rank.
    pub(super) access: Vec<ListedAccess>,
    /// The first changes of columns, by rank.
    pub(super) columns: Vec<ListedColumn>,
}

/// What changes of several users and columns have in common.
#[derive(Debug)]
pub(super) struct ChangeKind<'s> {
    pub(super) from: Access,
    pub(super) to: Access,
    pub(super) effect: Effect,
    pub(super) causes: Causes<'s>,
    /// How many changes there are of this kind.
    pub(super) count: usize,
}

/// A change of one user's access.
#[derive(Debug)]
pub(super) struct ListedAccess {
    pub(super) scope: Scope,
    pub(super) rank: u32,
    pub(super) kind: u32,
}

/// A change of one column for one user.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListedColumn {
    pub(super) rank: u32,
    /// Position in the columns of the group.
    pub(super) column: u32,
    pub(super) kind: u32,
}

impl<'s> GroupDifference<'s> {
    /// Adds a kind and returns its position.
    pub(super) fn add_kind(&mut self, kind: ChangeKind<'s>) -> u32 {
        self.kinds.push(kind);
        u32::try_from(self.kinds.len() - 1).expect("a class has fewer than 2^32 pairs of reasons")
    }

    /// Counts one more change of a kind.
    pub(super) fn count(&mut self, kind: u32) -> Effect {
        let kind = &mut self.kinds[kind as usize];
        kind.count += 1;
        self.counts.add(kind.effect, 1);
        kind.effect
    }

    /// Adds the changes of so many sources to the counts by policy.
    pub(super) fn count_by_policy(&self, sources: usize, by_policy: &mut BTreeMap<&'s str, EffectCounts>) {
        for kind in &self.kinds {
            let count = kind.count * sources;
            kind.causes
                .count_keys()
                .for_each(|name| by_policy.entry(name).or_default().add(kind.effect, count));
        }
    }

    /// Drops what is not needed once everything is counted.
    pub(super) fn without_scratch(self) -> Self {
        if self.access.is_empty() && self.columns.is_empty() {
            return Self { counts: self.counts, ..Self::default() };
        }
        self
    }

    /// Returns the listed changes of access, for one source of the group.
    pub(super) fn access_changes<'d>(
        &'d self,
        source: &'d Source<'s>,
        usernames: &'d [&'s str],
    ) -> impl Iterator<Item = AccessChange<'d>> {
        self.access.iter().map(|change| {
            let ChangeKind { from, to, effect, ref causes, .. } = self.kinds[change.kind as usize];
            let user = usernames[change.rank as usize];
            AccessChange { data_source: source.name, scope: change.scope, user, from, to, effect, causes }
        })
    }

    /// Returns the listed changes of columns, for one source of the group.
    pub(super) fn column_changes<'d>(
        &'d self,
        source: &'d Source<'s>,
        usernames: &'d [&'s str],
    ) -> impl Iterator<Item = ColumnChange<'d>> {
        self.columns.chunk_by(|one, next| one.rank == next.rank).flat_map(move |of_user| {
            let mut of_user: Vec<_> =
                of_user.iter().map(|at| (source.columns[at.column as usize], at)).collect();
            of_user.sort_unstable_by_key(|(column, _)| *column);
            of_user.into_iter().map(|(column, at)| {
                let kind = &self.kinds[at.kind as usize];
                ColumnChange {
                    data_source: source.name,
                    user: usernames[at.rank as usize],
                    column,
                    clear: kind.effect == Effect::ColumnsClear,
                    causes: &kind.causes,
                }
            })
        })
    }
}
