//! Figures about all access of an evaluation: totals by outcome, and what stands out.

use std::cmp::Reverse;
use std::sync::Arc;

use domesday_engine::{ClassOutcomes, ColumnOutcome, Outcome, SourceOutcomes};
use domesday_model::{DomainIx, PolicyIx, Scope, UserIx, UserStatus};
use rayon::prelude::*;

use super::access_figures::AccessFigures;
use super::evaluated::Evaluation;
use crate::error::ServiceError;

/// How many policies and data sources are ranked, and how many unreadable data sources are listed.
const RANKED: usize = 6;

/// What a user can read in a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DomainReach {
    /// The domain; none for data sources without one.
    pub domain: Option<DomainIx>,
    /// How many of its data sources the user can read.
    pub readable: u64,
}

/// The rows of one source of a class.
struct ClassFigures {
    granted: [u64; 2],
    blocked: [u64; 2],
    masked: u64,
    unmasked: u64,
    /// Granted rows by policy.
    grants: Vec<(PolicyIx, u64)>,
}

impl ClassFigures {
    fn new(class: &ClassOutcomes) -> Self {
        let mut figures =
            Self { granted: [0; 2], blocked: [0; 2], masked: 0, unmasked: 0, grants: Vec::new() };
        for (offset, scope) in Scope::ALL.into_iter().enumerate() {
            let outcomes = class.scope(scope);
            let mut rows = vec![0_u64; outcomes.reasons.len()];
            outcomes.reason_of.iter().for_each(|reason| rows[*reason as usize] += 1);
            for (reason, rows) in outcomes.reasons.iter().zip(rows) {
                match reason.outcome {
                    Outcome::Granted => {
                        figures.granted[offset] += rows;
                        figures.grants.extend(reason.grants.iter().map(|policy| (*policy, rows)));
                    }
                    Outcome::Blocked => figures.blocked[offset] += rows,
                }
            }
        }
        for reason in class.columns.slots.iter().flatten() {
            match class.columns.reasons[*reason as usize].outcome {
                ColumnOutcome::Masked => figures.masked += 1,
                ColumnOutcome::Unmasked => figures.unmasked += 1,
            }
        }
        figures
    }
}

impl Evaluation {
    fn find_figures(&self) -> AccessFigures {
        let snapshot = self.snapshot();
        let classes: Vec<_> = self.classes.par_iter().map(ClassFigures::new).collect();
        let mut figures = AccessFigures {
            active_users: snapshot.users.iter().filter(|it| it.status == UserStatus::Active).count() as u64,
            data_sources: self.outcomes.sources().len() as u64,
            ..AccessFigures::default()
        };
        let mut grants = vec![0_u64; snapshot.policies.len()];
        for (class, sources) in classes.iter().zip(&self.sources_in) {
            let sources = u64::from(*sources);
            for scope in 0..2 {
                figures.granted[scope] += class.granted[scope] * sources;
                figures.blocked[scope] += class.blocked[scope] * sources;
            }
            figures.masked += class.masked * sources;
            figures.unmasked += class.unmasked * sources;
            class.grants.iter().for_each(|(policy, rows)| grants[policy.get()] += rows * sources);
        }
        let grants = grants.into_iter().enumerate().map(|(policy, rows)| (PolicyIx::at(policy), rows));
        figures.widest_policies = ranked(grants);
        let of_source = |source: &SourceOutcomes| &classes[source.class.0 as usize];
        let sources = self.outcomes.sources().iter();
        figures.most_read =
            ranked(sources.clone().map(|source| (source.source, of_source(source).granted[0])));
        let unreadable = sources.filter(|source| {
            let class = of_source(source);
            class.granted[0] == 0 && class.blocked[0] > 0
        });
        figures.unreadable = unreadable.clone().take(RANKED).map(|source| source.source).collect();
        figures.unreadable_count = unreadable.count() as u64;
        figures
    }
}

/// Returns those with the largest numbers, without zeros; equal ones in the order of their ids.
fn ranked<T: Ord + Copy>(numbers: impl Iterator<Item = (T, u64)>) -> Vec<(T, u64)> {
    let mut ranked: Vec<_> = numbers.filter(|(_, number)| *number > 0).collect();
    let key = |(item, number): &(T, u64)| (Reverse(*number), *item);
    if ranked.len() > RANKED {
        ranked.select_nth_unstable_by_key(RANKED, key);
        ranked.truncate(RANKED);
    }
    ranked.sort_unstable_by_key(key);
    ranked
}

impl Evaluation {
    /// Returns the figures about all access; they are worked out once, on a blocking thread.
    ///
    /// # Errors
    /// When the computation panics.
    pub async fn figures(self: &Arc<Self>) -> Result<Arc<AccessFigures>, ServiceError> {
        if let Some(figures) = self.figures.get() {
            return Ok(Arc::clone(figures));
        }
        let evaluation = Arc::clone(self);
        let work = move || Arc::clone(evaluation.figures.get_or_init(|| evaluation.find_figures().into()));
        tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::internal(&error))
    }

    /// Returns how many data sources a user can read in each domain, most first.
    #[must_use]
    pub fn reach_by_domain(&self, user: UserIx) -> Vec<DomainReach> {
        let is_readable: Vec<bool> = (0..self.classes.len())
            .map(|class| {
                let reason = self.classes[class].read.reason(user);
                reason.is_some_and(|reason| reason.outcome == Outcome::Granted)
            })
            .collect();
        let snapshot = self.snapshot();
        let mut counts = vec![0_u64; snapshot.domains.len() + 1];
        for source in self.outcomes.sources() {
            if is_readable[source.class.0 as usize] {
                let domain = snapshot.data_sources[source.source.get()].domain;
                counts[domain.map_or(snapshot.domains.len(), DomainIx::get)] += 1;
            }
        }
        let reach = counts.into_iter().enumerate().filter(|(_, readable)| *readable > 0);
        let domain = |at: usize| (at < snapshot.domains.len()).then(|| DomainIx::at(at));
        let mut reach: Vec<_> =
            reach.map(|(at, readable)| DomainReach { domain: domain(at), readable }).collect();
        reach.sort_by_key(|reach| (Reverse(reach.readable), reach.domain.is_none(), reach.domain));
        reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_numbers_are_ranked_and_equal_ones_keep_their_order() {
        let numbers = [3, 0, 9, 1, 3, 2, 8, 7, 1].into_iter().enumerate();
        assert_eq!(ranked(numbers), [(2, 9), (6, 8), (7, 7), (0, 3), (4, 3), (5, 2)]);
        assert!(ranked(std::iter::once((0, 0))).is_empty());
    }
}
