//! The first steps after the first start, until each is done.

use domesday_model::{Kind, Permission, UserId, UserStatus};
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_store::Store;

use super::errors::Failure;
use crate::state::AppState;

/// How many governors are asked for a way to sign in.
const MAX_GOVERNORS: usize = 50;

/// A first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FirstStep {
    /// What to do.
    pub(super) title: &'static str,
    /// Why, in a sentence.
    pub(super) text: &'static str,
    /// Where it is done.
    pub(super) path: &'static str,
    /// The name of the link to there.
    pub(super) action: &'static str,
    pub(super) is_done: bool,
}

/// Returns the first steps that the caller can take, in their order; none when all of them are done.
///
/// # Errors
/// When the store fails.
pub(super) async fn first_steps(app: &AppState, caller: &Caller) -> Result<Vec<FirstStep>, Failure> {
    if !caller.has(Permission::Governance) {
        return Ok(Vec::new());
    }
    let read = |store: &mut Store| -> Result<_, ServiceError> {
        let (_, sources) = store.objects(Kind::DataSource, None, 0)?;
        let (_, users) = store.objects(Kind::User, None, 0)?;
        Ok((sources > 0, users > 0, !store.export_ids()?.is_empty()))
    };
    let (has_sources, has_users, has_export) = app.service.pool.with(read).await?;
    let mut steps = Vec::with_capacity(3);
    if caller.has(Permission::UserAdmin) {
        steps.push(FirstStep {
            title: "Load a catalog",
            text: "Users, groups, data sources and policies, from files or from the example company.",
            path: "/console/catalog",
            action: "Load a catalog",
            is_done: has_sources && has_users,
        });
    }
    // The operator's key neither asks for access nor decides requests.
    if caller.is_operator() {
        steps.push(FirstStep {
            title: "Make a governor",
            text: "A user with GOVERNANCE, who then works in place of the administrator.",
            path: "/console/governor",
            action: "Make a governor",
            is_done: has_users && has_governor(app, caller.revision).await?,
        });
    }
    steps.push(FirstStep {
        title: "Set up the export",
        text: "Where the access summary goes each night, and with which credentials.",
        path: "/console/export/setup",
        action: "Set up the export",
        is_done: has_export,
    });
    if steps.iter().all(|step| step.is_done) {
        steps.clear();
    }
    Ok(steps)
}

/// Whether a user with GOVERNANCE can sign in.
async fn has_governor(app: &AppState, revision: u64) -> Result<bool, Failure> {
    let evaluation = app.service.evaluations.current(revision).await?;
    let is_governor = |status: UserStatus, has: &[Permission]| {
        status == UserStatus::Active && has.contains(&Permission::Governance)
    };
    let users = evaluation.snapshot().users.iter();
    let governors = users.filter(|user| is_governor(user.status, &user.permissions)).map(|user| user.id);
    let governors: Vec<UserId> = governors.take(MAX_GOVERNORS).collect();
    let now = app.service.now();
    let read = move |store: &mut Store| -> Result<_, ServiceError> {
        for governor in governors {
            if store.api_keys_of(Some(governor))?.iter().any(|key| key.is_valid(now)) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    Ok(app.service.pool.with(read).await?)
}
