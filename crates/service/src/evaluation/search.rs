//! The search over the names in the catalog, for pages: an index in memory, made with the first search of an evaluation.

use domesday_model::{ColumnIx, DataSourceIx, GroupIx, PolicyIx, Snapshot, UserIx};

use super::evaluated::Evaluation;
use super::visible::READERS;
use crate::caller::Caller;

/// The separator of entries; no name contains it.
const SEPARATOR: char = '\u{1}';

/// The names of one kind, lower-cased, one after the other.
#[derive(Debug)]
pub(super) struct NameIndex {
    text: String,
    starts: Vec<u32>,
    /// The rank of each entry by its first name.
    pub(super) ranks: Vec<u32>,
}

impl NameIndex {
    fn new<'n, I: Iterator<Item = &'n str>>(entries: impl Iterator<Item = I>, is_ranked: bool) -> Self {
        let (mut text, mut starts) = (String::new(), Vec::new());
        for names in entries {
            starts.push(u32::try_from(text.len()).expect("the names of a kind have less than 4 GiB"));
            for name in names {
                text.extend(name.chars().flat_map(char::to_lowercase));
                text.push('\n');
            }
            text.push(SEPARATOR);
        }
        let mut index = Self { text, starts, ranks: Vec::new() };
        if is_ranked {
            let mut order: Vec<u32> = (0..u32::try_from(index.starts.len()).unwrap_or(u32::MAX)).collect();
            order.sort_by_key(|entry| index.entry(*entry as usize));
            index.ranks = vec![0; order.len()];
            for (rank, entry) in (0_u32..).zip(&order) {
                index.ranks[*entry as usize] = rank;
            }
        }
        index
    }

    fn entry(&self, entry: usize) -> &str {
        let end = self.starts.get(entry + 1).map_or(self.text.len(), |end| *end as usize);
        &self.text[self.starts[entry] as usize..end]
    }

    /// The entries that contain a text, in order; each once.
    fn find<'t>(&'t self, text: &'t str) -> impl Iterator<Item = usize> + 't {
        let mut from = 0;
        std::iter::from_fn(move || {
            let at = from + self.text.get(from..)?.find(text)?;
            let entry = self.starts.partition_point(|start| *start as usize <= at) - 1;
            from = self.starts.get(entry + 1).map_or(self.text.len(), |next| *next as usize);
            Some(entry)
        })
    }

    /// For each entry, whether it contains a text in any case.
    pub(super) fn matching(&self, text: &str) -> Vec<bool> {
        let mut found = vec![false; self.starts.len()];
        self.find(&lower(text)).for_each(|entry| found[entry] = true);
        found
    }

    /// The entries that contain a text and are visible: how many, and the first, those that begin with it before others.
    fn best(&self, text: &str, limit: usize, is_visible: impl Fn(usize) -> bool) -> (usize, Vec<usize>) {
        let (mut total, mut first, mut others) = (0, Vec::new(), Vec::new());
        for entry in self.find(text).filter(|entry| is_visible(*entry)) {
            total += 1;
            let begins = self.entry(entry).split('\n').any(|name| name.starts_with(text));
            let list = if begins { &mut first } else { &mut others };
            if list.len() < limit {
                list.push(entry);
            }
        }
        first.extend(others);
        first.truncate(limit);
        (total, first)
    }
}

/// A text as the index has it; the separators are taken out.
fn lower(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).flat_map(char::to_lowercase).collect()
}

/// The names of a catalog.
#[derive(Debug)]
pub(super) struct SearchIndex {
    pub(super) users: NameIndex,
    pub(super) sources: NameIndex,
    columns: NameIndex,
    groups: NameIndex,
    policies: NameIndex,
    /// The data source of each column.
    source_of: Vec<DataSourceIx>,
}

impl SearchIndex {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let users = snapshot.users.iter().map(|user| {
            [Some(&*user.name), Some(&*user.username), user.email.as_deref()].into_iter().flatten()
        });
        let one = std::iter::once::<&str>;
        let mut source_of = vec![DataSourceIx::at(0); snapshot.columns.len()];
        for (position, source) in snapshot.data_sources.iter().enumerate() {
            for column in source.columns.clone() {
                source_of[column as usize] = DataSourceIx::at(position);
            }
        }
        Self {
            users: NameIndex::new(users, true),
            sources: NameIndex::new(snapshot.data_sources.iter().map(|source| one(&source.name)), true),
            columns: NameIndex::new(snapshot.columns.iter().map(|column| one(&column.name)), false),
            groups: NameIndex::new(snapshot.groups.iter().map(|group| one(&group.name)), false),
            policies: NameIndex::new(snapshot.policies.iter().map(|policy| one(&policy.spec.name)), false),
            source_of,
        }
    }
}

