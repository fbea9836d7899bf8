//! What one role can reach, from access lists that may be hypothetical (`docs/drift.md`, rules 1 to 5).
//!
//! `domesday-actual` evaluates every role at once. A repair changes what few roles can, and asks for these alone.

use domesday_actual::{READ_ALL, RoleEdges, WRITE_ALL};
use domesday_model::Scope;
use domesday_model::privileges::{PrivilegeSet, Privileges, Relation, RoleIx};

use crate::grants::{Grants, RelationGrants};

/// The roles of a cluster with the closures of their memberships.
#[derive(Debug)]
pub(crate) struct RoleReach {
    edges: RoleEdges,
    /// For each role those that it may become, itself first.
    acts_as: Vec<Box<[RoleIx]>>,
    /// For each role those whose privileges it has by inheritance, itself included, ascending.
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
        let mut inherits = closures(&edges.inherits);
        inherits.iter_mut().for_each(|roles| roles.sort_unstable());
        let roles = &privileges.roles;
        let named = |name: &str| {
            let position = roles.iter().position(|role| role.name == name);
            position.map(RoleIx::from_position)
        };
        Self {
            acts_as: closures(&edges.becomes),
            inherits,
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
        self.inherits[role.get()].binary_search(&other).is_ok()
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
    // The last start from which a role was reached.
    let mut reached_from: Vec<Option<usize>> = vec![None; edges.len()];
    let mut reach = |start: usize| {
        let mut reached = vec![RoleIx::from_position(start)];
        reached_from[start] = Some(start);
        let mut next = 0;
        while let Some(role) = reached.get(next).copied() {
            next += 1;
            for to in &edges[role.get()] {
                if reached_from[to.get()] != Some(start) {
                    reached_from[to.get()] = Some(start);
                    reached.push(*to);
                }
            }
        }
        reached.into()
    };
    (0..edges.len()).map(&mut reach).collect()
}

#[cfg(test)]
mod tests {
    use domesday_actual::ActualAccess;
    use domesday_model::privileges::{
        AccessEntry, Column, Grantee, Membership, RelationIx, RelationKind, Schema, SchemaIx,
    };

    use super::*;
    use crate::grants::{RelationLists, database_list, schema_list};
    use crate::repair::fixtures::privileges;

    /// A deterministic source of random numbers.
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: u32) -> u32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from((self.0 >> 33) % u64::from(end)).unwrap()
        }

        fn chance(&mut self, percent: u32) -> bool {
            self.below(100) < percent
        }

        fn list(&mut self, roles: u32, privileges: PrivilegeSet) -> Option<Vec<AccessEntry>> {
            if self.chance(30) {
                return None;
            }
            let entry = |random: &mut Self| AccessEntry {
                grantee: if random.chance(5) {
                    Grantee::Public
                } else {
                    Grantee::Role(RoleIx(random.below(roles)))
                },
                grantor: RoleIx(0),
                privileges: PrivilegeSet(u8::try_from(random.below(256)).unwrap() & privileges.0),
                grant_options: PrivilegeSet::NONE,
            };
            let count = self.below(4);
            Some((0..count).map(|_| entry(self)).collect())
        }
    }

    fn database(random: &mut Random) -> Privileges {
        const ROLES: u32 = 9;
        let mut found = privileges(ROLES as usize, &[], &[]);
        found.server_version = 13 + random.below(5);
        for role in &mut found.roles {
            role.can_login = random.chance(70);
            role.inherits = random.chance(70);
            role.is_superuser = random.chance(5);
            role.bypasses_row_security = random.chance(15);
        }
        found.roles[7].name = READ_ALL.to_owned();
        found.roles[8].name = WRITE_ALL.to_owned();
        for member in 0..ROLES {
            for role in member + 1..ROLES {
                if random.chance(if role > 6 { 6 } else { 25 }) {
                    let (inherits, can_set) = (random.chance(70), random.chance(70));
                    let (role, member) = (RoleIx(role), RoleIx(member));
                    found.memberships.push(Membership { role, member, inherits, can_set });
                }
            }
        }
        found.database.access_list = random.list(ROLES, PrivilegeSet::CONNECT);
        for position in 0..2 {
            let (name, owner) = (format!("s{position}"), RoleIx(random.below(ROLES)));
            found.schemas.push(Schema { name, owner, access_list: random.list(ROLES, PrivilegeSet::USAGE) });
        }
        for position in 0..4 {
            let column = |random: &mut Random, name: &str| {
                let list = if random.chance(60) { None } else { random.list(ROLES, PrivilegeSet::RELATION) };
                Column { name: name.to_owned(), access_list: list }
            };
            let columns = vec![column(random, "a"), column(random, "b")];
            let relation = Relation {
                schema: SchemaIx(random.below(2)),
                name: format!("t{position}"),
                kind: RelationKind::Table,
                owner: RoleIx(random.below(ROLES)),
                access_list: random.list(ROLES, PrivilegeSet::RELATION),
                columns,
                has_row_security: random.chance(50),
                forces_row_security: random.chance(50),
            };
            found.relations.push(relation);
        }
        found
    }

    #[test]
    fn one_role_reaches_what_the_evaluation_of_all_says() {
        let (mut reached, mut by_columns, mut filtered) = (0, 0, 0);
        for seed in 0..600 {
            let found = database(&mut Random(seed));
            let (access, reach) = (ActualAccess::new(&found), RoleReach::new(&found));
            let connect = Grants::new(&database_list(&found));
            for (position, relation) in found.relations.iter().enumerate() {
                let grants = RelationGrants::new(&RelationLists::new(relation));
                let usage = Grants::new(&schema_list(&found.schemas[relation.schema.get()]));
                let place = Place { connect: &connect, usage: &usage, grants: &grants, relation };
                let class = access.class_of[RelationIx::from_position(position).get()];
                for role in (0..found.roles.len()).map(RoleIx::from_position) {
                    for scope in Scope::ALL {
                        let wanted = access.role_access(class, scope, role).map(|access| Reach {
                            columns: access.columns.as_deref().map(<[u32]>::to_vec),
                            is_row_filtered: access.is_row_filtered,
                        });
                        let one = reach.reach(role, scope, place);
                        assert_eq!(one, wanted, "seed {seed}, {role:?}, {scope:?}, {relation:?}");
                        reached += usize::from(one.is_some());
                        by_columns += usize::from(one.as_ref().is_some_and(|one| one.columns.is_some()));
                        filtered += usize::from(one.is_some_and(|one| one.is_row_filtered));
                    }
                }
            }
        }
        assert!(reached > 1_000 && by_columns > 100 && filtered > 100, "{reached} {by_columns} {filtered}");
    }
}
