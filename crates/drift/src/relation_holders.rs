//! Who holds privileges on a relation by its access lists (`docs/drift.md`, rule 1).

use std::sync::Arc;

use domesday_actual::BitSet;
use domesday_model::Scope;
use domesday_model::privileges::{AccessEntry, PrivilegeSet, Relation, RoleIx};

use crate::access_lists::RelationLists;
use crate::role_reach::RoleReach;

/// A set that evaluations share in which it is the same.
pub(crate) type SharedSet = Arc<BitSet>;

/// The roles that hold privileges on a relation, by its access lists alone.
#[derive(Debug, Clone)]
pub(crate) struct RelationHolders {
    scopes: [ScopeHolders; 2],
    pub(crate) column_count: usize,
}

/// The roles that hold privileges of a scope.
#[derive(Debug, Clone)]
pub(crate) struct ScopeHolders {
    pub(crate) whole: SharedSet,
    /// Of the columns with grants, by position.
    pub(crate) columns: Vec<(u32, SharedSet)>,
    /// On the relation or on a column.
    pub(crate) any: SharedSet,
}

impl RelationHolders {
    pub(crate) fn new(reach: &RoleReach, lists: &RelationLists) -> Self {
        Self::with(reach, lists, |_, list, wanted| Arc::new(reach.holders(list, wanted)))
    }

    /// Returns the holders by changed access lists: what did not change is shared, and what grew grows.
    pub(crate) fn after(&self, reach: &RoleReach, before: &RelationLists, after: &RelationLists) -> Self {
        Self::with(reach, after, |part, list, wanted| {
            let (known, old) = match part {
                Part::Whole(scope) => (Some(&self.scope(scope).whole), &before.whole),
                Part::Column(scope, column) => {
                    (self.scope(scope).column(column), &before.columns[column as usize])
                }
            };
            match known.map(|known| (known, reach.holders_after(known, old, list, wanted))) {
                Some((known, None)) => Arc::clone(known),
                Some((_, Some(changed))) => Arc::new(changed),
                None => Arc::new(reach.holders(list, wanted)),
            }
        })
    }

    fn with(
        reach: &RoleReach,
        lists: &RelationLists,
        holders: impl Fn(Part, &[AccessEntry], PrivilegeSet) -> SharedSet,
    ) -> Self {
        let scope = |scope: Scope| {
            let (on_whole, on_column) = wanted(scope);
            let mut whole = holders(Part::Whole(scope), &lists.whole, on_whole);
            if !reach.predefined(scope).is_subset(&whole) {
                Arc::make_mut(&mut whole).union(reach.predefined(scope));
            }
            let columns = (0..).zip(&lists.columns).filter(|(_, list)| !list.is_empty());
            let columns: Vec<(u32, SharedSet)> = columns
                .map(|(column, list)| (column, holders(Part::Column(scope, column), list, on_column)))
                .collect();
            let mut any = Arc::clone(&whole);
            for (_, holders) in &columns {
                if !holders.is_subset(&any) {
                    Arc::make_mut(&mut any).union(holders);
                }
            }
            ScopeHolders { whole, columns, any }
        };
        Self { scopes: Scope::ALL.map(scope), column_count: lists.columns.len() }
    }

    pub(crate) fn scope(&self, scope: Scope) -> &ScopeHolders {
        &self.scopes[scope.index()]
    }

    /// Whether one of some roles holds a privilege on the relation or on a column.
    pub(crate) fn are_among(&self, roles: &BitSet) -> bool {
        self.scopes.iter().any(|holders| holders.any.intersects(roles))
    }
}

impl ScopeHolders {
    pub(crate) fn column(&self, position: u32) -> Option<&SharedSet> {
        find_column(&self.columns, position)
    }
}

/// An access list of a relation, and what it is asked about.
#[derive(Clone, Copy)]
enum Part {
    Whole(Scope),
    Column(Scope, u32),
}

/// A relation with what decides who reaches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The roles that hold CONNECT.
    pub(crate) connect: &'a BitSet,
    /// The roles that hold USAGE of its schema.
    pub(crate) usage: &'a BitSet,
    pub(crate) holders: &'a RelationHolders,
    pub(crate) relation: &'a Relation,
}

impl Place<'_> {
    pub(crate) fn holds_connect(self, role: RoleIx) -> bool {
        self.connect.contains(role.get())
    }

    pub(crate) fn holds_usage(self, role: RoleIx) -> bool {
        self.usage.contains(role.get())
    }

    /// Whether a role holds a privilege of a scope on the whole relation.
    pub(crate) fn holds_whole(self, role: RoleIx, scope: Scope) -> bool {
        self.holders.scope(scope).whole.contains(role.get())
    }

    /// Whether a role holds a privilege of a scope on the relation or on one of its columns.
    pub(crate) fn holds_any(self, role: RoleIx, scope: Scope) -> bool {
        self.holders.scope(scope).any.contains(role.get())
    }

    /// Whether a role holds a privilege of a scope on a column, or on the whole relation.
    pub(crate) fn holds_column(self, role: RoleIx, scope: Scope, column: u32) -> bool {
        let of_column = self.holders.scope(scope).column(column);
        self.holds_whole(role, scope) || of_column.is_some_and(|holders| holders.contains(role.get()))
    }
}

/// The privileges that count for a scope, on a relation and on a column (rules 2 and 3).
pub(crate) fn wanted(scope: Scope) -> (PrivilegeSet, PrivilegeSet) {
    match scope {
        Scope::Read => (PrivilegeSet::SELECT, PrivilegeSet::SELECT),
        Scope::Write => (PrivilegeSet::WRITE, PrivilegeSet::WRITE_COLUMN),
    }
}

/// Finds a column by its position among those in ascending order.
pub(crate) fn find_column(columns: &[(u32, SharedSet)], position: u32) -> Option<&SharedSet> {
    let found = columns.binary_search_by_key(&position, |(position, _)| *position).ok()?;
    Some(&columns[found].1)
}
