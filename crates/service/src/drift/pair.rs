//! What a database really allows one user on one data source, beside what the policies say.

use domesday_drift::{Drift, ScopeAccess};
use domesday_model::privileges::RelationIx;
use domesday_model::{DataSourceIx, Instant, Scope, UserIx};
use schemars::JsonSchema;
use serde::Serialize;

/// What a database allows a user on a data source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ActualAccess")]
pub struct PairView {
    /// The connection that read the database.
    pub connection: String,
    /// When the database was read.
    #[schemars(with = "String")]
    pub observed_at: Instant,
    /// Reading and writing.
    pub scopes: Vec<ScopeView>,
    /// Where this differs from the policies, a sentence each.
    pub findings: Vec<String>,
}

/// What a database allows in one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ActualScope")]
pub struct ScopeView {
    /// READ or WRITE.
    pub scope: String,
    /// The roles of the user that can.
    pub roles: Vec<RoleView>,
    /// What is lacking where none can.
    pub lack: Option<String>,
}

/// A role of a user that can.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ActualRole")]
pub struct RoleView {
    /// The role.
    pub role_name: String,
    /// A shortest way: SUPERUSER, OWNER, DIRECT or PUBLIC, or the names of the roles passed.
    pub via: Vec<String>,
    /// The columns that it reaches; null means all.
    pub columns: Option<Vec<String>>,
    /// Whether row security binds the role here.
    pub is_row_filtered: bool,
}

impl PairView {
    /// Finds what the databases allow a user on a data source; none for a data source of no connected database.
    #[must_use]
    pub fn find(drifts: &[Drift], user: UserIx, source: DataSourceIx) -> Vec<Self> {
        drifts.iter().filter_map(|drift| Self::of(drift, user, source)).collect()
    }

    fn of(drift: &Drift, user: UserIx, source: DataSourceIx) -> Option<Self> {
        let pair = drift.pair(user, source)?;
        let database = drift.database();
        Some(Self {
            connection: database.connection.clone(),
            observed_at: database.privileges.observed_at,
            scopes: vec![
                ScopeView::of(drift, &pair.read, pair.relation, Scope::Read),
                ScopeView::of(drift, &pair.write, pair.relation, Scope::Write),
            ],
            findings: pair.findings.iter().map(domesday_drift::Finding::detail).collect(),
        })
    }
}

impl ScopeView {
    fn of(drift: &Drift, access: &ScopeAccess<'_>, relation: RelationIx, scope: Scope) -> Self {
        let privileges = &drift.database().privileges;
        let columns = &privileges.relations[relation.get()].columns;
        let name = |role: domesday_model::privileges::RoleIx| privileges.roles[role.get()].name.as_str();
        let roles = access.roles.iter().map(|(role, access)| RoleView {
            role_name: name(*role).to_owned(),
            via: access.path.words(name).into_iter().map(str::to_owned).collect(),
            columns: access
                .columns
                .as_deref()
                .map(|reached| reached.iter().map(|column| columns[*column as usize].name.clone()).collect()),
            is_row_filtered: access.is_row_filtered,
        });
        Self {
            scope: scope.as_str().to_owned(),
            roles: roles.collect(),
            lack: access.lack.map(|lack| drift.lack_text(lack, relation, scope)),
        }
    }
}
