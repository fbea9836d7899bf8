//! What a draft policy would change: who would gain or lose access, be blocked, or see other columns.

mod draft;
mod figures;
mod report;

use std::sync::Arc;

use domesday_engine::{CatalogWarning, Difference, EffectCounts, Outcomes, diff};
use domesday_model::Kind;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::error::ServiceError;
use crate::evaluation::Evaluation;
pub use draft::check_references;
use draft::{apply_draft, warnings};
pub use figures::{AccessFigure, ColumnFigure, Figures};
pub use report::{ListedChange, PreviewReport};

/// How many changes are listed; the counts are of all.
const MAX_LISTED: usize = 1000;

/// The draft of a policy, and whether the policy of its name is to be removed instead.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Policy or data policy.
    pub kind: Kind,
    /// The document.
    pub document: Value,
    /// Whether the policy is removed.
    pub remove: bool,
}

/// The outcomes as they are and as they would be.
struct Compared<'o> {
    kind: Kind,
    name: String,
    before: &'o Outcomes,
    after: Outcomes,
}

impl<'o> Compared<'o> {
    fn new(before: &'o Outcomes, draft: Draft) -> Result<Self, ServiceError> {
        let name = crate::objects::name_in(draft.kind, &draft.document).to_owned();
        let after = apply_draft(draft.kind, draft.document, before.snapshot(), draft.remove)?;
        Ok(Self { kind: draft.kind, name, before, after: domesday_engine::evaluate(after) })
    }

    fn warnings(&self) -> Vec<CatalogWarning> {
        warnings(self.kind, &self.name, self.before, &self.after)
    }
}

/// The changes that a draft would make.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preview<'a> {
    counts: &'a EffectCounts,
    gained: usize,
    #[serde(flatten)]
    lists: &'a Difference<'a>,
    listed_in_full: bool,
    warnings: Vec<CatalogWarning>,
}

/// Compares outcomes with those that the draft of a policy would give, as JSON. A policy of the same name is replaced;
/// with `remove` it is removed instead.
///
/// # Errors
/// When the draft is not valid, or there is no policy of that name to remove.
pub async fn preview(
    turns: &Semaphore,
    evaluation: Arc<Evaluation>,
    draft: Draft,
) -> Result<Value, ServiceError> {
    let work = move || {
        let compared = Compared::new(&evaluation.outcomes, draft)?;
        let difference = diff(compared.before, &compared.after, MAX_LISTED);
        serde_json::to_value(Preview {
            counts: difference.counts(),
            gained: difference.gained(),
            lists: &difference,
            listed_in_full: difference.is_listed_in_full(),
            warnings: compared.warnings(),
        })
        .map_err(|error| ServiceError::internal(&error))
    };
    in_turn(turns, work).await
}

/// Compares outcomes as [`preview`] does, as a report for people: in figures, by policy, data source and person.
///
/// # Errors
/// As [`preview`].
pub async fn report(
    turns: &Semaphore,
    evaluation: Arc<Evaluation>,
    draft: Draft,
) -> Result<PreviewReport, ServiceError> {
    let work = move || {
        let compared = Compared::new(&evaluation.outcomes, draft)?;
        let difference = diff(compared.before, &compared.after, MAX_LISTED);
        let figures = Figures::count(compared.before, &compared.after, &difference);
        Ok(PreviewReport::new(&difference, figures, compared.warnings()))
    };
    in_turn(turns, work).await
}

/// Runs a preview on a blocking thread when its turn has come.
async fn in_turn<T: Send + 'static>(
    turns: &Semaphore,
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let _turn = turns.acquire().await.map_err(|error| ServiceError::internal(&error))?;
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|error| ServiceError::internal(&error))?
}
