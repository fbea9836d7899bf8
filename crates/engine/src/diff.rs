//! What a change would do: the outcomes of two snapshots compared by name, before anything is applied.
//!
//! Users and data sources are matched by name, since a directory and the store give ids of their own. Sources
//! that share their class on both sides differ alike, so each pair of classes is compared once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use domesday_model::{ColumnIx, DataSourceIx, Scope, UserIx};
use serde::Serialize;

use crate::Outcomes;
use crate::explain::Access;
use crate::outcomes::{ClassIx, ClassOutcomes, ColumnOutcome, Outcome, Reason};

/// Every outcome that differs: access in the order data source, scope, user; then columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Access to data sources that differs.
    pub access: Vec<AccessChange>,
    /// Columns that somebody who reads before and after sees otherwise.
    pub columns: Vec<ColumnChange>,
}

/// One user's access to one data source in one scope, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccessChange {
    /// Data source by name.
    pub data_source: String,
    /// `READ` or `WRITE`.
    pub scope: &'static str,
    /// Username.
    pub user: String,
    /// Before.
    pub from: Access,
    /// After.
    pub to: Access,
    /// What it comes to.
    pub effect: Effect,
    /// The policies behind it: grants that admit on one side only, guardrails that block on one side only.
    pub policies: BTreeSet<String>,
}

/// What an [`AccessChange`] comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// Access where nothing reached before.
    Added,
    /// Access that a guardrail no longer blocks.
    Unblocked,
    /// Access that is gone.
    Removed,
    /// Access that a guardrail blocks now.
    Blocked,
    /// A grant came or went behind a guardrail that blocks: nobody gains or loses.
    Idle,
}

impl Effect {
    fn of(from: Access, to: Access) -> Self {
        match (from, to) {
            (Access::None, Access::Granted) => Self::Added,
            (Access::Blocked, Access::Granted) => Self::Unblocked,
            (Access::Granted, Access::None) => Self::Removed,
            (Access::Granted, Access::Blocked) => Self::Blocked,
            _ => Self::Idle,
        }
    }

    /// Whether somebody has access who had none.
    #[must_use]
    pub fn gains(self) -> bool {
        matches!(self, Self::Added | Self::Unblocked)
    }
}

/// One column that a reader sees otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnChange {
    /// Data source by name.
    pub data_source: String,
    /// Username.
    pub user: String,
    /// The column.
    pub column: String,
    /// Whether its values are clear to the user now; before they were the other way.
    pub clear: bool,
}

impl Difference {
    /// How many outcomes give what was not there: access added or unblocked, and columns clear now. What a
    /// limit on a change is measured by.
    #[must_use]
    pub fn gained(&self) -> usize {
        self.access.iter().filter(|change| change.effect.gains()).count()
            + self.columns.iter().filter(|change| change.clear).count()
    }

    /// How many changes of access have each effect.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Effect, usize> {
        let mut counts = BTreeMap::new();
        self.access.iter().for_each(|change| *counts.entry(change.effect).or_default() += 1);
        counts
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.access.is_empty() && self.columns.is_empty()
    }
}

/// Compares the outcomes of two snapshots.
#[must_use]
pub fn diff(before: &Outcomes<'_>, after: &Outcomes<'_>) -> Difference {
    let mut comparison =
        Comparison { before: Side::of(before), after: Side::of(after), of_pair: HashMap::new() };
    let mut difference = Difference::default();
    let names: BTreeSet<&str> =
        comparison.before.sources.keys().chain(comparison.after.sources.keys()).copied().collect();
    for name in names {
        comparison.compare(name, &mut difference);
    }
    difference
}

/// One of the two snapshots, by name.
struct Side<'a, 's> {
    outcomes: &'a Outcomes<'s>,
    /// Position in [`Outcomes::sources`] of each enabled source.
    sources: BTreeMap<&'s str, usize>,
}

