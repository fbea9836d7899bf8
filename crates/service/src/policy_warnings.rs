//! Warnings about policies as they are written: what is valid and most likely not meant.
//!
//! They are worked out before the write, on a snapshot that need not contain the policy. Reading a snapshot is
//! costly, so the latest is cached: a policy that this process writes changes nothing that the review of another
//! policy looks at.

use std::sync::{Arc, Mutex, PoisonError};

use domesday_engine::{CatalogWarning, data_policy_warnings, policy_warnings};
use domesday_model::{Kind, Permission, Snapshot};
use domesday_store::{LoadedSnapshot, Store};
use serde_json::Value;

use crate::caller::Caller;
use crate::clock::Clock;
use crate::error::ServiceError;
use crate::evaluation::Evaluations;
use crate::pool::Pool;

/// Finds the warnings about policies. Clones share it.
#[derive(Debug, Clone)]
pub struct PolicyWarnings {
    pool: Pool,
    clock: Clock,
    evaluations: Evaluations,
    cache: Arc<Cache>,
}

/// The snapshot on which policies are reviewed.
#[derive(Debug, Default)]
struct Cache {
    latest: Mutex<Option<(u64, Arc<Snapshot>)>>,
    /// One snapshot is read at a time.
    turn: tokio::sync::Mutex<()>,
}

impl Cache {
    fn get(&self, revision: u64) -> Option<Arc<Snapshot>> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().filter(|(known, _)| *known == revision).map(|(_, snapshot)| Arc::clone(snapshot))
    }

    fn set(&self, revision: u64, snapshot: &Arc<Snapshot>) {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        *latest = Some((revision, Arc::clone(snapshot)));
    }
}

fn is_policy(kind: Kind) -> bool {
    matches!(kind, Kind::Policy | Kind::DataPolicy)
}

impl PolicyWarnings {
    pub(crate) fn new(pool: Pool, clock: Clock, evaluations: Evaluations) -> Self {
        Self { pool, clock, evaluations, cache: Arc::default() }
    }

    /// Returns the warnings about a policy that a caller is about to write. None for other kinds of object, and when the
    /// review fails.
    pub async fn find(&self, caller: &Caller, kind: Kind, document: &Value) -> Option<Vec<CatalogWarning>> {
        if !is_policy(kind) {
            return None;
        }
        match self.review(kind, document.clone()).await {
            Ok(mut warnings) => {
                if !caller.has(Permission::Governance) {
                    // Near names are names of objects that a manager of a domain may not read.
                    warnings.iter_mut().for_each(|warning| warning.hint = None);
                }
                Some(warnings)
            }
            Err(error) => {
                // A policy is not refused because its review failed.
                tracing::warn!(%error, "a policy was not reviewed");
                None
            }
        }
    }

    /// Records that an object was written: when no other change came between the two revisions and it is a policy, the
    /// cached snapshot is as good for the second as for the first.
    pub fn record_write(&self, kind: Kind, [before, after]: [u64; 2]) {
        if !is_policy(kind) || after != before + 1 {
            return;
        }
        let mut latest = self.cache.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, _)) = latest.as_mut().filter(|(known, _)| *known == before) {
            *known = after;
        }
    }

    async fn review(&self, kind: Kind, document: Value) -> Result<Vec<CatalogWarning>, ServiceError> {
        let snapshot = self.snapshot().await?;
        let work = move || -> Result<Vec<CatalogWarning>, ServiceError> {
            let misread = |error: serde_json::Error| ServiceError::internal(&error);
            Ok(match kind {
                Kind::DataPolicy => {
                    data_policy_warnings(&snapshot, &serde_json::from_value(document).map_err(misread)?)
                }
                _ => policy_warnings(&snapshot, &serde_json::from_value(document).map_err(misread)?),
            })
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::internal(&error))?
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>, ServiceError> {
        let _turn = self.cache.turn.lock().await;
        let read = |store: &mut Store| -> Result<_, ServiceError> { Ok(store.revision()?) };
        let revision = self.pool.with(read).await?;
        if let Some(snapshot) = self.cache.get(revision) {
            return Ok(snapshot);
        }
        let now = self.clock.now();
        if let Some(evaluation) = self.evaluations.cached(revision, now) {
            self.cache.set(revision, evaluation.snapshot());
            return Ok(Arc::clone(evaluation.snapshot()));
        }
        let LoadedSnapshot { snapshot, revision, .. } = self.evaluations.load(now).await?;
        self.cache.set(revision, &snapshot);
        Ok(snapshot)
    }
}
