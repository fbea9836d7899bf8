//! The difference between the outcomes of two snapshots: what a change would do, before it is applied.
//!
//! Users, data sources and columns are matched by name, since a directory and the store give ids of their own.
//! Data sources that share their class on both sides, and whose columns correspond, differ in the same way: they form a
//! *group*, which is compared once and counted as often as it has sources. A hundred million outcomes can
//! change at once, so a change becomes a value of its own only when a list is iterated.

mod change;
mod comparison;
mod group;
mod group_difference;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::Outcomes;
pub use change::{AccessChange, Causes, ColumnChange, Effect, EffectCounts};
use comparison::{Comparison, ListLimits, Scratch};
use group::{Group, Source};
use group_difference::GroupDifference;

/// How many groups are compared in parallel before the lists are checked for being full: bounds the memory for changes
/// that are not listed.
const BATCH: usize = 64;

/// The changes between two outcomes: all counted, the first ones listed.
///
/// Serialized as the two lists, `access` and `columns`.
#[derive(Debug)]
pub struct Difference<'s> {
    listed: usize,
    usernames: Vec<&'s str>,
    /// In name order.
    sources: Vec<Source<'s>>,
    /// By [`Source::group`].
    groups: Vec<GroupDifference<'s>>,
    counts: EffectCounts,
    by_policy: BTreeMap<&'s str, EffectCounts>,
    by_data_source: BTreeMap<&'s str, EffectCounts>,
    by_user: BTreeMap<&'s str, EffectCounts>,
}

/// Compares the outcomes of two snapshots. The first `listed` changes of access and of columns are listed, which takes
/// memory for as many; `usize::MAX` lists all. The counts are always of all changes.
#[must_use]
pub fn diff<'s>(before: &'s Outcomes, after: &'s Outcomes, listed: usize) -> Difference<'s> {
    before.group_users();
    after.group_users();
    let (mut sources, groups) = group::group_sources(before, after);
    let comparison = Comparison::new(before, after);
    let mut by_policy = BTreeMap::<&str, EffectCounts>::new();
    let mut compared = Vec::with_capacity(groups.len());
    let mut listable = (0, 0);
    for batch in groups.chunks(BATCH) {
        // Groups come in the order of their first sources, so no later group precedes these in a list.
        let limit = |count: usize| if count < listed { listed } else { 0 };
        let limits = ListLimits { access: limit(listable.0), columns: limit(listable.1) };
        let scratch = || Scratch::new(&comparison);
        let compare = |scratch: &mut Scratch, group: &Group| comparison.compare(group, limits, scratch);
        let results: Vec<_> = batch.par_iter().map_init(scratch, compare).collect();
        for (result, group) in results.into_iter().zip(batch) {
            result.count_by_policy(group.sources, &mut by_policy);
            listable.0 += result.access.len();
            listable.1 += result.columns.len();
            compared.push(result.without_scratch());
        }
    }
    let mut counts = EffectCounts::default();
    let mut by_data_source = BTreeMap::new();
    for source in &sources {
        let of_source = &compared[source.group].counts;
        counts.add_all(of_source);
        if !of_source.is_empty() {
            by_data_source.insert(source.name, *of_source);
        }
    }
    let by_user = comparison.by_user();
    group::name_columns(before, after, &groups, &mut sources, |group| !compared[group].columns.is_empty());
    let usernames = comparison.into_usernames();
    Difference { listed, usernames, sources, groups: compared, counts, by_policy, by_data_source, by_user }
}

impl<'s> Difference<'s> {
    /// Returns the number of changes by effect.
    #[must_use]
    pub fn counts(&self) -> &EffectCounts {
        &self.counts
    }

    /// Returns the same by policy that causes the change, by name. A change that several policies cause counts for each;
    /// one that none causes counts under `OWNER` or `REQUEST`.
    #[must_use]
    pub fn by_policy(&self) -> &BTreeMap<&'s str, EffectCounts> {
        &self.by_policy
    }

    /// Returns the same by data source, by name.
    #[must_use]
    pub fn by_data_source(&self) -> &BTreeMap<&'s str, EffectCounts> {
        &self.by_data_source
    }

    /// Returns the same by user, by username.
    #[must_use]
    pub fn by_user(&self) -> &BTreeMap<&'s str, EffectCounts> {
        &self.by_user
    }

    /// Returns the number of gains: access added or unblocked, and columns no longer masked. A limit on a change is
    /// compared with it.
    #[must_use]
    pub fn gained(&self) -> usize {
        self.counts.iter().filter(|(effect, _)| effect.is_gain()).map(|(_, count)| count).sum()
    }

    /// Returns the number of changes of access, listed or not.
    #[must_use]
    pub fn access_changes(&self) -> usize {
        self.counts.total() - self.column_changes()
    }

    /// Returns the number of changes of columns, listed or not.
    #[must_use]
    pub fn column_changes(&self) -> usize {
        self.counts.get(Effect::ColumnsClear) + self.counts.get(Effect::ColumnsMasked)
    }

    /// Whether the lists hold every change.
    #[must_use]
    pub fn is_listed_in_full(&self) -> bool {
        self.access_changes().max(self.column_changes()) <= self.listed
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Iterates over the listed changes of access, in the order data source, scope, user.
    pub fn access(&self) -> impl Iterator<Item = AccessChange<'_>> {
        self.sources
            .iter()
            .flat_map(|source| self.groups[source.group].access_changes(source, &self.usernames))
            .take(self.listed)
    }

    /// Iterates over the listed changes of columns, for users who read before and after, in the order data source, user,
    /// column.
    pub fn columns(&self) -> impl Iterator<Item = ColumnChange<'_>> {
        self.sources
            .iter()
            .flat_map(|source| self.groups[source.group].column_changes(source, &self.usernames))
            .take(self.listed)
    }
}

impl Serialize for Difference<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Difference", 2)?;
        document.serialize_field("access", &Listed(|| self.access()))?;
        document.serialize_field("columns", &Listed(|| self.columns()))?;
        document.end()
    }
}

/// A list that is serialized item by item.
struct Listed<F>(F);

impl<F, I> Serialize for Listed<F>
where
    F: Fn() -> I,
    I: Iterator<Item: Serialize>,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}
