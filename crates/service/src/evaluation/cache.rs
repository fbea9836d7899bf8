//! The latest evaluation, and the next one when it is out of date.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant as Stopwatch;

use domesday_model::Instant;
use domesday_store::{LoadedSnapshot, Store};
use tokio::sync::Mutex;

use super::evaluated::Evaluation;
use crate::clock::Clock;
use crate::error::ServiceError;
use crate::metrics::Metrics;
use crate::pool::Pool;

/// The evaluations of the catalog, of which the latest is cached. Clones share it.
#[derive(Debug, Clone)]
pub struct Evaluations {
    pool: Pool,
    clock: Clock,
    metrics: Arc<Metrics>,
    cache: Arc<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    latest: RwLock<Option<Arc<Evaluation>>>,
    /// The snapshot that was loaded last, of which the next shares what has not changed.
    loaded: std::sync::Mutex<Option<LoadedSnapshot>>,
    /// One evaluation at a time: later callers wait for it instead of doing it again.
    turn: Mutex<()>,
}

impl Evaluations {
    pub(crate) fn new(pool: Pool, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self { pool, clock, metrics, cache: Arc::default() }
    }

    /// Returns the latest evaluation, when it is valid for a revision and an instant.
    pub(crate) fn cached(&self, revision: u64, at: Instant) -> Option<Arc<Evaluation>> {
        let latest = self.cache.latest.read().unwrap_or_else(PoisonError::into_inner);
        latest.as_ref().filter(|evaluation| evaluation.is_valid(revision, at)).cloned()
    }

    /// Loads a snapshot as of an instant; what has not changed since the last one is not read again.
    pub(crate) async fn load(&self, at: Instant) -> Result<LoadedSnapshot, ServiceError> {
        let lock = || self.cache.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = lock().clone();
        let read = move |store: &mut Store| -> Result<_, ServiceError> {
            Ok(store.load_snapshot(at, earlier.as_ref())?)
        };
        let loaded = self.pool.with(read).await?;
        *lock() = Some(loaded.clone());
        Ok(loaded)
    }

    /// Returns the outcomes as of now, of a revision not older than the one given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn current(&self, revision: u64) -> Result<Arc<Evaluation>, ServiceError> {
        if let Some(evaluation) = self.cached(revision, self.clock.now()) {
            return Ok(evaluation);
        }
        let _turn = self.cache.turn.lock().await;
        let now = self.clock.now();
        if let Some(evaluation) = self.cached(revision, now) {
            return Ok(evaluation);
        }
        let started = Stopwatch::now();
        let LoadedSnapshot { snapshot, revision, .. } = self.load(now).await?;
        // The connection is back in the pool: evaluation needs none.
        let evaluate = move || -> Result<_, ServiceError> { Ok(Evaluation::new(snapshot, revision)) };
        let evaluation = Arc::new(self.pool.compute(evaluate).await?);
        self.metrics.evaluated(started.elapsed(), evaluation.class_count());
        tracing::info!(
            revision = evaluation.revision,
            classes = evaluation.class_count(),
            milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "evaluated the catalog"
        );
        let mut latest = self.cache.latest.write().unwrap_or_else(PoisonError::into_inner);
        *latest = Some(Arc::clone(&evaluation));
        Ok(evaluation)
    }
}
