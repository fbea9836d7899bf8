//! GRANT and REVOKE on access lists in memory, by the rules of PostgreSQL.
//!
//! PostgreSQL keeps an entry for each pair of grantor and grantee. A REVOKE takes from the entry of one grantor only, and
//! from the grantee's own grants to others when the grantee loses its grant option (CASCADE), or fails because of them.

use domesday_actual::{AccessEntry, Grantee, PrivilegeSet, RoleIx};

use crate::role_reach::RoleReach;

/// Others received their privileges from the grantee, so that a REVOKE needs CASCADE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HasDependents;

/// Grants privileges, as the owner of the object.
pub(crate) fn grant(list: &mut Vec<AccessEntry>, owner: RoleIx, grantee: Grantee, privileges: PrivilegeSet) {
    if let Some(entry) = list.iter_mut().find(|it| it.grantee == grantee && it.grantor == owner) {
        entry.privileges = entry.privileges.union(privileges);
    } else {
        list.push(AccessEntry { grantee, grantor: owner, privileges, grant_options: PrivilegeSet::NONE });
    }
}

/// Revokes privileges with their grant options, as a grantor.
///
/// # Errors
/// When others received them from the grantee and `is_cascading` is not set. The list is then half changed.
pub(crate) fn revoke(
    list: &mut Vec<AccessEntry>,
    reach: &RoleReach,
    owner: RoleIx,
    grantor: RoleIx,
    grantee: Grantee,
    privileges: PrivilegeSet,
    is_cascading: bool,
) -> Result<(), HasDependents> {
    let found = list.iter().position(|entry| entry.grantee == grantee && entry.grantor == grantor);
    let Some(position) = found else { return Ok(()) };
    let entry = &mut list[position];
    let lost_options = intersection(entry.grant_options, privileges);
    entry.privileges = difference(entry.privileges, privileges);
    entry.grant_options = difference(entry.grant_options, privileges);
    if entry.privileges == PrivilegeSet::NONE {
        list.remove(position);
    }
    match grantee {
        // An owner never loses grant options.
        Grantee::Role(role) if role != owner && lost_options != PrivilegeSet::NONE => {
            let lost = difference(lost_options, options_of(list, reach, owner, role));
            revoke_dependents(list, reach, owner, role, lost, is_cascading)
        }
        _ => Ok(()),
    }
}

fn revoke_dependents(
    list: &mut Vec<AccessEntry>,
    reach: &RoleReach,
    owner: RoleIx,
    grantor: RoleIx,
    lost: PrivilegeSet,
    is_cascading: bool,
) -> Result<(), HasDependents> {
    let next = |list: &[AccessEntry]| {
        let dependent = |entry: &&AccessEntry| entry.grantor == grantor && entry.privileges.intersects(lost);
        list.iter().find(dependent).copied()
    };
    while let Some(dependent) = next(list) {
        if !is_cascading {
            return Err(HasDependents);
        }
        revoke(list, reach, owner, grantor, dependent.grantee, lost, true)?;
    }
    Ok(())
}

/// Returns the grant options that a role has, by its own entries or by inheritance.
fn options_of(list: &[AccessEntry], reach: &RoleReach, owner: RoleIx, role: RoleIx) -> PrivilegeSet {
    let has = |other: RoleIx| reach.is_superuser(role) || reach.has_inherited(role, other);
    if has(owner) {
        return PrivilegeSet(u8::MAX);
    }
    let entries = list.iter().filter(|entry| matches!(entry.grantee, Grantee::Role(grantee) if has(grantee)));
    entries.fold(PrivilegeSet::NONE, |options, entry| options.union(entry.grant_options))
}

/// Whether a role that is neither the owner nor a superuser revokes as itself: PostgreSQL takes it as the grantor if its
/// own entries have every grant option that is needed.
pub(crate) fn is_own_grantor(
    list: &[AccessEntry],
    reach: &RoleReach,
    owner: RoleIx,
    role: RoleIx,
    needed: PrivilegeSet,
) -> bool {
    let own = list.iter().filter(|entry| entry.grantee == Grantee::Role(role));
    let options = own.fold(PrivilegeSet::NONE, |options, entry| options.union(entry.grant_options));
    role != owner && !reach.is_superuser(role) && difference(needed, options) == PrivilegeSet::NONE
}

/// Returns the privileges of the first set that the second lacks.
pub(crate) fn difference(one: PrivilegeSet, other: PrivilegeSet) -> PrivilegeSet {
    PrivilegeSet(one.0 & !other.0)
}

/// Returns the privileges that both sets have.
pub(crate) fn intersection(one: PrivilegeSet, other: PrivilegeSet) -> PrivilegeSet {
    PrivilegeSet(one.0 & other.0)
}
