//! One attempt at a run.
//!
//! The run itself is `domesday_run::run`, blocking, on a thread of its own. A cancelled run ends at its next stage, row
//! group or wait, with an error; it removes its spool and leaves the bucket with the snapshot and the manifest that it
//! had.

use domesday_delivery::{CallContext, CancelReason, DeliveryError};
use domesday_model::Instant;
use domesday_run::{RunError, RunReport};
use domesday_store::{Fence, NewMessage, PhaseDuration, RunRecord, Store, StoreError};
use serde_json::{Value, json};

use super::context::RunContext;
use super::lease::{Lease, RunCancellation};
use super::phases::Phases;
use super::progress::{ProgressReporter, report};
use crate::error::ServiceError;
use crate::exports::StoredExport;
use crate::machine::BlockingWork;
use crate::traces;

/// The outcome of an attempt.
pub(super) enum AttemptOutcome {
    /// Delivered.
    Succeeded(Box<RunReport>),
    /// Failed, with what the record says; whether trying again can help.
    Failed { kind: String, error: Value, is_retryable: bool },
    /// The database is away, busy or read-only: the run waits for it.
    DatabaseUnavailable { message: String },
    /// Cancelled by somebody.
    Cancelled,
    /// The service stops, or its lease ended.
    Interrupted,
    /// Another replica has the lease, and what this one did is not recorded.
    Superseded,
}

impl AttemptOutcome {
    /// Returns the name of the outcome for traces.
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Failed { .. } => "failed",
            Self::DatabaseUnavailable { .. } => "database unavailable",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "halted",
            Self::Superseded => "superseded",
        }
    }
}

/// Makes one attempt, and returns its outcome and how long its phases took.
pub(super) async fn attempt(
    context: &RunContext,
    stored: StoredExport,
    run: &RunRecord,
    at: Instant,
    lease: &Lease,
    traced: traces::Span,
) -> (AttemptOutcome, Vec<PhaseDuration>) {
    let reporter = ProgressReporter::new(context.clock.clone());
    let reported = reporter.clone();
    let (fence, cancellation) = (lease.fence.clone(), lease.cancellation.clone());
    let reporting = report(context.clone(), run.id, reporter.clone(), fence.clone(), cancellation.clone());
    let _reporting = AbortOnDrop(tokio::spawn(reporting));
    let (context, run) = (context.clone(), run.clone());
    let span = tracing::Span::current();
    let machine = context.clock.machine().clone();
    let work = move || {
        let mut phases = Phases::new(&context.traces, &traced);
        let ended = span
            .in_scope(|| blocking(&context, &stored, &run, at, fence, &cancellation, &reporter, &mut phases));
        if let AttemptOutcome::Failed { kind, .. } = &ended {
            phases.set_failed(kind);
        }
        ended
    };
    let outcome = match machine.run_blocking(BlockingWork::Attempt, work).await {
        Ok(ended) => ended,
        Err(_) => failed("internal", "the run ended unexpectedly; the log says where", "", false),
    };
    (outcome, reported.phases())
}

/// Aborts a task with what it belongs to.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Returns the outcome of a cancelled run.
fn cancelled(reason: CancelReason) -> AttemptOutcome {
    match reason {
        CancelReason::Requested => AttemptOutcome::Cancelled,
        CancelReason::Shutdown | CancelReason::LeaseLost => AttemptOutcome::Interrupted,
        // Another attempt would most likely take as long.
        CancelReason::DeadlineExceeded(_) => {
            let error = DeliveryError::Cancelled { reason };
            failed(error.kind(), &format!("the run: {}", error.problem()), &error.fix(), false)
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "what a run is made of, in one place")]
fn blocking(
    context: &RunContext,
    stored: &StoredExport,
    run: &RunRecord,
    at: Instant,
    fence: Fence,
    cancellation: &RunCancellation,
    reporter: &ProgressReporter,
    phases: &mut Phases<'_>,
) -> AttemptOutcome {
    let destination = match context.destinations.destination(stored) {
        Ok(destination) => destination,
        Err(problem) => return failed("configuration", &problem.to_string(), "", false),
    };
    let machine = context.clock.machine().call_context();
    let call_context = CallContext {
        cancellation: cancellation.token.with_deadline(&machine.clock, context.run_timeout),
        notices: reporter.notices(),
        ..machine
    };
    let export = domesday_run::Export {
        destination,
        layout: stored.configuration.layout(),
        settle: domesday_run::SETTLE,
        console_url: context.public_url.to_string(),
        part_bytes: None,
        trigger: run.trigger.clone(),
        actor: run.actor.clone(),
        fence: Some(fence),
        call_context,
    };
    let mut store = match context.pool.connect() {
        Ok(store) => store,
        Err(error) => return store_failed(&error),
    };
    let span = tracing::Span::current();
    let mut progress = |stage| {
        // Tables are encoded on threads that know nothing of the run.
        span.in_scope(|| tracing::debug!(?stage, "run"));
        phases.enter(stage);
        reporter.enter(stage);
    };
    match domesday_run::run(&export, &mut store, at, &mut progress) {
        Ok(report) => AttemptOutcome::Succeeded(Box::new(report)),
        Err(RunError::Cancelled { reason }) => cancelled(reason),
        Err(RunError::Delivery(error)) => {
            let kind = error.kind();
            let mut outcome = failed(kind, &error.problem(), &error.fix(), error.is_retryable());
            if let (Some(answer), AttemptOutcome::Failed { error, .. }) = (error.response(), &mut outcome) {
                error["service"] = json!({
                    "name": answer.service,
                    "status": answer.status,
                    "code": answer.code,
                    "message": answer.message,
                    "requestId": answer.request_id,
                });
            }
            outcome
        }
        Err(RunError::Store(StoreError::Superseded { .. })) => AttemptOutcome::Superseded,
        Err(RunError::Store(error)) => store_failed(&error),
        Err(error) => failed("encode", &error.to_string(), "", false),
    }
}

/// Returns the outcome of a run whose database failed.
fn store_failed(error: &StoreError) -> AttemptOutcome {
    if error.is_transient() {
        return AttemptOutcome::DatabaseUnavailable { message: error.to_string() };
    }
    failed("store", &error.to_string(), "", true)
}

fn failed(kind: &str, message: &str, fix: &str, is_retryable: bool) -> AttemptOutcome {
    let mut error = json!({ "kind": kind, "message": message });
    if !fix.is_empty() {
        error["fix"] = fix.into();
    }
    AttemptOutcome::Failed { kind: kind.to_owned(), error, is_retryable }
}

/// Whether a record was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Saved {
    Written,
    /// Another replica has the lease: nothing was written.
    Superseded,
}

/// Writes the record of a run, and with its end the message about it.
pub(super) async fn save(
    context: &RunContext,
    run: &RunRecord,
    message: Option<NewMessage>,
    fence: &Fence,
) -> Result<Saved, ServiceError> {
    let (run, fence) = (run.clone(), fence.clone());
    let write = move |store: &mut Store| match store.end_run(&run, message.as_ref(), &fence) {
        Ok(()) => Ok(Saved::Written),
        Err(StoreError::Superseded { .. }) => Ok(Saved::Superseded),
        Err(error) => Err(ServiceError::from(error)),
    };
    context.pool.with(write).await
}
