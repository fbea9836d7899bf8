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
    /// What else is behind it: `OWNER` or `REQUEST` where it is a reason on one side only.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rights: BTreeSet<&'static str>,
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
    /// The data policies behind it: those that mask on one side only.
    pub policies: BTreeSet<String>,
    /// `REQUEST` where a masking exception clears it on one side only.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rights: BTreeSet<&'static str>,
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

/// What is behind one outcome.
#[derive(Debug, Clone, Default)]
struct Behind<'s> {
    policies: BTreeSet<&'s str>,
    rights: BTreeSet<&'static str>,
}

impl Behind<'_> {
    /// What is behind one of two outcomes only.
    fn apart(&self, other: &Behind<'_>) -> (BTreeSet<String>, BTreeSet<&'static str>) {
        let policies = self.policies.symmetric_difference(&other.policies);
        let rights = self.rights.symmetric_difference(&other.rights);
        (policies.map(|name| (*name).to_owned()).collect(), rights.copied().collect())
    }
}

/// What users have in one class: access with what decides, by scope and username.
type Rows<'s> = BTreeMap<(Scope, &'s str), (Access, Behind<'s>)>;

/// Whether a reader sees a column clear, with what decides.
type Columns<'s> = BTreeMap<&'s str, (bool, Behind<'s>)>;

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
            let deciding = reason.grants.iter().chain(guardrails);
            Behind {
                policies: deciding.map(|policy| policies[policy.get()].spec.name.as_str()).collect(),
                rights: reason.because.parts().into_iter().filter(|part| *part != "POLICY").collect(),
            }
        };
        let mut rows = Rows::new();
        for scope in Scope::ALL {
            let outcomes = class.scope(scope);
            for (user, reason) in outcomes.users.iter().zip(&outcomes.reason_of) {
                let reason = &outcomes.reasons[*reason as usize];
                rows.insert((scope, self.username(*user)), (reason.outcome.into(), deciding(reason)));
            }
        }
        rows
    }

    /// For the readers of a source, whether each masked column is clear, by username and column name. A column
    /// that is not there is clear.
    fn columns(&self, source: &str, class: &ClassOutcomes) -> HashMap<&'s str, Columns<'s>> {
        let Some(position) = self.sources.get(source) else { return HashMap::new() };
        let snapshot = self.outcomes.snapshot();
        let names = &self.outcomes.sources()[*position].columns;
        let name = |column: ColumnIx| &*snapshot.columns[column.get()].name;
        let mut readers: HashMap<_, Columns<'_>> = HashMap::new();
        for (user, reason) in class.read.users.iter().zip(&class.read.reason_of) {
            if class.read.reasons[*reason as usize].outcome == Outcome::Granted {
                readers.insert(self.username(*user), BTreeMap::new());
            }
        }
        for (slot, column) in class.columns.slots.iter().zip(names) {
            for (user, reason) in class.columns.users.iter().zip(slot) {
                let reason = &class.columns.reasons[*reason as usize];
                let clear = reason.outcome == ColumnOutcome::Unmasked;
                let masking = if clear { &[] } else { &*reason.data_policies };
                let policies = masking.iter().map(|ix| snapshot.data_policies[ix.get()].spec.name.as_str());
                let behind = Behind {
                    policies: policies.collect(),
                    rights: reason.request.map(|_| "REQUEST").into_iter().collect(),
                };
                readers.entry(self.username(*user)).or_default().insert(name(*column), (clear, behind));
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
            let untouched = (true, Behind::default());
            for column in columns {
                let (was_clear, behind_then) = then.get(column).unwrap_or(&untouched);
                let (clear, behind_now) = now.get(column).unwrap_or(&untouched);
                if was_clear != clear {
                    let (policies, rights) = behind_then.apart(behind_now);
                    difference.columns.push(ColumnChange {
                        data_source: source.to_owned(),
                        user: user.to_owned(),
                        column: column.to_owned(),
                        clear: *clear,
                        policies,
                        rights,
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
        let nothing = (Access::None, Behind::default());
        let mut access = Vec::new();
        for key in keys {
            let (from, behind_then) = then.get(&key).unwrap_or(&nothing);
            let (to, behind_now) = now.get(&key).unwrap_or(&nothing);
            if from != to {
                let (policies, rights) = behind_then.apart(behind_now);
                access.push(AccessChange {
                    data_source: String::new(),
                    scope: key.0.as_str(),
                    user: key.1.to_owned(),
                    from: *from,
                    to: *to,
                    effect: Effect::of(*from, *to),
                    policies,
                    rights,
                });
            }
        }
        Pair { before, after, access }
    }
}
