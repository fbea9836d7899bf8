//! One finding, as a row shows it.

use domesday_actual::{AccessPath, RoleAccess};
use domesday_model::privileges::{RelationIx, RoleIx};
use domesday_model::{ColumnIx, DataSourceIx, PolicyId, PolicyIx, Scope, UserIx};

use crate::column_path::column_path;
use crate::drift::Drift;
use crate::kinds::{FindingKind, Lack};
use crate::relation_groups::{GroupFinding, RelationGroup};

/// A difference between policy and database.
#[derive(Debug, Clone, Copy)]
pub struct Finding<'d> {
    pub(crate) drift: &'d Drift,
    pub(crate) group: u32,
    pub(crate) position: usize,
    /// Its kind.
    pub kind: FindingKind,
    /// The role that can; for MISSING and PARTIAL the one that the row names.
    pub role: Option<RoleIx>,
    /// The user to whom the role belongs, or who lacks access.
    pub user: Option<UserIx>,
    /// The data source.
    pub source: DataSourceIx,
    /// The relation that it is.
    pub relation: RelationIx,
    /// The column, of UNMASKED_COLUMN and PARTIAL.
    pub column: Option<ColumnIx>,
    /// Reading or writing.
    pub scope: Scope,
}

impl Drift {
    /// Iterates over the findings: by data source; in each those of users in index order, reading before writing; then
    /// those of unmapped roles by name.
    pub fn findings(&self) -> impl Iterator<Item = Finding<'_>> {
        self.order.iter().flat_map(move |(source, group, relation)| {
            let findings = self.groups[*group as usize].findings.len();
            (0..findings).map(move |position| Finding::new(self, *group, position, *relation, *source))
        })
    }

    /// Returns a finding of a group, by their positions, about the first relation of the group. What it says of its role,
    /// user, path, guardrails and position of the column is the same for every relation of the group.
    ///
    /// # Panics
    /// When there is no such finding.
    #[must_use]
    pub fn group_finding(&self, group: u32, position: usize) -> Finding<'_> {
        let (relation, source) = self.groups[group as usize].relations[0];
        Finding::new(self, group, position, relation, source)
    }
}

impl<'d> Finding<'d> {
    pub(crate) fn new(
        drift: &'d Drift,
        group: u32,
        position: usize,
        relation: RelationIx,
        source: DataSourceIx,
    ) -> Self {
        let of_group = &drift.groups[group as usize];
        let GroupFinding { kind, scope, role, user, column } = of_group.findings[position];
        let column = column.and_then(|column| of_group.column(drift.snapshot(), source, column));
        Self { drift, group, position, kind, role, user, source, relation, column, scope }
    }

    /// Returns the database that it is of, compared with the outcomes.
    #[must_use]
    pub fn drift(&self) -> &'d Drift {
        self.drift
    }

    /// Returns the position of the column among those of the relation, of UNMASKED_COLUMN and PARTIAL.
    #[must_use]
    pub fn column_position(&self) -> Option<u32> {
        self.in_group().column
    }

    pub(crate) fn group(&self) -> &'d RelationGroup {
        &self.drift.groups[self.group as usize]
    }

    pub(crate) fn in_group(&self) -> GroupFinding {
        self.group().findings[self.position]
    }

    /// Returns what the role can do with the relation; none for MISSING.
    #[must_use]
    pub fn access(&self) -> Option<&'d RoleAccess> {
        self.drift.access.role_access(self.group().class, self.scope, self.role?)
    }

    /// Returns a shortest path by which the role can: for UNMASKED_COLUMN to the column, otherwise to the relation. None for
    /// MISSING.
    #[must_use]
    pub fn via(&self) -> Option<AccessPath> {
        match (self.kind, self.role, self.in_group().column) {
            (FindingKind::UnmaskedColumn, Some(role), Some(column)) => {
                column_path(self.drift, self.relation, role, column)
            }
            _ => self.access().map(|access| access.path.clone()),
        }
    }

    /// Returns the path as the table shows it; see [`AccessPath::words`].
    #[must_use]
    pub fn via_words(&self) -> Option<Vec<&'d str>> {
        let path = self.via()?;
        let drift = self.drift;
        Some(path.words(|role| drift.role_name(role)))
    }

    /// Returns the guardrails that block the user, in id order; none but for EXCESS_BLOCKED.
    #[must_use]
    pub fn guardrails(&self) -> &'d [PolicyIx] {
        let Some(user) = self.user.filter(|_| self.kind == FindingKind::ExcessBlocked) else { return &[] };
        self.group().blocking.get(&(user, self.scope)).map_or(&[], |guardrails| guardrails)
    }

    /// Returns the ids of the guardrails that block the user.
    #[must_use]
    pub fn guardrail_ids(&self) -> Vec<PolicyId> {
        let policies = &self.drift.snapshot().policies;
        self.guardrails().iter().map(|policy| policies[policy.get()].id).collect()
    }

    /// Returns what the user lacks; none but for MISSING.
    #[must_use]
    pub fn lack(&self) -> Option<Lack> {
        let user = self.user.filter(|_| self.kind == FindingKind::Missing)?;
        Some(self.drift.lack(user, self.role, self.relation, self.scope))
    }
}
