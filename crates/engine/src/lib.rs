//! From a snapshot to its outcomes: who can reach which data, and by what right.
//!
//! Users times data sources is far too large to visit pair by pair. So every policy's condition is evaluated
//! for all users at once, as a bitmap ([`condition`]); data sources that share everything evaluation can see
//! form one class ([`classes`]); and each class is evaluated once ([`admit`], [`columns`]), its users grouped
//! by the policies that admitted them. The engine hands these classes on and never makes rows.
//!
//! The semantics are design.md, section 3, "Access, precisely"; comments give its rule numbers.
//!
//! What is not here: no clock (the instant comes with the snapshot), no file, no HTTP, no SQL, and no state
//! between two evaluations.

mod admit;
mod applies;
mod bounds;
mod classes;
mod columns;
mod condition;
mod diff;
mod explain;
mod merged;
mod nearest;
mod notice;
mod outcomes;
mod user_classes;
mod users;

use std::sync::{Arc, OnceLock};

use domesday_model::{DataPolicyIx, PolicyIx, Scope, Snapshot};

pub use bounds::{Bounds, LostBound};
use classes::Classes;
use condition::Conditions;
pub use diff::{AccessChange, Behind, ColumnChange, Counts, Difference, Effect, diff};
pub use explain::{
    Access, ColumnExplanation, ColumnStep, ConditionStep, ConflictStep, Exclusion, Explanation, Facts,
    MaskStep, PolicyStep, RequestStep, RivalStep, Sight,
};
pub use nearest::{Way, WayStep};
pub use notice::{Notice, NoticeKind, NoticeObject, Notices, data_policy_notices, policy_notices};
pub use outcomes::{
    Because, ClassIx, ClassOutcomes, ColumnOutcome, ColumnOutcomes, ColumnReason, Outcome, Reason,
    ScopeOutcomes, SourceOutcomes, Warning,
};
use user_classes::UserClasses;

/// The outcomes of a snapshot: its data sources by class, each class evaluated when asked for.
///
/// They share the snapshot's ownership and borrow nothing, so they can be stored and sent to other threads.
#[derive(Debug)]
pub struct Outcomes {
    snapshot: Arc<Snapshot>,
    conditions: Conditions,
    classes: Classes,
    /// Set by [`Outcomes::group_users`].
    user_classes: OnceLock<Option<UserClasses>>,
}

/// Evaluates every policy for every user and data source of a snapshot.
///
/// Matching policies to sources and grouping the sources into classes happens here; what a class holds is
/// worked out by [`Outcomes::class`].
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
    let mut conditions = Conditions::of(&snapshot);
    let classes = Classes::of(&snapshot, &mut conditions);
    Outcomes { snapshot, conditions, classes, user_classes: OnceLock::new() }
}

impl Outcomes {
    /// The snapshot evaluated.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The enabled data sources in id order, each with its class.
    #[must_use]
    pub fn sources(&self) -> &[SourceOutcomes] {
        &self.classes.sources
    }

    /// How many classes there are; their indices run from 0.
    #[must_use]
    pub fn class_count(&self) -> usize {
        self.classes.classes.len()
    }

    /// Groups the users whom every policy treats alike. Changes no outcome; worth its cost before more than a
    /// few classes are evaluated, each of which it makes cheaper.
    pub fn group_users(&self) {
        self.user_classes.get_or_init(|| UserClasses::of(&self.snapshot, &self.conditions));
    }

    /// Evaluates one class. Pure and independent of every other class, so ranges of classes can be evaluated
    /// on any thread in any order; costs memory for one class only.
    ///
    /// # Panics
    /// When the class is not one of these outcomes.
    #[must_use]
    pub fn class(&self, class: ClassIx) -> ClassOutcomes {
        let class = &self.classes.classes[class.0 as usize];
        let (snapshot, conditions) = (&*self.snapshot, &self.conditions);
        let alike = self.user_classes.get().and_then(Option::as_ref);
        let read = admit::scope_outcomes(snapshot, conditions, alike, class, Scope::Read);
        let write = admit::scope_outcomes(snapshot, conditions, alike, class, Scope::Write);
        let columns = columns::column_outcomes(snapshot, conditions, alike, class, &read);
        ClassOutcomes { read, write, columns }
    }

    /// What the operator should know, in source order.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.classes.warnings
    }

    /// How many data sources, disabled ones included, a subscription policy of any state applies to.
    #[must_use]
    pub fn sources_of_policy(&self, policy: PolicyIx) -> usize {
        self.classes.sources_of_policy[policy.get()]
    }

    /// How many data sources, disabled ones included, a data policy of any state applies to.
    #[must_use]
    pub fn sources_of_data_policy(&self, policy: DataPolicyIx) -> usize {
        self.classes.sources_of_data_policy[policy.get()]
    }
}
