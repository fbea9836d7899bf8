//! Warnings about policies as they are written: what is valid and most likely not meant.
//!
//! They are worked out before the write, on a snapshot that need not contain the policy. Reading a snapshot is
//! costly, so the latest is cached: a policy that this process writes changes nothing that the review of another
//! policy looks at.

use std::sync::{Arc, Mutex, PoisonError};

use domesday_engine::{Notice, data_policy_notices, policy_notices};
use domesday_model::{Kind, Permission, Snapshot};
use domesday_store::Store;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::service::App;

/// The snapshot on which policies are reviewed.
#[derive(Debug, Default)]
pub(crate) struct Reviews {
    latest: Mutex<Option<(u64, Arc<Snapshot>)>>,
    /// One snapshot is read at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Reviews {
    fn get(&self, revision: u64) -> Option<Arc<Snapshot>> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().filter(|(known, _)| *known == revision).map(|(_, snapshot)| Arc::clone(snapshot))
    }

    fn wrote_policy(&self, before: u64, after: u64) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, _)) = latest.as_mut().filter(|(known, _)| *known == before && after == before + 1)
        {
            *known = after;
        }
    }

    fn set(&self, revision: u64, snapshot: &Arc<Snapshot>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some((revision, Arc::clone(snapshot)));
    }
}

/// The warnings about a policy that a caller is about to write. None for other kinds of object, and when there is
/// nothing to review.
pub(crate) async fn of_policy(
    app: &App,
    caller: &Caller,
    kind: Kind,
    document: &Value,
) -> Option<Vec<Notice>> {
    if !matches!(kind, Kind::Policy | Kind::DataPolicy) {
        return None;
    }
    match review(app, kind, document.clone()).await {
        Ok(mut notices) => {
            if !caller.has(Permission::Governance) {
                // Near names are names of objects that a manager of a domain may not read.
                notices.iter_mut().for_each(|notice| notice.hint = None);
            }
            Some(notices)
        }
        Err(problem) => {
            // A policy is not refused because nothing can be said about it.
            tracing::warn!(%problem, "a policy was not reviewed");
            None
        }
    }
}

/// Notes what a write of one object changed: between revisions next to each other, nothing else did.
pub(crate) fn wrote(app: &App, kind: Kind, before: u64, after: u64) {
    if matches!(kind, Kind::Policy | Kind::DataPolicy) {
        app.reviews.wrote_policy(before, after);
    }
}

async fn review(app: &App, kind: Kind, document: Value) -> Result<Vec<Notice>, Problem> {
    let snapshot = snapshot(app).await?;
    let work = move || -> Result<Vec<Notice>, Problem> {
        let misread = |error: serde_json::Error| Problem::internal(&error);
        Ok(match kind {
            Kind::DataPolicy => {
                data_policy_notices(&snapshot, &serde_json::from_value(document).map_err(misread)?)
            }
            _ => policy_notices(&snapshot, &serde_json::from_value(document).map_err(misread)?),
        })
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?
}

async fn snapshot(app: &App) -> Result<Arc<Snapshot>, Problem> {
    let _turn = app.reviews.turn.lock().await;
    let read = |store: &mut Store| -> Result<_, Problem> { Ok(store.revision()?) };
    let revision = app.pool.with(read).await?;
    if let Some(snapshot) = app.reviews.get(revision) {
        return Ok(snapshot);
    }
    let now = app.now();
    if let Some(evaluated) = app.cache.latest(revision, now) {
        app.reviews.set(revision, evaluated.snapshot());
        return Ok(Arc::clone(evaluated.snapshot()));
    }
    let read = move |store: &mut Store| -> Result<_, Problem> {
        // Read before the snapshot: one that is newer than its number is read once too often, no worse.
        Ok((store.revision()?, store.snapshot(now)?))
    };
    let (revision, snapshot) = app.pool.with(read).await?;
    let snapshot = Arc::new(snapshot);
    app.reviews.set(revision, &snapshot);
    Ok(snapshot)
}

/// The schema of a list of warnings.
pub(crate) fn schema() -> Value {
    json!({
        "type": "array",
        "description": "What is valid and most likely not meant, such as a policy that matches no data source.",
        "items": {
            "type": "object",
            "required": ["kind", "object", "message"],
            "properties": {
                "kind": { "enum": [
                    "level-conflict", "idle-level-choice", "no-data-source", "no-match", "no-exception", "no-column",
                    "admits-nobody", "blocks-everybody", "unknown-attribute", "unknown-value", "variable-in-name",
                    "long-name"
                ] },
                "object": {
                    "type": "object",
                    "required": ["kind", "name"],
                    "properties": {
                        "kind": { "type": "string", "description": "The key of its kind in the catalog format." },
                        "name": { "type": "string" }
                    }
                },
                "field": { "type": "string", "description": "The field inside the object." },
                "message": { "type": "string" },
                "hint": { "type": "string", "description": "What to do, or which name may have been meant." }
            }
        }
    })
}
