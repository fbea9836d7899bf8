//! Which findings are asked for.

use domesday_drift::{Drift, Finding, FindingKind};
use domesday_model::privileges::RoleIx;
use domesday_model::{DataSourceIx, UserIx};

/// Which findings are asked for; each part that is none admits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingFilter {
    /// Those of a connection, by name.
    pub connection: Option<String>,
    /// Those of a kind.
    pub kind: Option<FindingKind>,
    /// Those about a data source, by name.
    pub data_source: Option<String>,
    /// Those about a user, by username.
    pub user: Option<String>,
    /// Those about a role of the database, by name.
    pub role: Option<String>,
}

impl FindingFilter {
    /// Resolves the names for one database; none when nothing of it can match.
    pub(super) fn of(&self, drift: &Drift) -> Option<Selected> {
        if self.connection.as_ref().is_some_and(|name| *name != drift.database().connection) {
            return None;
        }
        let snapshot = drift.snapshot();
        let source = match &self.data_source {
            None => None,
            Some(name) => Some(snapshot.data_source(name)?),
        };
        let user = match &self.user {
            None => None,
            Some(name) => Some(snapshot.user(name)?),
        };
        let role = match &self.role {
            None => None,
            Some(name) => Some(find_role(drift, name)?),
        };
        Some(Selected { kind: self.kind, source, user, role })
    }
}

/// Finds a role of a database by name.
fn find_role(drift: &Drift, name: &str) -> Option<RoleIx> {
    let roles = &drift.database().privileges.roles;
    roles.iter().position(|role| role.name == name).map(RoleIx::from_position)
}

/// Whether one of the databases has a role with a name.
#[must_use]
pub fn has_role(drifts: &[Drift], name: &str) -> bool {
    drifts.iter().any(|drift| find_role(drift, name).is_some())
}

/// A filter with its names resolved.
#[derive(Debug, Clone, Copy)]
pub(super) struct Selected {
    kind: Option<FindingKind>,
    source: Option<DataSourceIx>,
    user: Option<UserIx>,
    role: Option<RoleIx>,
}

impl Selected {
    pub(super) fn admits(self, finding: &Finding<'_>) -> bool {
        self.kind.is_none_or(|kind| finding.kind == kind)
            && self.source.is_none_or(|source| finding.source == source)
            && self.user.is_none_or(|user| finding.user == Some(user))
            && self.role.is_none_or(|role| finding.role == Some(role))
    }
}
