//! Roles and access lists for unit tests.

use domesday_model::Instant;
use domesday_model::privileges::{
    AccessEntry, Database, Grantee, Membership, PrivilegeSet, Privileges, Role, RoleIx,
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