/// Hits of one kind.
#[derive(Debug)]
pub struct Hits<T> {
    /// How many there are.
    pub total: usize,
    /// The first of them.
    pub first: Vec<T>,
}

impl<T> Hits<T> {
    fn new((total, entries): (usize, Vec<usize>), at: impl Fn(usize) -> T) -> Self {
        Self { total, first: entries.into_iter().map(at).collect() }
    }
}

/// What a search finds.
#[derive(Debug)]
pub struct SearchResult {
    /// Users by name, username or address.
    pub users: Hits<UserIx>,
    /// Data sources by name.
    pub sources: Hits<DataSourceIx>,
    /// Columns by name, each with its data source.
    pub columns: Hits<(DataSourceIx, ColumnIx)>,
    /// Groups by name.
    pub groups: Hits<GroupIx>,
    /// Policies by name.
    pub policies: Hits<PolicyIx>,
}

impl Evaluation {
    /// Finds names that contain a text, at most `limit` of each kind. Without AUDIT and GOVERNANCE a user finds themselves,
    /// the data sources that they own or reach, and the columns of those that they own.
    #[must_use]
    pub fn search(&self, caller: &Caller, text: &str, limit: usize) -> SearchResult {
        let (index, text) = (self.index(), lower(text));
        let sees_all = caller.has_any(READERS);
        let me = caller.user.as_deref().and_then(|name| self.snapshot().user(name));
        let known = if sees_all { Vec::new() } else { self.known_sources(caller, me) };
        let sees_source = |source: usize| sees_all || known[source] != Known::Not;
        let sees_column = |at: usize| sees_all || known[index.source_of[at].get()] == Known::Owned;
        let is_me = |user: usize| sees_all || me.is_some_and(|me| me.get() == user);
        SearchResult {
            users: Hits::new(index.users.best(&text, limit, is_me), UserIx::at),
            sources: Hits::new(index.sources.best(&text, limit, sees_source), DataSourceIx::at),
            columns: Hits::new(index.columns.best(&text, limit, sees_column), |at| {
                (index.source_of[at], ColumnIx::at(at))
            }),
            groups: Hits::new(index.groups.best(&text, limit, |_| sees_all), GroupIx::at),
            policies: Hits::new(index.policies.best(&text, limit, |_| sees_all), PolicyIx::at),
        }
    }

    /// For each data source, what a user has to do with it.
    fn known_sources(&self, caller: &Caller, me: Option<UserIx>) -> Vec<Known> {
        let mut known = vec![Known::Not; self.snapshot().data_sources.len()];
        let Some(me) = me else { return known };
        for of in self.outcomes.sources() {
            if self.reaches(me, of.class) {
                known[of.source.get()] = Known::Reached;
            }
        }
        if caller.roles {
            let sources = self.snapshot().data_sources.iter().zip(&mut known);
            sources.filter(|(source, _)| source.owners.contains(&me)).for_each(|(_, it)| *it = Known::Owned);
        }
        known
    }
}

/// What a user has to do with a data source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Not,
    Reached,
    Owned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_once_in_any_case_and_those_that_begin_come_first() {
        let entries = [["Anna Berg", "anna.berg"], ["Noah Bergmann", "noah"], ["Berga", "x"], ["Zoë", "zoe"]];
        let index = NameIndex::new(entries.iter().map(|names| names.iter().copied()), true);
        assert_eq!(index.find("berg").collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(index.best("berg", 2, |_| true), (3, vec![2, 0]));
        assert_eq!(index.best("berg", 2, |entry| entry == 1), (1, vec![1]));
        assert_eq!(index.matching("ZOË"), [false, false, false, true]);
        assert_eq!(index.matching("nothing"), [false; 4]);
        assert_eq!(index.ranks, [0, 2, 1, 3]);
    }
}
