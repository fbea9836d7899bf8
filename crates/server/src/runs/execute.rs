//! One run, from its lease to its record.
//!
//! The run itself is `domesday_run::run`, blocking, on a thread of its own. It is told to stop through its
//! progress: between two files it unwinds, which takes its spool along and leaves the bucket with the snapshot
//! and the manifest that it had.

use std::panic;

use domesday_model::Instant;
use domesday_run::{RunError, RunReport};
use domesday_store::{RunRecord, RunState, Store, StoredExport};
use serde_json::{Value, json};

use super::lease::Halt;
use crate::export;
use crate::problem::Problem;
use crate::service::App;

/// How an attempt ended.
pub(super) enum Ended {
    /// Delivered.
    Succeeded(Box<RunReport>),
    /// Failed, with what the record says; whether trying again can help.
    Failed { kind: String, error: Value, heals: bool },
    /// Told to stop.
    Halted,
}

/// What a run that was told to stop unwinds with.
struct Stopped;

/// Makes one attempt.
pub(super) async fn attempt(
    app: &App,
    stored: StoredExport,
    run: &RunRecord,
    at: Instant,
    halt: Halt,
) -> Ended {
    let (app, run) = (app.clone(), run.clone());
    let span = tracing::Span::current();
    let task =
        tokio::task::spawn_blocking(move || span.in_scope(|| blocking(&app, &stored, &run, at, &halt)));
    match task.await {
        Ok(ended) => ended,
        Err(error) => match error.try_into_panic() {
            Ok(payload) if payload.is::<Stopped>() => Ended::Halted,
            _ => Ended::Failed {
                kind: "internal".to_owned(),
                error: json!({ "kind": "internal", "message": "the run broke off; the log says where" }),
                heals: false,
            },
        },
    }
}

fn blocking(app: &App, stored: &StoredExport, run: &RunRecord, at: Instant, halt: &Halt) -> Ended {
    let target = match export::target(app, stored) {
        Ok(target) => target,
        Err(problem) => return failed("configuration", &problem.to_string(), "", false),
    };
    let export = domesday_run::Export {
        target,
        layout: export::layout(&stored.document),
        settle: domesday_run::SETTLE,
        console_url: app.config.public_url.clone(),
        trigger: run.trigger.clone(),
        actor: run.actor.clone(),
    };
    let mut store = match crate::pool::open_store(&app.config.database) {
        Ok(store) => store,
        Err(error) => return failed("store", &error.to_string(), "", true),
    };
    let mut progress = |stage| {
        tracing::debug!(?stage, "run");
        if halt.is_said() {
            panic::resume_unwind(Box::new(Stopped));
        }
    };
    match domesday_run::run(&export, &mut store, at, &mut progress) {
        Ok(report) => Ended::Succeeded(Box::new(report)),
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
        Err(error @ RunError::Store(_)) => failed("store", &error.to_string(), "", true),
        Err(error) => failed("encode", &error.to_string(), "", false),
    }
}

fn failed(kind: &str, message: &str, fix: &str, heals: bool) -> Ended {
    let mut error = json!({ "kind": kind, "message": message });
    if !fix.is_empty() {
        error["fix"] = fix.into();
    }
    Ended::Failed { kind: kind.to_owned(), error, heals }
}

/// Writes how a run goes.
pub(super) async fn save(app: &App, run: &RunRecord) -> Result<(), Problem> {
    let run = run.clone();
    app.pool.with(move |store: &mut Store| -> Result<(), Problem> { Ok(store.update_run(&run)?) }).await
}

/// Whether a state is one in which somebody still has to do something.
pub(super) fn is_open(run: &RunRecord) -> bool {
    matches!(run.state, RunState::Queued | RunState::Running)
}
