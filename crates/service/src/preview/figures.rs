//! The figures of a preview: how many outcomes, people and data sources each effect concerns.

use std::collections::HashMap;

use domesday_engine::{
    ClassIx, ClassOutcomes, ColumnOutcome, Difference, Effect, Outcome, Outcomes, ScopeOutcomes,
};
use domesday_model::{PolicyIx, Scope, UserIx};

use crate::evaluation::People;

/// How many outcomes of access a draft changes in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AccessFigure {
    /// How many outcomes: pairs of a user and a data source, in each scope.
    pub outcomes: usize,
    /// How many people they are of.
    pub people: usize,
    /// How many data sources they are of.
    pub sources: usize,
}

/// How many columns are seen in another way, each counted for each reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColumnFigure {
    /// Of those who read the data source before as well.
    pub known: usize,
    /// Of those who read the data source only afterwards.
    pub new: usize,
}

impl ColumnFigure {
    /// Returns how many there are.
    #[must_use]
    pub fn total(self) -> usize {
        self.known + self.new
    }
}

/// What a draft changes, in figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Figures {
    /// Granted afterwards and not before.
    pub gained: AccessFigure,
    /// Granted before, and afterwards neither granted nor blocked.
    pub lost: AccessFigure,
    /// Blocked afterwards and not before: granted before, or newly granted and blocked at once.
    pub blocked: AccessFigure,
    /// The guardrails that block them, by name.
    pub blocking: Vec<String>,
    /// Columns that are masked afterwards.
    pub masked: ColumnFigure,
    /// Columns that are no longer masked, of those who read the data source before as well.
    pub unmasked: usize,
}

/// One effect while it is counted.
struct Counter {
    outcomes: usize,
    people: People,
    sources: usize,
}

impl Counter {
    fn new(users: usize) -> Self {
        Self { outcomes: 0, people: People::new(users), sources: 0 }
    }

    fn figure(&self) -> AccessFigure {
        AccessFigure { outcomes: self.outcomes, people: self.people.count(), sources: self.sources }
    }
}

/// The outcomes before and after of one class on each side, for the data sources that are in both.
struct ClassPair<'o> {
    before: &'o ClassOutcomes,
    after: &'o ClassOutcomes,
    sources: usize,
}

impl Figures {
    /// Counts what differs. Both snapshots have the same users and data sources, and differ in one policy.
    pub(super) fn count(before: &Outcomes, after: &Outcomes, difference: &Difference<'_>) -> Self {
        let snapshot = after.snapshot();
        let mut pairs: HashMap<(ClassIx, ClassIx), usize> = HashMap::new();
        for (one, other) in before.sources().iter().zip(after.sources()) {
            let name = &*snapshot.data_sources[other.source.get()].name;
            if difference.by_data_source().contains_key(name) {
                *pairs.entry((one.class, other.class)).or_default() += 1;
            }
        }
        let users = snapshot.users.len();
        let mut counters = [Counter::new(users), Counter::new(users), Counter::new(users)];
        let (mut blocking, mut newly_masked) = (Vec::new(), 0);
        let mut sorted: Vec<_> = pairs.into_iter().collect();
        sorted.sort_unstable();
        for ((one, other), sources) in sorted {
            let (one, other) = (before.class(one), after.class(other));
            let pair = ClassPair { before: &one, after: &other, sources };
            pair.count_access(&mut counters, &mut blocking);
            newly_masked += pair.newly_masked() * sources;
        }
        let name = |policy: &PolicyIx| snapshot.policies[policy.get()].spec.name.clone();
        let [gained, lost, blocked] = counters.map(|counter| counter.figure());
        Self {
            gained,
            lost,
            blocked,
            blocking: blocking.iter().map(name).collect(),
            masked: ColumnFigure { known: difference.counts().get(Effect::ColumnsMasked), new: newly_masked },
            unmasked: difference.counts().get(Effect::ColumnsClear),
        }
    }
}

impl ClassPair<'_> {
    fn count_access(&self, counters: &mut [Counter; 3], blocking: &mut Vec<PolicyIx>) {
        let mut is_counted = [false; 3];
        for scope in Scope::ALL {
            let after = self.after.scope(scope);
            for_each_user(self.before.scope(scope), after, |user, from, to| {
                let effect = match (from, to) {
                    (None | Some(Outcome::Blocked), Some(Outcome::Granted)) => 0,
                    (Some(Outcome::Granted), None) => 1,
                    (None | Some(Outcome::Granted), Some(Outcome::Blocked)) => 2,
                    _ => return,
                };
                counters[effect].outcomes += self.sources;
                counters[effect].people.add(user);
                is_counted[effect] = true;
                if effect == 2 {
                    let guardrails = after.reason(user).map(|reason| &reason.guardrails);
                    for guardrail in guardrails.into_iter().flatten() {
                        if !blocking.contains(guardrail) {
                            blocking.push(*guardrail);
                        }
                    }
                }
            });
        }
        for (counter, _) in counters.iter_mut().zip(is_counted).filter(|(_, counted)| *counted) {
            counter.sources += self.sources;
        }
    }

    /// How many columns of one data source people who did not read it before see masked.
    fn newly_masked(&self) -> usize {
        let columns = &self.after.columns;
        let is_masked: Vec<bool> =
            columns.reasons.iter().map(|reason| reason.outcome == ColumnOutcome::Masked).collect();
        let readers = columns.users.iter().enumerate();
        let is_new = |user: &UserIx| {
            let reason = self.before.read.reason(*user);
            reason.is_none_or(|reason| reason.outcome == Outcome::Blocked)
        };
        let new = readers.filter(|(_, user)| is_new(user));
        new.map(|(at, _)| columns.slots.iter().filter(|slot| is_masked[slot[at] as usize]).count()).sum()
    }
}

/// Calls `with` for each user who has an outcome on either side.
fn for_each_user(
    before: &ScopeOutcomes,
    after: &ScopeOutcomes,
    mut with: impl FnMut(UserIx, Option<Outcome>, Option<Outcome>),
) {
    let outcome = |of: &ScopeOutcomes, at: usize| of.reasons[of.reason_of[at] as usize].outcome;
    let (mut left, mut right) = (0, 0);
    loop {
        let (one, other) = (before.users.get(left), after.users.get(right));
        let Some(user) = [one, other].into_iter().flatten().min().copied() else { return };
        let is_before = one == Some(&user);
        let is_after = other == Some(&user);
        with(user, is_before.then(|| outcome(before, left)), is_after.then(|| outcome(after, right)));
        left += usize::from(is_before);
        right += usize::from(is_after);
    }
}
