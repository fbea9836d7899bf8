//! Evaluates a snapshot: who has access to which data, and by which right (`docs/access.md`).
//!
//! Users times data sources are far too many to visit pair by pair. Each condition is therefore evaluated for all users
//! at once, as a bitmap ([`condition`]); data sources that share everything that evaluation can see form one class
//! ([`source_classes`]); and each class is evaluated once ([`scope_outcomes`], [`column_outcomes`]), its users grouped by
//! the policies that admit them. The engine returns these classes and never makes rows.
//!
//! What is not here: no clock (the instant comes with the snapshot), no file, no HTTP, no SQL, and no state
//! between two evaluations.

mod admission;
#[cfg(test)]
mod agreement_tests;
mod bounds;
mod column_outcomes;
mod condition;
mod diff;
mod draft;
mod explain;
mod level_conflicts;
mod merged_policy;
#[cfg(test)]
#[path = "../tests/oracle/mod.rs"]
#[allow(dead_code, unused_imports, reason = "of the oracle only the worlds are used here")]
mod oracle;
mod outcomes;
mod reason_classes;
mod request_coverage;
mod scope_outcomes;
mod selection;
mod serialize;
mod source_classes;
mod user_classes;
mod user_index;
mod user_set;
mod warnings;
mod ways;

// The oracle of the integration tests names this crate.
#[cfg(test)]
extern crate self as domesday_engine;

use std::sync::{Arc, OnceLock};

use domesday_model::{DataPolicyIx, DataSourceIx, PolicyIx, Scope, Snapshot};

pub use bounds::{Bounds, LostBound};
use condition::Bindings;
pub use diff::{AccessChange, Causes, ColumnChange, Difference, Effect, EffectCounts, diff};
pub use draft::{ReplacedPolicy, SatisfyingUsers};
pub use explain::{
    Access, AtomFacts, ColumnExplanation, ColumnStep, ConditionFunction, ConditionStep, ConflictStep,
    Exclusion, Explanation, MaskStep, NamedAs, PolicyStep, RequestObstacle, RequestStep, RivalStep,
    SelectedBy, Sight,
};
pub use outcomes::{
    ClassIx, ClassOutcomes, ColumnOutcome, ColumnOutcomes, ColumnReason, LevelWarning, Outcome, Reason,
    ReasonPart, ReasonParts, ScopeOutcomes, SourceOutcomes,
};
use source_classes::{SourceClass, SourceClasses};
use user_classes::UserClasses;
pub use warnings::{
    CatalogWarning, CatalogWarnings, WarningKind, WarningObject, data_policy_warnings, policy_warnings,
};
pub use ways::{ApprovalOutcome, Way, WayStep};

/// The outcomes of a snapshot: its data sources by class, each class evaluated when asked for.
///
/// They share the snapshot's ownership and borrow nothing, so they can be stored and sent to other threads.
#[derive(Debug)]
pub struct Outcomes {
    snapshot: Arc<Snapshot>,
    bindings: Bindings,
    classes: SourceClasses,
    /// Set by [`Outcomes::group_users`].
    user_classes: OnceLock<Option<UserClasses>>,
}

/// Evaluates every policy for every user and data source of a snapshot.
///
/// Matches policies to data sources and groups the sources into classes; [`Outcomes::class`] evaluates a class.
///
/// ```
/// # fn main() -> Result<(), domesday_model::SnapshotError> {
/// use domesday_model::{Catalog, Instant, Snapshot};
///
/// let snapshot = Snapshot::of_catalog(&Catalog::default(), Instant::from_micros(0))?;
/// let outcomes = domesday_engine::evaluate(snapshot);
/// assert!(outcomes.sources().is_empty());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn evaluate(snapshot: impl Into<Arc<Snapshot>>) -> Outcomes {
    let snapshot = snapshot.into();
    let mut bindings = Bindings::new(&snapshot);
    let classes = SourceClasses::new(&snapshot, &mut bindings);
    Outcomes { snapshot, bindings, classes, user_classes: OnceLock::new() }
}

impl Outcomes {
    /// Returns the snapshot that was evaluated.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Returns the enabled data sources in id order, each with its class.
    #[must_use]
    pub fn sources(&self) -> &[SourceOutcomes] {
        &self.classes.sources
    }

    /// Returns how many classes there are; their indices start at 0.
    #[must_use]
    pub fn class_count(&self) -> usize {
        self.classes.classes.len()
    }

    /// Groups the users whom no policy distinguishes. Changes no outcome, and makes the evaluation of each class cheaper:
    /// call it before more than a few classes are evaluated.
    pub fn group_users(&self) {
        self.user_classes.get_or_init(|| UserClasses::group(&self.snapshot, &self.bindings));
    }

    /// Evaluates one class. It depends on no other class, so ranges of classes can be evaluated on any thread in any
    /// order, with memory for one class at a time.
    ///
    /// # Panics
    /// When the class is not one of these outcomes.
    #[must_use]
    pub fn class(&self, class: ClassIx) -> ClassOutcomes {
        let class = &self.classes.classes[class.0 as usize];
        let (snapshot, bindings) = (&*self.snapshot, &self.bindings);
        let user_classes = self.user_classes.get().and_then(Option::as_ref);
        let read = scope_outcomes::scope_outcomes(snapshot, bindings, user_classes, class, Scope::Read);
        let write = scope_outcomes::scope_outcomes(snapshot, bindings, user_classes, class, Scope::Write);
        let columns = column_outcomes::column_outcomes(snapshot, bindings, user_classes, class, &read);
        ClassOutcomes { read, write, columns }
    }

    /// Returns the conflicts of levels to settle and the choices that settle none, in source order.
    #[must_use]
    pub fn level_warnings(&self) -> &[LevelWarning] {
        &self.classes.warnings
    }

    /// Returns how many data sources, disabled ones included, a subscription policy of any state applies to.
    #[must_use]
    pub fn sources_of_policy(&self, policy: PolicyIx) -> usize {
        self.classes.sources_of_policy[policy.get()]
    }

    /// Returns how many data sources, disabled ones included, a data policy of any state applies to.
    #[must_use]
    pub fn sources_of_data_policy(&self, policy: DataPolicyIx) -> usize {
        self.classes.sources_of_data_policy[policy.get()]
    }

    /// Returns the position of a data source among the enabled ones, with its class.
    pub(crate) fn class_of(&self, source: DataSourceIx) -> Option<(usize, &SourceClass)> {
        let sources = &self.classes.sources;
        let position = sources.binary_search_by_key(&source, |outcomes| outcomes.source).ok()?;
        Some((position, &self.classes.classes[sources[position].class.0 as usize]))
    }
}
