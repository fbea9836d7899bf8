//! What the connected databases really allow, beside the answer of the policies.

use domesday_drift::Drift;
use domesday_model::{DataSourceIx, Scope, UserIx};
use domesday_service::drift::PairView;

use crate::console::drift::words::way;
use crate::console::times::{Calendar, TimeView};

/// What a database allows a user on a data source, in one scope.
pub(super) struct ActualView {
    pub(super) connection: String,
    pub(super) observed: TimeView,
    pub(super) roles: Vec<ActualRole>,
    /// What is lacking where no role can; empty where one can.
    pub(super) lack: String,
    /// Where this differs from the policies, a sentence each.
    pub(super) findings: Vec<String>,
}

/// A role of the user that can.
pub(super) struct ActualRole {
    pub(super) name: String,
    pub(super) way: String,
    /// The columns that it reaches; empty for all.
    pub(super) columns: String,
    pub(super) is_row_filtered: bool,
}

/// Returns what each database allows; nothing for a data source of no connected database.
pub(super) fn actual_access(
    drifts: &[Drift],
    user: UserIx,
    source: DataSourceIx,
    scope: Scope,
    calendar: &Calendar,
) -> Vec<ActualView> {
    let view = |pair: PairView| {
        let found = pair.scopes.into_iter().find(|it| it.scope == scope.as_str())?;
        let roles = found.roles.into_iter().map(|role| ActualRole {
            way: way(&role.via),
            name: role.role_name,
            columns: role.columns.map_or_else(String::new, |columns| columns.join(", ")),
            is_row_filtered: role.is_row_filtered,
        });
        Some(ActualView {
            connection: pair.connection,
            observed: calendar.time(pair.observed_at),
            roles: roles.collect(),
            lack: found.lack.unwrap_or_default(),
            findings: pair.findings,
        })
    };
    PairView::find(drifts, user, source).into_iter().filter_map(view).collect()
}
