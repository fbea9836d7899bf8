//! What one role can reach, from access lists that may be hypothetical (`docs/drift.md`, rules 1 to 5).
//!
//! `domesday-actual` evaluates every role at once. A repair changes what few roles can, and asks for these alone.

use domesday_actual::{PrivilegeSet, Privileges, READ_ALL, Relation, RoleEdges, RoleIx, WRITE_ALL};
use domesday_model::Scope;

use crate::grants::{Grants, RelationGrants};

/// The roles of a cluster with the closures of their memberships.
#[derive(Debug)]
pub(crate) struct RoleReach {
    edges: RoleEdges,
    /// For each role those that it may become, itself first.
    acts_as: Vec<Box<[RoleIx]>>,
    /// For each role those whose privileges it has by inheritance, itself first.
    inherits: Vec<Box<[RoleIx]>>,
    is_superuser: Vec<bool>,
    bypasses_row_security: Vec<bool>,
    may_log_in: Vec<bool>,
    read_all: Option<RoleIx>,
    write_all: Option<RoleIx>,
}

/// A relation with the access lists that decide who reaches it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) connect: &'a Grants,
    pub(crate) usage: &'a Grants,
    pub(crate) grants: &'a RelationGrants,
    pub(crate) relation: &'a Relation,
}

/// What a role can do with a relation in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The positions of the columns, ascending; `None` means all.
    pub(crate) columns: Option<Vec<u32>>,
    pub(crate) is_row_filtered: bool,
}

impl RoleReach {
    pub(crate) fn new(privileges: &Privileges) -> Self {
        let edges = RoleEdges::new(privileges);
        let roles = &privileges.roles;
        let named = |name: &str| {
            let position = roles.iter().position(|role| role.name == name);
            position.map(RoleIx::from_position)
        };
        Self {
            acts_as: closures(&edges.becomes),
            inherits: closures(&edges.inherits),
            is_superuser: roles.iter().map(|role| role.is_superuser).collect(),
            bypasses_row_security: roles
                .iter()
                .map(|role| role.is_superuser || role.bypasses_row_security)
                .collect(),
            may_log_in: roles.iter().map(|role| role.may_log_in(privileges.observed_at)).collect(),
            read_all: named(READ_ALL),
            write_all: named(WRITE_ALL),
            edges,
        }
    }

    /// Returns the steps of memberships.
    pub(crate) fn edges(&self) -> &RoleEdges {
        &self.edges
    }

    /// Returns the roles that a role may become, itself first.
    pub(crate) fn acts_as(&self, role: RoleIx) -> &[RoleIx] {
        &self.acts_as[role.get()]
    }

    /// Whether a role has the privileges of another by inheritance. A superuser counts as itself only.
    pub(crate) fn has_inherited(&self, role: RoleIx, other: RoleIx) -> bool {
        self.inherits[role.get()].contains(&other)
    }

    pub(crate) fn is_superuser(&self, role: RoleIx) -> bool {
        self.is_superuser[role.get()]
    }

    pub(crate) fn may_log_in(&self, role: RoleIx) -> bool {
        self.may_log_in[role.get()]
    }

    /// Whether a role holds one of these privileges by an access list, or as a superuser (rule 1).
    pub(crate) fn holds(&self, role: RoleIx, grants: &Grants, wanted: PrivilegeSet) -> bool {
        self.is_superuser[role.get()]
            || grants.public.intersects(wanted)
            || self.inherits[role.get()]
                .iter()
                .any(|of| grants.by_role.get(of).is_some_and(|privileges| privileges.intersects(wanted)))
    }

    /// Whether a role holds USAGE of the schema of a place.
    pub(crate) fn holds_usage(&self, role: RoleIx, place: Place<'_>) -> bool {
        self.holds(role, place.usage, PrivilegeSet::USAGE) || self.reads_all(role) || self.writes_all(role)
    }

    /// Whether a role holds CONNECT.
    pub(crate) fn holds_connect(&self, role: RoleIx, connect: &Grants) -> bool {
        self.holds(role, connect, PrivilegeSet::CONNECT)
    }

