//! Roles and access lists for unit tests.

use domesday_actual::{READ_ALL, WRITE_ALL};
use domesday_model::Instant;
use domesday_model::privileges::{
    AccessEntry, Column, Database, Grantee, Membership, PrivilegeSet, Privileges, Relation, RelationKind,
    Role, RoleIx, Schema, SchemaIx,
};

use crate::role_reach::RoleReach;

/// An entry by the positions of its roles: grantee, grantor.
pub(crate) fn entry(
    grantee: u32,
    grantor: u32,
    privileges: PrivilegeSet,
    grant_options: PrivilegeSet,
) -> AccessEntry {
    AccessEntry {
        grantee: Grantee::Role(RoleIx(grantee)),
        grantor: RoleIx(grantor),
        privileges,
        grant_options,
    }
}

/// Roles with memberships, each a member and the role that it inherits from and may become.
pub(crate) fn privileges(roles: usize, memberships: &[(u32, u32)], superusers: &[u32]) -> Privileges {
    let role = |position: usize| Role {
        name: format!("r{position}"),
        can_login: true,
        inherits: true,
        is_superuser: superusers.contains(&RoleIx::from_position(position).0),
        bypasses_row_security: false,
        valid_until: None,
    };
    let membership = |(member, role): &(u32, u32)| Membership {
        role: RoleIx(*role),
        member: RoleIx(*member),
        inherits: true,
        can_set: true,
    };
    Privileges {
        server_version: 16,
        observed_at: Instant::from_micros(0),
        database: Database { name: "shop".to_owned(), owner: RoleIx(0), access_list: None },
        roles: (0..roles).map(role).collect(),
        memberships: memberships.iter().map(membership).collect(),
        schemas: Vec::new(),
        relations: Vec::new(),
    }
}

pub(crate) fn reach(roles: usize, memberships: &[(u32, u32)], superusers: &[u32]) -> RoleReach {
    RoleReach::new(&privileges(roles, memberships, superusers))
}

/// A deterministic source of random numbers.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(end)).unwrap()
    }

    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn list(&mut self, roles: u32, privileges: PrivilegeSet) -> Option<Vec<AccessEntry>> {
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

/// A database of nine roles and four relations, with anything that decides who reaches them.
pub(crate) fn random_database(random: &mut Random) -> Privileges {
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
