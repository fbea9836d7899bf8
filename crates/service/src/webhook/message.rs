//! The message to the receiver of a webhook about a run that ended.

use domesday_model::Instant;
use domesday_store::{NewMessage, RunRecord, RunState};
use serde_json::json;

use crate::runs::RunView;

/// Returns the message about a run that ended; none when there is no receiver.
pub(crate) fn run_message(has_receiver: bool, run: &RunRecord, at: Instant) -> Option<NewMessage> {
    if !has_receiver {
        return None;
    }
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
