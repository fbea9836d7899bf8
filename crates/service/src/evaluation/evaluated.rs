//! One revision of the catalog, evaluated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use domesday_drift::Drift;
use domesday_engine::{CatalogWarnings, ClassIx, ClassOutcomes, Outcomes, evaluate};
use domesday_model::{DataSourceIx, Instant, RequestStatus, Scope, Snapshot, UserIx};
use rayon::prelude::*;
use uuid::Uuid;

use super::access_figures::AccessFigures;
use super::name_index::SearchIndex;
use super::policy_summaries::PolicySummaries;
use crate::drift::{DriftFigures, Drifts};
use crate::error::ServiceError;

/// One revision of the catalog, evaluated.
#[derive(Debug)]
pub struct Evaluation {
    pub(super) revision: u64,
    pub(super) from: Instant,
    /// The first end of an approval after `from`.
    until: Option<Instant>,
    /// The outcomes of the revision.
    pub outcomes: Arc<Outcomes>,
    /// Every class of `outcomes`, evaluated.
    pub(super) classes: Vec<ClassOutcomes>,
    /// How many sources each class has.
    pub(super) sources_in: Vec<u32>,
    pub(super) reach: Reach,
    /// The names in the catalog, for searches; made with the first.
    index: OnceLock<SearchIndex>,
    warnings: OnceLock<Arc<CatalogWarnings>>,
    /// The policies in numbers; counted when they are first asked for.
    pub(super) policies: OnceLock<PolicySummaries>,
    /// The requests that the user of an API key may decide, as positions, by key.
    pub(crate) waiting: Mutex<HashMap<Uuid, Arc<[usize]>>>,
    /// The figures about all access, worked out when they are first asked for.
    pub(super) figures: OnceLock<Arc<AccessFigures>>,
    /// The connected databases, compared with the outcomes when that is first asked for.
    drifts: OnceLock<Drifts>,
    /// Their figures, worked out when they are first asked for.
    drift_figures: OnceLock<Arc<DriftFigures>>,
}

/// For each user, the classes and scopes in which something reaches them: one bit each, a user's bits together.
#[derive(Debug)]
pub(super) struct Reach {
    words: usize,
    bits: Vec<u64>,
}

impl Reach {
    fn build(users: usize, classes: &[ClassOutcomes]) -> Self {
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

    pub(super) fn has(&self, user: UserIx, class: ClassIx, scope: Scope) -> bool {
        let bit = class.0 as usize * 2 + scope.index();
        self.bits[user.get() * self.words + bit / 64] >> (bit % 64) & 1 == 1
    }

    /// The classes and scopes that reach a user, in order.
    pub(super) fn user_scopes(&self, user: UserIx) -> impl Iterator<Item = (usize, Scope)> + '_ {
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

impl Evaluation {
    /// Evaluates a snapshot that is of no revision of a store that others change; costs the whole evaluation.
    #[must_use]
    pub fn of_snapshot(snapshot: Arc<Snapshot>) -> Self {
        Self::new(snapshot, 0)
    }

    /// Evaluates a snapshot; costs the whole evaluation.
    pub(super) fn new(snapshot: Arc<Snapshot>, revision: u64) -> Self {
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
        let reach = Reach::build(snapshot.users.len(), &classes);
        let from = snapshot.at;
        Self {
            revision,
            from,
            until,
            outcomes: Arc::new(outcomes),
            classes,
            sources_in,
            reach,
            index: OnceLock::new(),
            warnings: OnceLock::new(),
            policies: OnceLock::new(),
            waiting: Mutex::default(),
            figures: OnceLock::new(),
            drifts: OnceLock::new(),
            drift_figures: OnceLock::new(),
        }
    }

    pub(super) fn index(&self) -> &SearchIndex {
        self.index.get_or_init(|| SearchIndex::new(self.snapshot()))
    }

    /// Returns the snapshot that was evaluated.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        self.outcomes.snapshot()
    }

    pub(super) fn is_valid(&self, revision: u64, at: Instant) -> bool {
        self.revision >= revision && at >= self.from && self.until.is_none_or(|until| at < until)
    }

    /// The position of an enabled data source.
    pub(super) fn position(&self, source: DataSourceIx) -> Option<usize> {
        self.outcomes.sources().binary_search_by_key(&source, |of| of.source).ok()
    }

    /// Returns what is valid in the catalog and most likely not meant; found when it is first asked for.
    ///
    /// # Errors
    /// When the computation panics.
    pub async fn catalog_warnings(&self) -> Result<Arc<CatalogWarnings>, ServiceError> {
        if let Some(warnings) = self.warnings.get() {
            return Ok(Arc::clone(warnings));
        }
        let warnings = Arc::new(self.compute(Outcomes::catalog_warnings).await?);
        Ok(Arc::clone(self.warnings.get_or_init(|| warnings)))
    }

    /// Returns the connected databases, compared with the outcomes. They are compared once, on a blocking thread.
    ///
    /// # Errors
    /// When the computation panics.
    pub async fn drifts(self: &Arc<Self>) -> Result<Drifts, ServiceError> {
        if let Some(drifts) = self.drifts.get() {
            return Ok(Arc::clone(drifts));
        }
        let evaluation = Arc::clone(self);
        let task = tokio::task::spawn_blocking(move || evaluation.find_drifts());
        task.await.map_err(|error| ServiceError::internal(&error))
    }

    /// Returns the figures about all drift. They are worked out once, on a blocking thread.
    ///
    /// # Errors
    /// When the computation panics.
    pub async fn drift_figures(self: &Arc<Self>) -> Result<Arc<DriftFigures>, ServiceError> {
        if let Some(figures) = self.drift_figures.get() {
            return Ok(Arc::clone(figures));
        }
        let evaluation = Arc::clone(self);
        let work = move || {
            let find = || Arc::new(DriftFigures::new(&evaluation.find_drifts()));
            Arc::clone(evaluation.drift_figures.get_or_init(find))
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::internal(&error))
    }

    fn find_drifts(&self) -> Drifts {
        Arc::clone(self.drifts.get_or_init(|| Drift::of_databases(&self.outcomes).into()))
    }

    /// Computes something from the outcomes on a blocking thread.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Outcomes) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let outcomes = Arc::clone(&self.outcomes);
        let task = tokio::task::spawn_blocking(move || work(&outcomes));
        task.await.map_err(|error| ServiceError::internal(&error))
    }

    /// How many classes there are.
    pub(super) fn class_count(&self) -> usize {
        self.classes.len()
    }
}
