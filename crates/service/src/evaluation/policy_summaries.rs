//! The policies of a catalog in numbers: how many data sources each applies to and how many people it concerns.

use domesday_engine::{ClassOutcomes, ColumnOutcome, Outcome, Outcomes, ScopeOutcomes};
use domesday_model::{DataPolicyIx, PolicyIx, Scope, UserIx};
use rayon::prelude::*;

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

    pub(super) fn count(outcomes: &Outcomes, classes: &[ClassOutcomes]) -> Self {
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
