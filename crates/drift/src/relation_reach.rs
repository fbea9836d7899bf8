//! Who reaches a relation, from access lists that may be hypothetical (`docs/drift.md`, rules 1 to 5).

use domesday_actual::BitSet;
use domesday_model::Scope;
use domesday_model::privileges::{PrivilegeSet, Relation, RoleIx};

use crate::access_lists::RelationLists;
use crate::role_reach::RoleReach;

/// The roles that hold privileges on a relation, by its access lists alone.
#[derive(Debug, Clone)]
pub(crate) struct RelationHolders {
    scopes: [ScopeHolders; 2],
    column_count: usize,
}

#[derive(Debug, Clone)]
struct ScopeHolders {
    whole: BitSet,
    /// Of the columns with grants, by position.
    columns: Vec<(u32, BitSet)>,
    /// On the relation or on a column.
    any: BitSet,
}

impl RelationHolders {
    pub(crate) fn new(reach: &RoleReach, lists: &RelationLists) -> Self {
        let scope = |scope: Scope| {
            let (on_whole, on_column) = wanted(scope);
            let mut whole = reach.holders(&lists.whole, on_whole);
            reach.add_predefined(scope == Scope::Read, scope == Scope::Write, &mut whole);
            let columns = (0..).zip(&lists.columns).filter(|(_, list)| !list.is_empty());
            let columns: Vec<(u32, BitSet)> =
                columns.map(|(position, list)| (position, reach.holders(list, on_column))).collect();
            let mut any = whole.clone();
            columns.iter().for_each(|(_, holders)| any.union(holders));
            ScopeHolders { whole, columns, any }
        };
        Self { scopes: Scope::ALL.map(scope), column_count: lists.columns.len() }
    }

    /// Whether one of some roles holds a privilege on the relation or on a column.
    pub(crate) fn are_among(&self, roles: &BitSet) -> bool {
        self.scopes.iter().any(|holders| holders.any.intersects(roles))
    }
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
        self.holders.scopes[scope.index()].whole.contains(role.get())
    }

    /// Whether a role holds a privilege of a scope on the relation or on one of its columns.
    pub(crate) fn holds_any(self, role: RoleIx, scope: Scope) -> bool {
        self.holders.scopes[scope.index()].any.contains(role.get())
    }

    /// Whether a role holds a privilege of a scope on a column, or on the whole relation.
    pub(crate) fn holds_column(self, role: RoleIx, scope: Scope, column: u32) -> bool {
        let mut columns = self.holders.scopes[scope.index()].columns.iter();
        self.holds_whole(role, scope)
            || columns.any(|(position, holders)| *position == column && holders.contains(role.get()))
    }
}

/// What a role can do with a relation in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reach {
    /// The positions of the columns, ascending; `None` means all.
    pub(crate) columns: Option<Vec<u32>>,
    pub(crate) is_row_filtered: bool,
}

/// The roles that reach a relation.
#[derive(Debug, Clone)]
pub(crate) struct RelationReach {
    scopes: [ScopeReach; 2],
}

#[derive(Debug, Clone)]
struct ScopeReach {
    /// Those that reach all of it.
    whole: BitSet,
    /// Those that reach some of its columns only, by position of the column.
    columns: Vec<(u32, BitSet)>,
    /// Those of both that row security does not bind, where the relation has any.
    unfiltered: Option<BitSet>,
}

impl RelationReach {
    /// Evaluates who reaches a relation (rules 2, 3 and 5).
    pub(crate) fn new(reach: &RoleReach, place: Place<'_>) -> Self {
        Self { scopes: Scope::ALL.map(|scope| ScopeReach::new(reach, place, scope)) }
    }

    /// Returns what a role can do with the relation in a scope.
    pub(crate) fn of_role(&self, role: RoleIx, scope: Scope) -> Option<Reach> {
        let of_scope = &self.scopes[scope.index()];
        let columns = if of_scope.whole.contains(role.get()) {
            None
        } else {
            let columns = of_scope.columns.iter().filter(|(_, roles)| roles.contains(role.get()));
            Some(columns.map(|(position, _)| *position).collect::<Vec<u32>>())
        };
        if columns.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        let is_row_filtered = of_scope.unfiltered.as_ref().is_some_and(|roles| !roles.contains(role.get()));
        Some(Reach { columns, is_row_filtered })
    }

