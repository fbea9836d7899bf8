//! Compares what the roles of a user can with what policies say of the user (`docs/drift.md`, "Tables").

use domesday_model::privileges::RoleIx;
use domesday_model::{Scope, UserIx};

use crate::class_table::{ClassTable, Ruling};
use crate::kinds::FindingKind;
use crate::relation_groups::{GroupFinding, RelationGroup};

/// The columns that a role can reach; `None` means all.
pub(crate) type Columns<'a> = Option<&'a [u32]>;

/// What a group says of one user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) group: &'a RelationGroup,
    pub(crate) table: &'a ClassTable,
}

impl Judge<'_> {
    /// Returns the positions of the columns that are masked for a user, ascending.
    pub(crate) fn masked(&self, user: UserIx) -> Vec<u32> {
        let slots = self.table.masked(user).iter();
        let mut masked: Vec<u32> = slots.filter_map(|slot| self.group.slots[*slot as usize]).collect();
        masked.sort_unstable();
        masked
    }

    /// Whether every column of a table is masked for a user, so that no grant is due.
    fn is_all_masked(&self, user: UserIx) -> bool {
        let count = self.group.offsets.len();
        self.group.is_maskable && count > 0 && self.masked(user).len() == count
    }

    /// Finds where what a user can differs from what policies say. `roles` are theirs, by name; `access` returns what one
    /// of them can reach.
    pub(crate) fn find_for_user<'r>(
        &self,
        user: UserIx,
        roles: &[RoleIx],
        may_log_in: impl Fn(RoleIx) -> bool,
        access: impl Fn(RoleIx, Scope) -> Option<Columns<'r>>,
        found: &mut Vec<GroupFinding>,
    ) {
        for scope in Scope::ALL {
            let finding = |kind, role, column| GroupFinding { kind, scope, role, user: Some(user), column };
            let ruling = self.table.ruling(user, scope);
            if ruling != Ruling::Granted {
                let kind =
                    if ruling == Ruling::None { FindingKind::Excess } else { FindingKind::ExcessBlocked };
                let can = roles.iter().filter(|role| access(**role, scope).is_some());
                found.extend(can.map(|role| finding(kind, Some(*role), None)));
                continue;
            }
            let Some(first) = roles.iter().copied().find(|role| access(*role, scope).is_some()) else {
                if scope == Scope::Write || !self.is_all_masked(user) {
                    let named = roles.iter().copied().find(|role| may_log_in(*role));
                    found.push(finding(FindingKind::Missing, named, None));
                }
                continue;
            };
            if scope == Scope::Read {
                self.find_columns(user, roles, first, |role| access(role, scope), finding, found);
            }
        }
    }

    /// Finds the columns that a reader can read and should not, or cannot and should.
    fn find_columns<'r>(
        &self,
        user: UserIx,
        roles: &[RoleIx],
        first: RoleIx,
        access: impl Fn(RoleIx) -> Option<Columns<'r>>,
        finding: impl Fn(FindingKind, Option<RoleIx>, Option<u32>) -> GroupFinding,
        found: &mut Vec<GroupFinding>,
    ) {
        let masked = self.masked(user);
        let readers = roles.iter().filter_map(|role| Some((*role, access(*role)?)));
        let reads =
            |columns: Columns<'_>, column: &u32| columns.is_none_or(|columns| columns.contains(column));
        if self.group.is_maskable && !masked.is_empty() {
            for (role, columns) in readers.clone() {
                for column in masked.iter().filter(|column| reads(columns, column)) {
                    found.push(finding(FindingKind::UnmaskedColumn, Some(role), Some(*column)));
                }
            }
        }
        if readers.clone().any(|(_, columns)| columns.is_none()) {
            return;
        }
        for (column, offset) in (0..).zip(&self.group.offsets) {
            let is_due = offset.is_some() && masked.binary_search(&column).is_err();
            if is_due && !readers.clone().any(|(_, columns)| reads(columns, &column)) {
                found.push(finding(FindingKind::Partial, Some(first), Some(column)));
            }
        }
    }
}
