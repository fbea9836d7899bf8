//! Policies in numbers, for pages: how many data sources each applies to and how many people it concerns; and what a
//! policy that is being written would apply to.

use std::sync::Arc;

use domesday_engine::{
    ClassOutcomes, ColumnOutcome, Outcome, Outcomes, ReplacedPolicy, SatisfyingUsers, ScopeOutcomes,
};
use domesday_model::{
    AppliesTo, ColumnSelector, Condition, DataPolicy, DataPolicyIx, DataSourceIx, Kind, Level, Policy,
    PolicyIx, Scope, UserIx,
};
use rayon::prelude::*;
use serde_json::Value;

use super::evaluated::Evaluation;
use crate::error::ServiceError;

/// One policy in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicySummary {
    /// How many data sources it applies to, disabled ones included.
    pub sources: usize,
    /// How many people a grant admits, a guardrail blocks, or a data policy masks columns for.
    pub people: usize,
}

/// The policies of a catalog in numbers.
#[derive(Debug, Default)]
pub struct PolicySummaries {
    policies: Vec<PolicySummary>,
    data_policies: Vec<PolicySummary>,
}

impl PolicySummaries {
    /// Returns a subscription policy in numbers.
    #[must_use]
    pub fn policy(&self, policy: PolicyIx) -> PolicySummary {
        self.policies[policy.get()]
    }

    /// Returns a data policy in numbers.
    #[must_use]
    pub fn data_policy(&self, policy: DataPolicyIx) -> PolicySummary {
        self.data_policies[policy.get()]
    }

    fn count(outcomes: &Outcomes, classes: &[ClassOutcomes]) -> Self {
        let users = outcomes.snapshot().users.len();
        let [mut policies, mut data_policies] =
            [outcomes.snapshot().policies.len(), outcomes.snapshot().data_policies.len()]
                .map(|count| vec![Vec::<u32>::new(); count]);
        // Where each policy concerns anybody, so that the rows of other classes are not looked at.
        for (class, outcomes) in (0_u32..).zip(classes) {
            let add = |places: &mut Vec<u32>| {
                if places.last() != Some(&class) {
                    places.push(class);
                }
            };
            for scope in Scope::ALL {
                for reason in &outcomes.scope(scope).reasons {
                    let blocking = reason.guardrails.iter().filter(|_| reason.outcome == Outcome::Blocked);
                    reason.grants.iter().chain(blocking).for_each(|policy| add(&mut policies[policy.get()]));
                }
            }
            for reason in outcomes.columns.reasons.iter().filter(|it| it.outcome == ColumnOutcome::Masked) {
                reason.data_policies.iter().for_each(|policy| add(&mut data_policies[policy.get()]));
            }
        }
        let policies = policies.par_iter().enumerate().map(|(at, places)| {
            let policy = PolicyIx::at(at);
            let mut people = People::new(users);
            for outcomes in places.iter().map(|class| &classes[*class as usize]) {
                Scope::ALL.into_iter().for_each(|scope| people.add_concerned(policy, outcomes.scope(scope)));
            }
            PolicySummary { sources: outcomes.sources_of_policy(policy), people: people.count() }
        });
        let data_policies = data_policies.par_iter().enumerate().map(|(at, places)| {
            let policy = DataPolicyIx::at(at);
            let mut people = People::new(users);
            places.iter().for_each(|class| people.add_masked(policy, &classes[*class as usize]));
            PolicySummary { sources: outcomes.sources_of_data_policy(policy), people: people.count() }
        });
        Self { policies: policies.collect(), data_policies: data_policies.collect() }
    }
}

/// A set of users, one bit each.
pub(crate) struct People(Vec<u64>);

impl People {
    pub(crate) fn new(users: usize) -> Self {
        Self(vec![0; users.div_ceil(64)])
    }

    pub(crate) fn add(&mut self, user: UserIx) {
        self.0[user.get() / 64] |= 1 << (user.get() % 64);
    }

    pub(crate) fn add_all(&mut self, others: &Self) {
        self.0.iter_mut().zip(&others.0).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Adds the users whom a policy admits, or blocks.
    fn add_concerned(&mut self, policy: PolicyIx, outcomes: &ScopeOutcomes) {
        let concerns = outcomes.reasons.iter().map(|reason| {
            reason.grants.contains(&policy)
                || (reason.outcome == Outcome::Blocked && reason.guardrails.contains(&policy))
        });
        let concerns: Vec<bool> = concerns.collect();
        let rows = outcomes.users.iter().zip(&outcomes.reason_of);
        rows.filter(|(_, reason)| concerns[**reason as usize]).for_each(|(user, _)| self.add(*user));
    }

    /// Adds the users for whom a data policy masks a column.
    fn add_masked(&mut self, policy: DataPolicyIx, outcomes: &ClassOutcomes) {
        let columns = &outcomes.columns;
        let masks = columns
            .reasons
            .iter()
            .map(|reason| reason.outcome == ColumnOutcome::Masked && reason.data_policies.contains(&policy));
        let masks: Vec<bool> = masks.collect();
        for slot in &columns.slots {
            let rows = columns.users.iter().zip(slot);
            rows.filter(|(_, reason)| masks[**reason as usize]).for_each(|(user, _)| self.add(*user));
        }
    }
}

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
