//! The search over the names in the catalog, for pages.

use domesday_model::{ColumnIx, DataSourceIx, GroupIx, PolicyIx, UserIx};

use super::evaluated::Evaluation;
use super::name_index::lower;
use super::visible::READERS;
use crate::caller::Caller;

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
        let me = self.user_of(caller);
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
