//! GRANT and REVOKE on access lists in memory, by the rules of PostgreSQL.
//!
//! PostgreSQL keeps an entry for each pair of grantor and grantee. A REVOKE takes from the entry of one grantor only, and
//! from the grantee's own grants to others when the grantee loses its grant option (CASCADE), or fails because of them.

use domesday_model::privileges::{AccessEntry, Grantee, PrivilegeSet, RoleIx};

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
    let mut lost_options = PrivilegeSet::NONE;
    list.retain_mut(|entry| {
        if entry.grantee == grantee && entry.grantor == grantor {
            lost_options = lost_options.union(entry.grant_options.intersection(privileges));
            entry.privileges = entry.privileges.difference(privileges);
            entry.grant_options = entry.grant_options.difference(privileges);
        }
        entry.privileges != PrivilegeSet::NONE
    });
    match grantee {
        // An owner never loses grant options.
        Grantee::Role(role) if role != owner && lost_options != PrivilegeSet::NONE => {
            let lost = lost_options.difference(options_of(list, reach, owner, role));
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
    role != owner && !reach.is_superuser(role) && needed.difference(options) == PrivilegeSet::NONE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repair::fixtures::{entry, reach};

    const SELECT: PrivilegeSet = PrivilegeSet::SELECT;
    const INSERT: PrivilegeSet = PrivilegeSet::INSERT;
    const OWNER: RoleIx = RoleIx(0);

    fn take(
        list: &[AccessEntry],
        grantee: u32,
        grantor: u32,
        is_cascading: bool,
    ) -> Result<Vec<AccessEntry>, HasDependents> {
        let mut list = list.to_vec();
        let grantee = Grantee::Role(RoleIx(grantee));
        // Role 4 inherits from role 1, role 5 is a superuser.
        revoke(&mut list, &reach(6, &[(4, 1)], &[5]), OWNER, RoleIx(grantor), grantee, SELECT, is_cascading)?;
        Ok(list)
    }

    #[test]
    fn grants_add_to_the_entry_of_the_owner() {
        let mut list = vec![entry(1, 2, SELECT, SELECT)];
        let one = Grantee::Role(RoleIx(1));
        grant(&mut list, OWNER, one, SELECT);
        grant(&mut list, OWNER, one, INSERT);
        assert_eq!(
            list,
            [entry(1, 2, SELECT, SELECT), entry(1, 0, SELECT.union(INSERT), PrivilegeSet::NONE)]
        );
    }

    #[test]
    fn a_revoke_takes_the_grants_of_its_grantor_only() {
        let both = SELECT.union(INSERT);
        let list = [entry(1, 0, both, PrivilegeSet::NONE), entry(1, 2, SELECT, PrivilegeSet::NONE)];
        assert_eq!(
            take(&list, 1, 0, false),
            Ok(vec![entry(1, 0, INSERT, PrivilegeSet::NONE), entry(1, 2, SELECT, PrivilegeSet::NONE)])
        );
        assert_eq!(take(&list, 1, 3, false), Ok(list.to_vec()));
    }

    #[test]
    fn dependent_grants_need_cascade_and_go_in_any_depth() {
        let list = [
            entry(1, 0, SELECT, SELECT),
            entry(2, 1, SELECT, SELECT),
            entry(3, 2, SELECT, PrivilegeSet::NONE),
            entry(3, 0, SELECT, PrivilegeSet::NONE),
        ];
        assert_eq!(take(&list, 1, 0, false), Err(HasDependents));
        assert_eq!(take(&list, 1, 0, true), Ok(vec![entry(3, 0, SELECT, PrivilegeSet::NONE)]));
    }

    #[test]
    fn a_grant_option_from_elsewhere_keeps_dependent_grants() {
        let dependent = entry(3, 1, SELECT, PrivilegeSet::NONE);
        let list = [entry(1, 0, SELECT, SELECT), entry(1, 2, SELECT, SELECT), dependent];
        assert_eq!(take(&list, 1, 0, false), Ok(vec![entry(1, 2, SELECT, SELECT), dependent]));
        // Role 4 has it by inheritance from role 1, a superuser has it anyway.
        let of_heir = entry(3, 4, SELECT, PrivilegeSet::NONE);
        let list = [entry(1, 0, SELECT, SELECT), entry(4, 0, SELECT, SELECT), of_heir];
        assert_eq!(take(&list, 4, 0, false), Ok(vec![entry(1, 0, SELECT, SELECT), of_heir]));
        let of_superuser = entry(3, 5, SELECT, PrivilegeSet::NONE);
        assert_eq!(take(&[entry(5, 0, SELECT, SELECT), of_superuser], 5, 0, false), Ok(vec![of_superuser]));
    }

    #[test]
    fn lists_that_postgresql_does_not_make_come_to_an_end_too() {
        let twice = [entry(1, 0, SELECT, SELECT), entry(1, 0, SELECT, SELECT)];
        assert_eq!(take(&twice, 1, 0, false), Ok(vec![]));
        let in_a_circle =
            [entry(1, 0, SELECT, SELECT), entry(2, 1, SELECT, SELECT), entry(1, 2, SELECT, SELECT)];
        assert_eq!(take(&in_a_circle, 2, 1, true), Ok(vec![in_a_circle[0]]));
    }

    #[test]
    fn an_owner_keeps_its_grant_options() {
        let list = [entry(0, 0, SELECT, SELECT), entry(1, 0, SELECT, PrivilegeSet::NONE)];
        assert_eq!(take(&list, 0, 0, false), Ok(vec![entry(1, 0, SELECT, PrivilegeSet::NONE)]));
    }

    #[test]
    fn grantors_revoke_as_themselves_with_their_own_options_only() {
        let list = [entry(1, 0, SELECT, SELECT), entry(5, 0, SELECT, SELECT)];
        let reach = reach(6, &[(4, 1)], &[5]);
        let is_own = |role: u32, needed| is_own_grantor(&list, &reach, OWNER, RoleIx(role), needed);
        assert!(is_own(1, SELECT));
        assert!(!is_own(1, SELECT.union(INSERT)));
        assert!(!is_own(4, SELECT) && !is_own(5, SELECT) && !is_own(0, SELECT));
    }
}
