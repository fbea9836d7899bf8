//! One run, from its lease to its record.
//!
//! The run itself is `domesday_run::run`, blocking, on a thread of its own. A cancelled run ends at its next stage, row
//! group or wait, with an error; it removes its spool and leaves the bucket with the snapshot and the manifest that it
//! had.

use domesday_delivery::{CancelReason, DeliveryError, Supervision};
use domesday_model::Instant;
use domesday_run::{RunError, RunReport};
use domesday_store::{Fence, NewMessage, RunRecord, Store, StoreError, StoredExport};
use serde_json::{Value, json};

use super::lease::{Halt, Lease};
use super::live::{Live, report};
use super::phases::Phases;
use crate::export;
use crate::problem::Problem;
use crate::service::App;
use crate::traces;

/// How an attempt ended.
pub(super) enum Ended {
    /// Delivered.
    Succeeded(Box<RunReport>),
    /// Failed, with what the record says; whether trying again can help.
    Failed { kind: String, error: Value, heals: bool },
    /// The database is away, busy or read-only: the run waits for it.
    DatabaseUnavailable { message: String },
    /// Cancelled by somebody.
    Cancelled,
    /// The service stops, or its lease ended.
    Halted,
    /// Another replica has the lease, and what this one did is not recorded.
    Superseded,
}

impl Ended {
    /// How, in a word.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Failed { .. } => "failed",
            Self::DatabaseUnavailable { .. } => "database unavailable",
            Self::Cancelled => "cancelled",
            Self::Halted => "halted",
            Self::Superseded => "superseded",
        }
    }
}

/// Makes one attempt.
pub(super) async fn attempt(
    app: &App,
    stored: StoredExport,
    run: &RunRecord,
    at: Instant,
    lease: &Lease,
    traced: traces::Span,
) -> Ended {
    let live = Live::new(app.clock.clone());
    let (fence, halt) = (lease.fence.clone(), lease.halt.clone());
    let reporting = report(app.clone(), run.id, live.clone(), fence.clone(), halt.clone());
    let _reporting = AbortOnDrop(tokio::spawn(reporting));
    let (app, run) = (app.clone(), run.clone());
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || {
        let mut phases = Phases::new(&app.traces, &traced);
        let ended = span.in_scope(|| blocking(&app, &stored, &run, at, fence, &halt, &live, &mut phases));
        if let Ended::Failed { kind, .. } = &ended {
            phases.failed(kind);
        }
        ended
    });
    match task.await {
        Ok(ended) => ended,
        Err(_) => failed("internal", "the run broke off; the log says where", "", false),
    }
}

/// Aborts a task with what it belongs to.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How a run ended that was cancelled.
fn cancelled(reason: CancelReason) -> Ended {
    match reason {
        CancelReason::Requested => Ended::Cancelled,
        CancelReason::Shutdown | CancelReason::LeaseLost => Ended::Halted,
        // Another attempt would most likely take as long.
        CancelReason::DeadlineExceeded(_) => {
            let error = DeliveryError::Cancelled { reason };
            failed(error.kind(), &format!("the run: {}", error.problem()), &error.fix(), false)
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "what a run is made of, in one place")]
fn blocking(
    app: &App,
    stored: &StoredExport,
    run: &RunRecord,
    at: Instant,
    fence: Fence,
    halt: &Halt,
    live: &Live,
    phases: &mut Phases<'_>,
) -> Ended {
    let target = match export::target(app, stored) {
        Ok(target) => target,
        Err(problem) => return failed("configuration", &problem.to_string(), "", false),
    };
    let clock = domesday_delivery::Clock::system();
    let supervision = Supervision {
        cancellation: halt.cancellation.with_deadline(&clock, app.config.run_timeout),
        clock,
        notices: live.notices(),
    };
    let export = domesday_run::Export {
        target,
        layout: export::layout(&stored.document),
        settle: domesday_run::SETTLE,
        console_url: app.config.public_url.clone(),
        trigger: run.trigger.clone(),
        actor: run.actor.clone(),
        fence: Some(fence),
        supervision,
    };
    let mut store = match app.config.database.open() {
        Ok(store) => store,
        Err(error) => return store_failed(&error),
    };
    let span = tracing::Span::current();
    let mut progress = |stage| {
        // Tables are encoded on threads that know nothing of the run.
        span.in_scope(|| tracing::debug!(?stage, "run"));
        phases.come_to(stage);
        live.enter(stage);
    };
    match domesday_run::run(&export, &mut store, at, &mut progress) {
        Ok(report) => Ended::Succeeded(Box::new(report)),
        Err(RunError::Cancelled { reason }) => cancelled(reason),
        Err(RunError::Delivery(error)) => {
            let kind = error.kind();
            let mut ended = failed(kind, &error.problem(), &error.fix(), error.heals());
            if let (Some(answer), Ended::Failed { error, .. }) = (error.answer(), &mut ended) {
                error["service"] = json!({
                    "name": answer.service,
                    "status": answer.status,
                    "code": answer.code,
                    "message": answer.message,
                    "requestId": answer.request_id,
                });
            }
            ended
        }
        Err(RunError::Store(StoreError::Superseded { .. })) => Ended::Superseded,
        Err(RunError::Store(error)) => store_failed(&error),
        Err(error) => failed("encode", &error.to_string(), "", false),
    }
}

/// How a run ended that the database failed.
fn store_failed(error: &StoreError) -> Ended {
    if error.is_transient() {
        return Ended::DatabaseUnavailable { message: error.to_string() };
    }
    failed("store", &error.to_string(), "", true)
}

fn failed(kind: &str, message: &str, fix: &str, heals: bool) -> Ended {
    let mut error = json!({ "kind": kind, "message": message });
    if !fix.is_empty() {
        error["fix"] = fix.into();
    }
    Ended::Failed { kind: kind.to_owned(), error, heals }
}

/// Whether something was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saved {
    Written,
    /// Another replica has the lease: nothing was written.
    Superseded,
}

/// Writes how a run goes, and with its end the message that tells of it.
pub(super) async fn save(
    app: &App,
    run: &RunRecord,
    message: Option<NewMessage>,
    fence: &Fence,
) -> Result<Saved, Problem> {
    let (run, fence) = (run.clone(), fence.clone());
    let write = move |store: &mut Store| match store.end_run(&run, message.as_ref(), &fence) {
        Ok(()) => Ok(Saved::Written),
        Err(StoreError::Superseded { .. }) => Ok(Saved::Superseded),
        Err(error) => Err(Problem::from(error)),
    };
    app.pool.with(write).await
}
