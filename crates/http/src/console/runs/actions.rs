//! Starting and cancelling runs.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use domesday_model::Instant;
use domesday_service::ServiceError;
use domesday_service::caller::Caller;
use domesday_service::idempotency::{IdempotencyKey, create_once};
use domesday_service::runs;
use domesday_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::query::PATH;
use super::{GOVERNANCE, no_such_run, parse_id};
use crate::console::confirm::Confirmation;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::see_other;
use crate::console::signed_in::SignedIn;
use crate::state::App;

/// What a run that was started leaves for the form being sent again.
#[derive(Debug, Serialize, Deserialize)]
struct StartedRun {
    id: Uuid,
}

/// Starts a run.
pub(super) async fn start(
    State(app): State<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<Response, Failure> {
    let key = IdempotencyKey::new(form.get("once"), &signed_in.caller, PATH, &[]);
    let key = key.map_err(|error| ServiceError::invalid(error.to_string()))?;
    let sealer = Arc::clone(&app.service.sealer);
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, ServiceError> {
        create_once(store, &sealer, Some(&key), now, |store| {
            Ok(StartedRun { id: runs::start(store, caller, now)?.id })
        })
    };
    match app.service.write(signed_in.caller_for(GOVERNANCE), work).await {
        Ok(run) => {
            app.service.signals.scheduler_wake.notify_one();
            Ok(see_other(&format!("{PATH}/{}?started", run.id)))
        }
        Err(ServiceError::Store(StoreError::RunUnderWay { run })) => {
            Ok(see_other(&format!("{PATH}/{run}?already")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks whether a run is to be cancelled.
pub(super) async fn confirm_cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    GOVERNANCE.check(&signed_in.caller)?;
    let uuid = parse_id(&id)?;
    let read = move |store: &mut Store| -> Result<_, Failure> {
        Ok(store.run(uuid)?.ok_or_else(|| no_such_run(&id))?)
    };
    let run = app.service.pool.with(read).await?;
    let begun = signed_in.shell.calendar.full(run.started_at.unwrap_or(run.created_at)).text;
    let address = format!("{PATH}/{uuid}");
    let question = Confirmation {
        title: format!("Cancel the run of {begun}?"),
        text: "It ends within seconds, whatever it waits for, and what it made so far is lost. The summary that was \
               delivered before stays as it is."
            .to_owned(),
        action: format!("{address}/cancel"),
        back: address,
        verb: "Cancel run",
        ..Confirmation::default()
    };
    Ok(question.ask(signed_in.shell))
}

/// Cancels a run.
pub(super) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    signed_in: SignedIn,
) -> Result<Response, Failure> {
    let (id, has_webhook) = (parse_id(&id)?, app.service.config.webhook.is_some());
    let work = move |store: &mut Store, caller: &Caller, now: Instant| -> Result<_, Failure> {
        Ok(runs::cancel(store, caller, id, has_webhook, now)?)
    };
    app.service.write(signed_in.caller_for(GOVERNANCE), work).await?;
    let signals = &app.service.signals;
    signals.cancel_wake.notify_one();
    signals.scheduler_wake.notify_one();
    signals.webhook_wake.notify_one();
    Ok(see_other(&format!("{PATH}/{id}?cancelled")))
}
