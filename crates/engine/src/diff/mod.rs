//! What a change would do: the outcomes of two snapshots compared by name, before anything is applied.
//!
//! Users, data sources and columns are matched by name, since a directory and the store give ids of their own.
//! Data sources that share their class on both sides, with columns that match alike, differ alike: they form a
//! *group*, which is compared once and counted as often as it has sources. A hundred million outcomes can
//! change at once, so a change becomes a value of its own only when it is told, one after another.

mod change;
mod compare;
mod group;

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::Outcomes;
pub use change::{AccessChange, Behind, ColumnChange, Counts, Effect};
use compare::{Compared, Comparison, Keep, Scratch};
use group::{Group, Source};

/// Groups compared side by side before it is asked whether the lists are full: bounds what is kept for nothing.
const BATCH: usize = 64;

/// Everything that differs, counted in full and listed as far as was asked for.
///
/// As a document: the two lists, `access` and `columns`.
#[derive(Debug)]
pub struct Difference<'s> {
    listed: usize,
    usernames: Vec<&'s str>,
    /// In name order.
    sources: Vec<Source<'s>>,
    /// By [`Source::group`].
    groups: Vec<Compared<'s>>,
    counts: Counts,
    by_policy: BTreeMap<&'s str, Counts>,
    by_data_source: BTreeMap<&'s str, Counts>,
    by_user: BTreeMap<&'s str, Counts>,
}

/// Compares the outcomes of two snapshots. Of access and of columns the first `listed` changes can be told
/// afterwards, and memory is held for as many; `usize::MAX` is all of them. The counts are always of all.
#[must_use]
pub fn diff<'s>(before: &'s Outcomes, after: &'s Outcomes, listed: usize) -> Difference<'s> {
    before.group_users();
    after.group_users();
    let (mut sources, groups) = group::group(before, after);
    let comparison = Comparison::of(before, after);
    let mut by_policy = BTreeMap::<&str, Counts>::new();
    let mut compared = Vec::with_capacity(groups.len());
    let mut listable = (0, 0);
    for batch in groups.chunks(BATCH) {
        // Groups come in the order of their first sources, so what a list lacks is not before these.
        let keep = |full: usize| if full < listed { listed } else { 0 };
        let keep = Keep { access: keep(listable.0), columns: keep(listable.1) };
        let scratch = || Scratch::of(&comparison);
        let compare = |scratch: &mut Scratch, group: &Group| comparison.compare(group, keep, scratch);
        let results: Vec<_> = batch.par_iter().map_init(scratch, compare).collect();
        for (result, group) in results.into_iter().zip(batch) {
            result.tally_policies(group.sources, &mut by_policy);
            listable.0 += result.access.len();
            listable.1 += result.columns.len();
            compared.push(result.kept());
        }
    }
    let mut counts = Counts::default();
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
    /// How many outcomes change, by what it comes to.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The same by policy behind it, by name. A change with several policies behind it counts for each; one
    /// with none stands under `OWNER` or `REQUEST`.
    #[must_use]
    pub fn by_policy(&self) -> &BTreeMap<&'s str, Counts> {
        &self.by_policy
    }

    /// The same by data source, by name.
    #[must_use]
    pub fn by_data_source(&self) -> &BTreeMap<&'s str, Counts> {
        &self.by_data_source
    }

    /// The same by user, by username.
    #[must_use]
    pub fn by_user(&self) -> &BTreeMap<&'s str, Counts> {
        &self.by_user
    }

    /// How many outcomes give what was not there: access added or unblocked, and columns clear now. What a
    /// limit on a change is measured by.
    #[must_use]
    pub fn gained(&self) -> usize {
        self.counts.iter().filter(|(effect, _)| effect.gains()).map(|(_, count)| count).sum()
    }

    /// How many changes of access there are, listed or not.
    #[must_use]
    pub fn access_changes(&self) -> usize {
        self.counts.total() - self.column_changes()
    }

    /// How many changes of columns there are, listed or not.
    #[must_use]
    pub fn column_changes(&self) -> usize {
        self.counts.of(Effect::ColumnsClear) + self.counts.of(Effect::ColumnsMasked)
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

    /// The first changes of access, in the order data source, scope, user.
    pub fn access(&self) -> impl Iterator<Item = AccessChange<'_>> {
        self.sources
            .iter()
            .flat_map(|source| self.groups[source.group].access_of(source, &self.usernames))
            .take(self.listed)
    }

    /// The first changes of columns that somebody who reads before and after sees otherwise, in the order data
    /// source, user, column.
    pub fn columns(&self) -> impl Iterator<Item = ColumnChange<'_>> {
        self.sources
            .iter()
            .flat_map(|source| self.groups[source.group].columns_of(source, &self.usernames))
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

/// A list written as its items come.
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
