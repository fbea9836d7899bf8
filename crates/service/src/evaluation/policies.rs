//! Policies in numbers, for pages: how many data sources each applies to and how many people it concerns; and what a
//! policy that is being written would apply to.

use std::sync::Arc;

use domesday_engine::{Outcomes, ReplacedPolicy, SatisfyingUsers};
use domesday_model::{AppliesTo, ColumnSelector, Condition, DataPolicy, DataSourceIx, Kind, Level, Policy};
use serde_json::Value;

use super::evaluated::Evaluation;
use super::policy_summaries::PolicySummaries;
use crate::error::ServiceError;

/// What is known of a policy that is being written. Parts that cannot be read yet are absent.
#[derive(Debug, Clone, Default)]
pub struct PolicyDraft {
    applies_to: Option<AppliesTo>,
    condition: Option<Condition>,
    columns: Option<ColumnSelector>,
}

impl PolicyDraft {
    /// Returns the parts of a valid document.
    ///
    /// # Errors
    /// When the document is not one of this kind.
    pub fn from_document(kind: Kind, document: &Value) -> Result<Self, ServiceError> {
        let misread = |error: serde_json::Error| ServiceError::internal(&error);
        if kind == Kind::DataPolicy {
            let DataPolicy { applies_to, except, columns, .. } =
                serde_json::from_value(document.clone()).map_err(misread)?;
            return Ok(Self { applies_to: Some(applies_to), condition: except, columns: Some(columns) });
        }
        let Policy { applies_to, level, .. } = serde_json::from_value(document.clone()).map_err(misread)?;
        let condition = match level {
            Level::Entitlements { condition } => Some(condition),
            Level::Anyone | Level::Approval | Level::Individuals { .. } => None,
        };
        Ok(Self { applies_to: Some(applies_to), condition, columns: None })
    }

    /// Creates a draft of the parts that can be read.
    #[must_use]
    pub fn new(
        applies_to: Option<AppliesTo>,
        condition: Option<Condition>,
        columns: Option<ColumnSelector>,
    ) -> Self {
        Self { applies_to, condition, columns }
    }
}

/// What a policy that is being written would apply to.
#[derive(Debug, Clone)]
pub struct DraftMatches {
    /// The data sources that it selects; none when `appliesTo` cannot be read yet.
    pub sources: Option<Vec<DataSourceIx>>,
    /// How many of their columns it selects, when it is a data policy.
    pub columns: Option<usize>,
    /// The active users for whom its condition holds at any of these data sources, when it has one.
    pub users: Option<SatisfyingUsers>,
    /// How many active users there are.
    pub active_users: usize,
}

impl Evaluation {
    /// Returns the policies in numbers; counted when they are first asked for.
    ///
    /// # Errors
    /// When the computation panics.
    pub async fn policy_summaries(self: &Arc<Self>) -> Result<&PolicySummaries, ServiceError> {
        if self.policies.get().is_none() {
            let evaluation = Arc::clone(self);
            let task = tokio::task::spawn_blocking(move || {
                evaluation.count_policies();
            });
            task.await.map_err(|error| ServiceError::internal(&error))?;
        }
        Ok(self.count_policies())
    }

    fn count_policies(&self) -> &PolicySummaries {
        self.policies.get_or_init(|| PolicySummaries::count(&self.outcomes, &self.classes))
    }

    /// Returns what a draft of a policy applies to. Data sources that opted into the policy named `name` opt into the
    /// draft.
    ///
    /// # Errors
    /// When the computation panics.
    pub async fn draft_matches(
        &self,
        kind: Kind,
        name: &str,
        draft: PolicyDraft,
    ) -> Result<DraftMatches, ServiceError> {
        let snapshot = self.snapshot();
        let replaced = match kind {
            Kind::DataPolicy => snapshot.data_policy(name).map_or(ReplacedPolicy::None, ReplacedPolicy::Data),
            _ => snapshot.policy(name).map_or(ReplacedPolicy::None, ReplacedPolicy::Subscription),
        };
        self.compute(move |outcomes| matches(outcomes, replaced, &draft)).await
    }
}

fn matches(outcomes: &Outcomes, replaced: ReplacedPolicy, draft: &PolicyDraft) -> DraftMatches {
    let PolicyDraft { applies_to, condition, columns } = draft;
    let sources = applies_to.as_ref().map(|it| outcomes.selected_sources(it, replaced));
    let selected = sources.as_deref().unwrap_or_default();
    DraftMatches {
        columns: columns.as_ref().map(|it| outcomes.selected_columns(selected, it)),
        users: condition
            .as_ref()
            .filter(|_| !selected.is_empty())
            .map(|it| outcomes.satisfying_users(it, selected)),
        active_users: outcomes.active_users().count(),
        sources,
    }
}
