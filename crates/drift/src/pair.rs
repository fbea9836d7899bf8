//! What the database allows one user on one data source.

use domesday_actual::RoleAccess;
use domesday_model::privileges::{RelationIx, RoleIx};
use domesday_model::{DataSourceIx, Scope, UserIx};

use crate::drift::Drift;
use crate::finding::Finding;
use crate::kinds::Lack;

/// What the database allows one user on one data source.
#[derive(Debug, Clone)]
pub struct PairAccess<'d> {
    /// The relation that the data source is.
    pub relation: RelationIx,
    /// Reading.
    pub read: ScopeAccess<'d>,
    /// Writing.
    pub write: ScopeAccess<'d>,
    /// What differs from what policies say.
    pub findings: Vec<Finding<'d>>,
}

/// What the database allows one user on one data source in one scope.
#[derive(Debug, Clone)]
pub struct ScopeAccess<'d> {
    /// The roles of the user that can, by name.
    pub roles: Vec<(RoleIx, &'d RoleAccess)>,
    /// What is lacking where none can.
    pub lack: Option<Lack>,
}

impl Drift {
    /// Returns what the database allows a user on a data source; none for a data source of another database.
    #[must_use]
    pub fn pair(&self, user: UserIx, source: DataSourceIx) -> Option<PairAccess<'_>> {
        let found = self.order.binary_search_by_key(&source, |(source, _, _)| *source).ok()?;
        let (_, group, relation) = self.order[found];
        let of_group = &self.groups[group as usize];
        let scope = |scope| {
            let access = |role: &RoleIx| self.access.role_access(of_group.class, scope, *role);
            let roles: Vec<_> =
                self.roles_of(user).iter().filter_map(|role| Some((*role, access(role)?))).collect();
            let first = self.roles_of(user).iter().copied().find(|role| self.reach.may_log_in(*role));
            let lack = roles.is_empty().then(|| self.lack(user, first, relation, scope));
            ScopeAccess { roles, lack }
        };
        let findings = (0..of_group.findings.len())
            .filter(|position| of_group.findings[*position].user == Some(user))
            .map(|position| Finding::new(self, group, position, relation, source));
        Some(PairAccess {
            relation,
            read: scope(Scope::Read),
            write: scope(Scope::Write),
            findings: findings.collect(),
        })
    }
}
