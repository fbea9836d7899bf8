//! The access that an approval would give, worked out for a hypothetical user.

use domesday_model::{ColumnIx, DataSourceIx, PolicyIx, PolicyKind, Scope, UserIx};

use super::hypothetical::HypotheticalUser;
use super::search::WaySearch;
use crate::Outcomes;
use crate::explain::Access;
use crate::outcomes::ColumnOutcome;

/// The access of a user to a data source, were a request of theirs approved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalOutcome {
    /// The outcome. None where an approval alone grants nothing.
    pub access: Access,
    /// The guardrails that would block.
    pub guardrails: Vec<PolicyIx>,
    /// How the user would see each column that has a mask, when granted.
    pub columns: Vec<(ColumnIx, ColumnOutcome)>,
}

impl Outcomes {
    /// Returns the access of a user to a data source in one scope, were a request for it approved; `by_product` for one
    /// for a published data product that contains it.
    ///
    /// # Panics
    /// When an index is not of this snapshot.
    #[must_use]
    pub fn outcome_if_approved(
        &self,
        user: UserIx,
        source: DataSourceIx,
        scope: Scope,
        by_product: bool,
    ) -> ApprovalOutcome {
        let none = ApprovalOutcome { access: Access::None, guardrails: Vec::new(), columns: Vec::new() };
        let snapshot = &*self.snapshot;
        let (Some((position, class)), true) = (self.class_of(source), snapshot.is_active(user)) else {
            return none;
        };
        let search = WaySearch { snapshot, class, user, source, scope };
        let mut then = HypotheticalUser::stored(snapshot, user);
        then.approve(by_product);
        let admission = search.admission(&then);
        if !admission.is_granted() {
            return none;
        }
        let guardrails: Vec<_> = admission
            .policies(PolicyKind::Guardrail)
            .filter(|guardrail| !admission.admits(*guardrail))
            .collect();
        if !guardrails.is_empty() {
            return ApprovalOutcome { access: Access::Blocked, guardrails, ..none };
        }
        let columns = self.classes.sources[position].columns.iter().zip(&class.columns);
        let columns = columns.map(|(column, masked)| {
            let is_excepted = masked.masks.iter().all(|mask| admission.is_excepted(mask.policy))
                || masked.exceptions.iter().any(|(excepted, _)| *excepted == user);
            (*column, if is_excepted { ColumnOutcome::Unmasked } else { ColumnOutcome::Masked })
        });
        ApprovalOutcome { access: Access::Granted, guardrails, columns: columns.collect() }
    }
}
