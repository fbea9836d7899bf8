//! Starting and cancelling a run by hand.

use domesday_model::Instant;
use domesday_store::{NewRun, RunRecord, Store};
use uuid::Uuid;

use crate::caller::Caller;
use crate::error::ServiceError;
use crate::exports::{DEFAULT_EXPORT, StoredExport};
use crate::webhook::run_message;

/// Queues a run of the export.
///
/// # Errors
/// [`ServiceError::Conflict`] when no export is configured, or a run is under way.
pub fn start(store: &mut Store, caller: &Caller, now: Instant) -> Result<RunRecord, ServiceError> {
    let export: Option<StoredExport> = store.export(DEFAULT_EXPORT)?;
    if export.is_none() {
        return Err(ServiceError::conflict("no export is configured, so there is nothing to run"));
    }
    let new = NewRun {
        id: Uuid::new_v4(),
        export_id: DEFAULT_EXPORT.to_owned(),
        trigger: "manual".to_owned(),
        scheduled_for: None,
    };
    let run = caller.change(now, |change| store.create_run(&new, change))?;
    run.ok_or_else(|| ServiceError::internal(&"a run without a time of the schedule was taken for another"))
}

/// Cancels a run: one that waits has ended with this call, one that is under way ends within seconds.
///
/// # Errors
/// [`ServiceError::NotFound`] when there is no such run, [`ServiceError::Conflict`] when it has ended already.
pub fn cancel(
    store: &mut Store,
    caller: &Caller,
    id: Uuid,
    has_webhook: bool,
    now: Instant,
) -> Result<RunRecord, ServiceError> {
    if store.run(id)?.is_none() {
        return Err(ServiceError::not_found(format!("there is no run `{id}`")));
    }
    let message = |run: &RunRecord| run_message(has_webhook, run, now);
    let (run, is_changed) = caller.change(now, |change| store.cancel_run(id, change, message))?;
    if run.state.is_final() && !is_changed {
        let message = format!("the run has ended already: it is {}", run.state);
        return Err(ServiceError::conflict(message).with("state", run.state.as_str()));
    }
    Ok(run)
}