    /// Whether a role holds a privilege of a scope on the whole relation.
    pub(crate) fn holds_whole(&self, role: RoleIx, scope: Scope, place: Place<'_>) -> bool {
        let is_predefined = match scope {
            Scope::Read => self.reads_all(role),
            Scope::Write => self.writes_all(role),
        };
        is_predefined || self.holds(role, &place.grants.whole, wanted(scope).0)
    }

    /// Whether a role holds a privilege of a scope on a column by the column's own list.
    pub(crate) fn holds_column(&self, role: RoleIx, scope: Scope, column: &Grants) -> bool {
        self.holds(role, column, wanted(scope).1)
    }

    /// Whether a role holds a privilege of a scope on the relation or on one of its columns.
    pub(crate) fn holds_any(&self, role: RoleIx, scope: Scope, place: Place<'_>) -> bool {
        self.holds_whole(role, scope, place)
            || place.grants.columns.iter().any(|(_, grants)| self.holds_column(role, scope, grants))
    }

    /// Whether a role has the privileges of `pg_read_all_data`.
    pub(crate) fn reads_all(&self, role: RoleIx) -> bool {
        self.read_all.is_some_and(|all| self.has_inherited(role, all))
    }

    /// Whether a role has the privileges of `pg_write_all_data`.
    pub(crate) fn writes_all(&self, role: RoleIx) -> bool {
        self.write_all.is_some_and(|all| self.has_inherited(role, all))
    }

    /// Returns what a role can do with a relation in a scope (rules 2, 3 and 5).
    pub(crate) fn reach(&self, role: RoleIx, scope: Scope, place: Place<'_>) -> Option<Reach> {
        if !self.may_log_in(role) || !self.holds_connect(role, place.connect) {
            return None;
        }
        let (mut is_whole, mut columns, mut is_unfiltered) = (false, Vec::new(), false);
        for acted in self.acts_as(role) {
            if !self.holds_usage(*acted, place) {
                continue;
            }
            let is_acted_whole = self.holds_whole(*acted, scope, place);
            let mut can = is_acted_whole;
            if !is_acted_whole {
                for (position, grants) in &place.grants.columns {
                    if self.holds_column(*acted, scope, grants) {
                        columns.push(*position);
                        can = true;
                    }
                }
            }
            is_whole |= is_acted_whole;
            is_unfiltered |= can && self.is_free(*acted, place.relation);
        }
        if !is_whole && columns.is_empty() {
            return None;
        }
        columns.sort_unstable();
        columns.dedup();
        is_whole |= scope == Scope::Read && columns.len() == place.grants.column_count;
        Some(Reach {
            columns: (!is_whole).then_some(columns),
            is_row_filtered: place.relation.has_row_security && !is_unfiltered,
        })
    }

    /// Whether the row security of a relation does not bind a role.
    fn is_free(&self, role: RoleIx, relation: &Relation) -> bool {
        self.bypasses_row_security[role.get()]
            || (!relation.forces_row_security && self.has_inherited(role, relation.owner))
    }
}

/// The privileges that count for a scope, on a relation and on a column (rules 2 and 3).
pub(crate) fn wanted(scope: Scope) -> (PrivilegeSet, PrivilegeSet) {
    match scope {
        Scope::Read => (PrivilegeSet::SELECT, PrivilegeSet::SELECT),
        Scope::Write => (PrivilegeSet::WRITE, PrivilegeSet::WRITE_COLUMN),
    }
}

/// Returns for each role those that it reaches in any number of steps, itself first.
fn closures(edges: &[Vec<RoleIx>]) -> Vec<Box<[RoleIx]>> {
    let reach = |start: usize| {
        let mut reached = vec![RoleIx::from_position(start)];
        let mut next = 0;
        while let Some(role) = reached.get(next).copied() {
            next += 1;
            for to in &edges[role.get()] {
                if !reached.contains(to) {
                    reached.push(*to);
                }
            }
        }
        reached.into()
    };
    (0..edges.len()).map(reach).collect()
}