    /// Returns the roles that reach something else by another evaluation of the same relation.
    pub(crate) fn changed(&self, other: &Self, reach: &RoleReach) -> BitSet {
        let none = BitSet::new(reach.len());
        let mut changed = none.clone();
        for (one, other) in self.scopes.iter().zip(&other.scopes) {
            changed.add_difference(&one.whole, &other.whole);
            for (position, roles) in &one.columns {
                changed.add_difference(roles, other.column(*position).unwrap_or(&none));
            }
            let added = other.columns.iter().filter(|(position, _)| one.column(*position).is_none());
            added.for_each(|(_, roles)| changed.union(roles));
            if let (Some(one), Some(other)) = (&one.unfiltered, &other.unfiltered) {
                changed.add_difference(one, other);
            }
        }
        changed
    }
}

impl ScopeReach {
    fn new(reach: &RoleReach, place: Place<'_>, scope: Scope) -> Self {
        let holders = &place.holders.scopes[scope.index()];
        let reaching = |holders: &BitSet| {
            let acting = holders.clone().intersection(place.usage);
            reach.actors_of(&acting).intersection(&reach.logins).intersection(place.connect)
        };
        let mut whole = reaching(&holders.whole);
        let mut columns: Vec<(u32, BitSet)> =
            holders.columns.iter().map(|(position, holders)| (*position, reaching(holders))).collect();
        // A reader of each column reads the relation.
        if scope == Scope::Read && columns.len() == place.holders.column_count {
            let every = columns.iter().map(|(_, roles)| roles.clone()).reduce(|all, roles| all.intersection(&roles));
            every.iter().for_each(|every| whole.union(every));
        }
        columns.iter_mut().for_each(|(_, roles)| roles.subtract(&whole));
        let unfiltered = place.relation.has_row_security.then(|| {
            let relation = place.relation;
            let free = reach.free_of_row_security(relation.owner, relation.forces_row_security);
            let mut unfiltered = reaching(&holders.any.clone().intersection(&free));
            let mut can = whole.clone();
            columns.iter().for_each(|(_, roles)| can.union(roles));
            unfiltered.intersect(&can);
            unfiltered
        });
        Self { whole, columns, unfiltered }
    }

    fn column(&self, position: u32) -> Option<&BitSet> {
        self.columns.iter().find(|(other, _)| *other == position).map(|(_, roles)| roles)
    }
}

/// The privileges that count for a scope, on a relation and on a column (rules 2 and 3).
pub(crate) fn wanted(scope: Scope) -> (PrivilegeSet, PrivilegeSet) {
    match scope {
        Scope::Read => (PrivilegeSet::SELECT, PrivilegeSet::SELECT),
        Scope::Write => (PrivilegeSet::WRITE, PrivilegeSet::WRITE_COLUMN),
    }
}

#[cfg(test)]
mod tests {
    use domesday_actual::{ActualAccess, READ_ALL, WRITE_ALL};
    use domesday_model::privileges::{
        AccessEntry, Column, Grantee, Membership, Privileges, RelationIx, RelationKind, Schema, SchemaIx,
    };

    use super::*;
    use crate::access_lists::{database_list, schema_list};
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
            let connect = reach.connect_holders(&database_list(&found));
            for (position, relation) in found.relations.iter().enumerate() {
                let holders = RelationHolders::new(&reach, &RelationLists::new(relation));
                let usage = reach.usage_holders(&schema_list(&found.schemas[relation.schema.get()]));
                let place = Place { connect: &connect, usage: &usage, holders: &holders, relation };
                let reached_by = RelationReach::new(&reach, place);
                let class = access.class_of[RelationIx::from_position(position).get()];
                for role in (0..found.roles.len()).map(RoleIx::from_position) {
                    for scope in Scope::ALL {
                        let wanted = access.role_access(class, scope, role).map(|access| Reach {
                            columns: access.columns.as_deref().map(<[u32]>::to_vec),
                            is_row_filtered: access.is_row_filtered,
                        });
                        let one = reached_by.of_role(role, scope);
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