/// What users have in one class: access with the policies that decide, by scope and username.
type Rows<'s> = BTreeMap<(Scope, &'s str), (Access, BTreeSet<&'s str>)>;

impl<'a, 's> Side<'a, 's> {
    fn of(outcomes: &'a Outcomes<'s>) -> Self {
        let snapshot = outcomes.snapshot();
        let name = |source: DataSourceIx| &*snapshot.data_sources[source.get()].name;
        let sources = outcomes.sources().iter().enumerate();
        Self { outcomes, sources: sources.map(|(position, of)| (name(of.source), position)).collect() }
    }

    fn class(&self, source: &str) -> Option<ClassIx> {
        self.sources.get(source).map(|position| self.outcomes.sources()[*position].class)
    }

    fn username(&self, user: UserIx) -> &'s str {
        &self.outcomes.snapshot().users[user.get()].username
    }

    fn rows(&self, class: &ClassOutcomes) -> Rows<'s> {
        let policies = &self.outcomes.snapshot().policies;
        let deciding = |reason: &Reason| {
            let guardrails = if reason.outcome == Outcome::Blocked { &*reason.guardrails } else { &[] };
            reason
                .grants
                .iter()
                .chain(guardrails)
                .map(|policy| policies[policy.get()].spec.name.as_str())
                .collect()
        };
        let mut rows = Rows::new();
        for scope in Scope::ALL {
            let outcomes = class.scope(scope);
            for (user, reason) in outcomes.users.iter().zip(&outcomes.reason_of) {
                let reason = &outcomes.reasons[*reason as usize];
                let access = match reason.outcome {
                    Outcome::Granted => Access::Granted,
                    Outcome::Blocked => Access::Blocked,
                };
                rows.insert((scope, self.username(*user)), (access, deciding(reason)));
            }
        }
        rows
    }

    /// For the readers of a source, whether each masked column is clear, by username and column name. A column
    /// that is not there is clear.
    fn columns(&self, source: &str, class: &ClassOutcomes) -> HashMap<&'s str, BTreeMap<&'s str, bool>> {
        let Some(position) = self.sources.get(source) else { return HashMap::new() };
        let names = &self.outcomes.sources()[*position].columns;
        let name = |column: ColumnIx| &*self.outcomes.snapshot().columns[column.get()].name;
        let mut readers: HashMap<_, BTreeMap<_, _>> = HashMap::new();
        for (user, reason) in class.read.users.iter().zip(&class.read.reason_of) {
            if class.read.reasons[*reason as usize].outcome == Outcome::Granted {
                readers.insert(self.username(*user), BTreeMap::new());
            }
        }
        for (slot, column) in class.columns.slots.iter().zip(names) {
            for (user, reason) in class.columns.users.iter().zip(slot) {
                let clear = class.columns.reasons[*reason as usize].outcome == ColumnOutcome::Unmasked;
                readers.entry(self.username(*user)).or_default().insert(name(*column), clear);
            }
        }
        readers
    }
}

struct Comparison<'a, 's, 't> {
    before: Side<'a, 's>,
    after: Side<'a, 't>,
    of_pair: HashMap<(Option<ClassIx>, Option<ClassIx>), Rc<Pair>>,
}

/// Two classes, evaluated, and what differs between them.
struct Pair {
    before: ClassOutcomes,
    after: ClassOutcomes,
    /// Without the name of the data source.
    access: Vec<AccessChange>,
}

impl Comparison<'_, '_, '_> {
    fn compare(&mut self, source: &str, difference: &mut Difference) {
        let key = (self.before.class(source), self.after.class(source));
        let pair = match self.of_pair.get(&key) {
            Some(pair) => Rc::clone(pair),
            None => {
                let pair = Rc::new(self.pair(key.0, key.1));
                self.of_pair.insert(key, Rc::clone(&pair));
                pair
            }
        };
        let named = |change: &AccessChange| AccessChange { data_source: source.to_owned(), ..change.clone() };
        difference.access.extend(pair.access.iter().map(named));
        let before = self.before.columns(source, &pair.before);
        let mut after: Vec<_> = self.after.columns(source, &pair.after).into_iter().collect();
        after.sort_unstable_by_key(|(user, _)| *user);
        for (user, now) in after {
            let Some(then) = before.get(user) else { continue };
            let columns: BTreeSet<&str> = then.keys().chain(now.keys()).copied().collect();
            for column in columns {
                let clear = |columns: &BTreeMap<&str, bool>| columns.get(column).copied().unwrap_or(true);
                if clear(then) != clear(&now) {
                    difference.columns.push(ColumnChange {
                        data_source: source.to_owned(),
                        user: user.to_owned(),
                        column: column.to_owned(),
                        clear: clear(&now),
                    });
                }
            }
        }
    }

    fn pair(&self, before: Option<ClassIx>, after: Option<ClassIx>) -> Pair {
        let before = before.map(|class| self.before.outcomes.class(class)).unwrap_or_default();
        let after = after.map(|class| self.after.outcomes.class(class)).unwrap_or_default();
        let (then, now) = (self.before.rows(&before), self.after.rows(&after));
        let keys: BTreeSet<(Scope, &str)> = then.keys().chain(now.keys()).copied().collect();
        let nothing = (Access::None, BTreeSet::new());
        let mut access = Vec::new();
        for key in keys {
            let (from, policies_before) = then.get(&key).unwrap_or(&nothing);
            let (to, policies_after) = now.get(&key).unwrap_or(&nothing);
            if from != to {
                let policies = policies_before.symmetric_difference(policies_after);
                access.push(AccessChange {
                    data_source: String::new(),
                    scope: key.0.as_str(),
                    user: key.1.to_owned(),
                    from: *from,
                    to: *to,
                    effect: Effect::of(*from, *to),
                    policies: policies.map(|name| (*name).to_owned()).collect(),
                });
            }
        }
        Pair { before, after, access }
    }
}
