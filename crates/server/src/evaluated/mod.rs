//! The outcomes of the current revision, kept in memory so that access queries are answered at once.
//!
//! A change of the catalog gives it another revision, and the next query evaluates anew before it answers: what
//! is shown is never older than the question. Within a revision time passes too, and a request's approval may
//! end: an evaluation holds until the first such end after its instant.

mod access;
mod visible;

use std::sync::Arc;
use std::time::Instant as Stopwatch;

use domesday_engine::{ClassIx, ClassOutcomes, Notices, Outcomes, evaluate};
use domesday_model::{DataSourceIx, Instant, RequestStatus, Scope, Snapshot, UserIx};
use rayon::prelude::*;
use tokio::sync::Mutex;

use crate::problem::Problem;
use crate::service::Service;

pub(crate) use access::{After, Filter, Page, Row};
pub(crate) use visible::{View, reduce, reduce_column};

/// One revision, evaluated.
#[derive(Debug)]
pub(crate) struct Evaluated {
    revision: u64,
    from: Instant,
    /// The first end of an approval after `from`.
    until: Option<Instant>,
    pub(crate) outcomes: Arc<Outcomes>,
    /// Every class of `outcomes`, evaluated.
    classes: Vec<ClassOutcomes>,
    /// How many sources each class has.
    sources_in: Vec<u32>,
    reach: Reach,
}

/// For each user, the classes and scopes in which something reaches them: one bit each, a user's bits together.
#[derive(Debug)]
struct Reach {
    words: usize,
    bits: Vec<u64>,
}

impl Reach {
    fn of(users: usize, classes: &[ClassOutcomes]) -> Self {
        let words = (classes.len() * 2).div_ceil(64);
        let mut bits = vec![0_u64; users * words];
        for (class, outcomes) in classes.iter().enumerate() {
            for (offset, scope) in Scope::ALL.into_iter().enumerate() {
                let bit = class * 2 + offset;
                for user in &outcomes.scope(scope).users {
                    bits[user.get() * words + bit / 64] |= 1 << (bit % 64);
                }
            }
        }
        Self { words, bits }
    }

    fn has(&self, user: UserIx, class: ClassIx, scope: Scope) -> bool {
        let bit = class.0 as usize * 2 + usize::from(scope == Scope::Write);
        self.bits[user.get() * self.words + bit / 64] >> (bit % 64) & 1 == 1
    }

    /// The classes and scopes that reach a user, in order.
    fn of_user(&self, user: UserIx) -> impl Iterator<Item = (usize, Scope)> + '_ {
        let row = &self.bits[user.get() * self.words..(user.get() + 1) * self.words];
        row.iter().enumerate().flat_map(|(word, bits)| {
            let mut left = *bits;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| word * 64 + left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some((bit / 2, if bit % 2 == 0 { Scope::Read } else { Scope::Write }))
            })
        })
    }
}

impl Evaluated {
    /// Evaluates a snapshot; costs the whole evaluation.
    pub(crate) fn new(snapshot: Snapshot, revision: u64) -> Self {
        let outcomes = evaluate(snapshot);
        outcomes.group_users();
        let count = u32::try_from(outcomes.class_count()).expect("classes are counted in 32 bits");
        let classes: Vec<_> =
            (0..count).into_par_iter().map(|class| outcomes.class(ClassIx(class))).collect();
        let mut sources_in = vec![0; classes.len()];
        outcomes.sources().iter().for_each(|source| sources_in[source.class.0 as usize] += 1);
        let snapshot = outcomes.snapshot();
        let approved = snapshot.requests.iter().filter(|request| request.status == RequestStatus::Approved);
        let until = approved.filter_map(|request| request.expires_at).filter(|end| *end > snapshot.at).min();
        let reach = Reach::of(snapshot.users.len(), &classes);
        let from = snapshot.at;
        Self { revision, from, until, outcomes: Arc::new(outcomes), classes, sources_in, reach }
    }

    /// The snapshot evaluated.
    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        self.outcomes.snapshot()
    }

    fn holds(&self, revision: u64, at: Instant) -> bool {
        self.revision >= revision && at >= self.from && self.until.is_none_or(|until| at < until)
    }

    /// The position of an enabled data source.
    fn position(&self, source: DataSourceIx) -> Option<usize> {
        self.outcomes.sources().binary_search_by_key(&source, |of| of.source).ok()
    }

    /// What is valid in the catalog and most likely not meant.
    pub(crate) async fn notices(&self) -> Result<Notices, Problem> {
        self.compute(Outcomes::notices).await
    }

    /// Computes something from the outcomes on a blocking thread.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Outcomes) -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let outcomes = Arc::clone(&self.outcomes);
        let task = tokio::task::spawn_blocking(move || work(&outcomes));
        task.await.map_err(|error| Problem::internal(&error))
    }

    /// How many classes there are.
    pub(crate) fn class_count(&self) -> usize {
        self.classes.len()
    }
}

/// The latest evaluation.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    latest: std::sync::RwLock<Option<Arc<Evaluated>>>,
    /// One evaluation at a time: whoever comes meanwhile waits for it instead of doing it again.
    turn: Mutex<()>,
}

impl Cache {
    pub(crate) fn latest(&self, revision: u64, at: Instant) -> Option<Arc<Evaluated>> {
        let latest = self.latest.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        latest.as_ref().filter(|evaluated| evaluated.holds(revision, at)).cloned()
    }
}

impl Service {
    /// The outcomes as of now, of a revision not older than the one given.
    pub(crate) async fn evaluated(&self, revision: u64) -> Result<Arc<Evaluated>, Problem> {
        let now = self.now();
        if let Some(evaluated) = self.cache.latest(revision, now) {
            return Ok(evaluated);
        }
        let _turn = self.cache.turn.lock().await;
        let now = self.now();
        if let Some(evaluated) = self.cache.latest(revision, now) {
            return Ok(evaluated);
        }
        let started = Stopwatch::now();
        let read = move |store: &mut domesday_store::Store| -> Result<_, Problem> {
            // Read before the snapshot: one that is newer than its number is evaluated once too often, no worse.
            Ok((store.revision()?, store.snapshot(now)?))
        };
        let (revision, snapshot) = self.pool.with(read).await?;
        // The connection is back in the pool: evaluation needs none.
        let evaluated = self.pool.compute(move || Ok(Evaluated::new(snapshot, revision))).await?;
        let evaluated = Arc::new(evaluated);
        self.metrics.evaluated(started.elapsed(), evaluated.class_count());
        tracing::info!(
            revision = evaluated.revision,
            classes = evaluated.class_count(),
            milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "evaluated the catalog"
        );
        let mut latest = self.cache.latest.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *latest = Some(Arc::clone(&evaluated));
        Ok(evaluated)
    }
}
