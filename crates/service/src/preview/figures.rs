//! The figures of a preview: how many outcomes, people and data sources each effect concerns.

use std::collections::{BTreeSet, HashMap};

use domesday_engine::{
    ClassIx, ClassOutcomes, ColumnOutcome, Difference, Effect, Outcome, Outcomes, ScopeOutcomes,
};
use domesday_model::{PolicyIx, Scope, UserIx};
use rayon::prelude::*;

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

/// What is counted of some classes.
struct Tally {
    /// Gained, lost, blocked.
    counters: [Counter; 3],
    /// The guardrails that block, in id order.
    blocking: BTreeSet<PolicyIx>,
    newly_masked: usize,
}

impl Tally {
    fn new(users: usize) -> Self {
        let counters = [Counter::new(users), Counter::new(users), Counter::new(users)];
        Self { counters, blocking: BTreeSet::new(), newly_masked: 0 }
    }

    fn merge(mut self, other: Self) -> Self {
        for (counter, more) in self.counters.iter_mut().zip(other.counters) {
            counter.outcomes += more.outcomes;
            counter.sources += more.sources;
            counter.people.add_all(&more.people);
        }
        self.blocking.extend(other.blocking);
        self.newly_masked += other.newly_masked;
        self
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
        let empty = || Tally::new(snapshot.users.len());
        let pairs: Vec<_> = pairs.into_iter().collect();
        let tally = pairs.into_par_iter().fold(empty, |mut tally, ((one, other), sources)| {
            let (one, other) = (before.class(one), after.class(other));
            let pair = ClassPair { before: &one, after: &other, sources };
            pair.count_access(&mut tally);
            tally.newly_masked += pair.newly_masked() * sources;
            tally
        });
        let Tally { counters, blocking, newly_masked } = tally.reduce(empty, Tally::merge);
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
    fn count_access(&self, tally: &mut Tally) {
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
                tally.counters[effect].outcomes += self.sources;
                tally.counters[effect].people.add(user);
                is_counted[effect] = true;
                if effect == 2 {
                    let guardrails = after.reason(user).map(|reason| &reason.guardrails);
                    tally.blocking.extend(guardrails.into_iter().flatten());
                }
            });
        }
        let counted = tally.counters.iter_mut().zip(is_counted).filter(|(_, is_counted)| *is_counted);
        counted.for_each(|(counter, _)| counter.sources += self.sources);
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

#[cfg(test)]
mod tests {
    use domesday_engine::{diff, evaluate};
    use domesday_model::{Catalog, Declared, Instant, PolicyState, Snapshot};
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    fn declare<T: DeserializeOwned>(list: Value) -> Vec<Declared<T>> {
        let list: Vec<T> = serde_json::from_value(list).unwrap();
        list.into_iter().map(|one| Declared::new(one, "")).collect()
    }

    fn snapshot() -> Snapshot {
        let column = json!([{ "name": "email", "type": "text" }, { "name": "id", "type": "text" }]);
        let catalog = Catalog {
            groups: declare(json!([{ "name": "A" }, { "name": "Trained" }])),
            users: declare(json!([
                { "username": "ada", "groups": ["A", "Trained"] }, { "username": "bob", "groups": ["A"] },
                { "username": "cleo", "groups": ["Trained"] }, { "username": "dan" }
            ])),
            data_sources: declare(json!([
                { "name": "One", "platform": "s3", "columns": column },
                { "name": "Two", "platform": "s3", "columns": column },
                { "name": "Three", "platform": "s3", "owners": ["dan"] }
            ])),
            policies: declare(json!([
                { "name": "Read", "type": "grant", "level": "entitlements", "condition": "@isInGroups('A')",
                  "appliesTo": [{ "dataSources": ["One", "Two"] }], "state": "staged" },
                { "name": "Training", "type": "guardrail", "level": "entitlements",
                  "condition": "@isInGroups('Trained')", "appliesTo": [{ "names": ["T*"] }] }
            ])),
            data_policies: declare(json!([
                { "name": "Mask", "mask": { "kind": "hash" }, "columns": { "names": ["email"] }, "appliesTo": "all" }
            ])),
            ..Catalog::default()
        };
        Snapshot::of_catalog(&catalog, Instant::from_micros(0)).unwrap()
    }

    /// The figures of a change, checked against the difference that the API answers with.
    fn figures(before: Snapshot, after: Snapshot) -> Figures {
        let (before, after) = (evaluate(before), evaluate(after));
        let difference = diff(&before, &after, 100);
        let figures = Figures::count(&before, &after, &difference);
        let count = |effect| difference.counts().get(effect);
        assert_eq!(figures.gained.outcomes, count(Effect::Added) + count(Effect::Unblocked));
        assert_eq!(figures.lost.outcomes, count(Effect::Removed));
        assert!(figures.blocked.outcomes >= count(Effect::Blocked));
        figures
    }

    #[test]
    fn figures_count_outcomes_people_and_data_sources() {
        let before = snapshot();
        let mut after = before.clone();
        after.policies[0].spec.state = PolicyState::Active;
        let gained = figures(before.clone(), after.clone());
        let figure = |outcomes, people, sources| AccessFigure { outcomes, people, sources };
        // Both read One; Two is for the trained.
        assert_eq!(gained.gained, figure(3, 2, 2));
        assert_eq!(gained.blocked, figure(1, 1, 1));
        assert_eq!(gained.blocking, ["Training"]);
        assert_eq!((gained.lost, gained.unmasked), (figure(0, 0, 0), 0));
        assert_eq!(gained.masked, ColumnFigure { known: 0, new: 3 });
        let lost = figures(after.clone(), before);
        assert_eq!((lost.lost, lost.masked.total()), (figure(3, 2, 2), 0));
        let mut unmasked = after.clone();
        unmasked.data_policies[0].spec.state = PolicyState::Disabled;
        assert_eq!(figures(after.clone(), unmasked.clone()).unmasked, 3);
        assert_eq!(figures(unmasked, after).masked, ColumnFigure { known: 3, new: 0 });
    }
}
