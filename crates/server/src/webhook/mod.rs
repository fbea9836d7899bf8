//! Telling somebody of a run: a message signed as Standard Webhooks has it, sent again when it is not taken.
//!
//! A message is written into the store in the transaction that ends its run ([`message`]) and sent from there
//! ([`keep`]): what a process did not get to, the next one does. `webhook-signature` is `v1,` and the base64 of
//! HMAC-SHA256 over `id.timestamp.body`; the id stays the same when a message is sent again, so that a receiver can
//! tell.

mod http_date;
mod outbox;
mod post;

use domesday_model::Instant;
use domesday_store::{NewMessage, RunRecord, RunState};
use serde_json::json;

use crate::runs::RunView;
use crate::service::App;

pub(crate) use outbox::keep;

/// What tells the receiver, if there is one, that a run ended.
pub(crate) fn message(app: &App, run: &RunRecord, at: Instant) -> Option<NewMessage> {
    app.config.webhook.as_ref()?;
    let kind = match run.state {
        RunState::Succeeded => "run.succeeded",
        RunState::Cancelled => "run.cancelled",
        _ => "run.failed",
    };
    let view = RunView::from(run.clone());
    let body = json!({ "type": kind, "timestamp": at.to_string(), "data": view }).to_string();
    // A run ends once, so its id makes the message's: recorded twice, it would still be one.
    Some(NewMessage { id: format!("msg_{}", run.id.simple()), run_id: run.id, body, at })
}
