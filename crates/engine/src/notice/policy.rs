//! The review of one policy.

use std::sync::OnceLock;

use domesday_model::{
    AppliesTo, DataPolicy, DataSourceIx, Kind, Level, Policy, PolicyKind, PolicyState, Snapshot,
};

use super::names::{List, Names};
use super::{Draft, Near, Notice, NoticeKind, NoticeObject};
use crate::admit::individuals;
use crate::applies::{Asking, Candidate, Columns, Target};
use crate::condition::Conditions;

/// What the review of a policy looks at.
pub(super) struct Review<'r, 's> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) conditions: &'r Conditions,
    pub(super) names: &'r Names<'s>,
    candidates: OnceLock<Vec<Candidate<'s>>>,
}

/// The notices of one policy so far.
pub(super) struct Found<'p> {
    kind: Kind,
    name: &'p str,
    pub(super) drafts: Vec<Draft<'p>>,
}

impl<'p> Found<'p> {
    pub(super) fn add(
        &mut self,
        kind: NoticeKind,
        field: impl Into<String>,
        message: impl Into<String>,
        near: Option<Near<'p>>,
    ) -> &mut Draft<'p> {
        let object = NoticeObject { kind: self.kind, name: self.name.to_owned() };
        let (field, message) = (Some(field.into()), message.into());
        let notice = Notice { kind, object, field, message, hint: None };
        self.drafts.push(Draft { notice, near, needs_near: false });
        self.drafts.last_mut().expect("one was added")
    }
}

impl<'r, 's> Review<'r, 's> {
    pub(super) fn new(snapshot: &'s Snapshot, conditions: &'r Conditions, names: &'r Names<'s>) -> Self {
        Self { snapshot, conditions, names, candidates: OnceLock::new() }
    }

    /// Every data source, as selections see it.
    pub(super) fn candidates(&self) -> &[Candidate<'s>] {
        self.candidates.get_or_init(|| {
            let sources = (0..self.snapshot.data_sources.len()).map(DataSourceIx::at);
            sources.map(|source| Candidate::of(self.snapshot, source)).collect()
        })
    }

    pub(super) fn policy<'p>(&self, policy: &'p Policy, asking: Option<Asking>) -> Vec<Draft<'p>> {
        let mut found = Found { kind: Kind::Policy, name: &policy.name, drafts: Vec::new() };
        if policy.state == PolicyState::Disabled {
            return found.drafts;
        }
        let target = Target::of(self.snapshot, &policy.applies_to);
        let applies = self.applies_to(&policy.applies_to, &target, asking, &mut found);
        let admits = match &policy.level {
            Level::Entitlements { condition } => {
                self.condition(condition, "condition", &mut found);
                !applies || self.holds_for_somebody(condition, &target, asking)
            }
            Level::Individuals { individuals: named } => {
                individuals(self.snapshot, self.conditions, named).iter().next().is_some()
            }
            Level::Anyone | Level::Approval => true,
        };
        if !admits && self.has_active_users() {
            let (field, who) = match &policy.level {
                Level::Entitlements { condition } => (
                    "condition",
                    self.nobody(condition).unwrap_or_else(|| "no active user satisfies it".to_owned()),
                ),
                _ => ("individuals", "no user named or in a group named is active".to_owned()),
            };
            match policy.kind {
                PolicyKind::Grant => {
                    found.add(NoticeKind::AdmitsNobody, field, format!("admits nobody: {who}"), None);
                }
                PolicyKind::Guardrail => {
                    let message = format!("blocks everybody: {who}");
                    found.add(NoticeKind::BlocksEverybody, field, message, None);
                }
            }
        }
        found.drafts
    }

    pub(super) fn data_policy<'p>(&self, policy: &'p DataPolicy, asking: Option<Asking>) -> Vec<Draft<'p>> {
        let mut found = Found { kind: Kind::DataPolicy, name: &policy.name, drafts: Vec::new() };
        if policy.state == PolicyState::Disabled {
            return found.drafts;
        }
        let target = Target::of(self.snapshot, &policy.applies_to);
        let applies = self.applies_to(&policy.applies_to, &target, asking, &mut found);
        if applies {
            self.columns(policy, &target, asking, &mut found);
        }
        if let Some(except) = &policy.except {
            self.condition(except, "except", &mut found);
            if applies && self.has_active_users() && !self.holds_for_somebody(except, &target, asking) {
                let who = self.nobody(except).unwrap_or_else(|| "no active user satisfies it".to_owned());
                found.add(NoticeKind::AdmitsNobody, "except", format!("excepts nobody: {who}"), None);
            }
        }
        found.drafts
    }

    /// Whether a data policy masks any column of the data sources it applies to, and each of its entries one.
    fn columns<'p>(
        &self,
        policy: &'p DataPolicy,
        target: &Target<'_>,
        asking: Option<Asking>,
        found: &mut Found<'p>,
    ) {
        let columns = Columns::of(self.snapshot, &policy.columns);
        let masks = self.candidates().iter().filter(|one| matches(target, asking, one)).any(|candidate| {
            self.snapshot.columns_of(candidate.source()).any(|(_, column)| columns.matches(column))
        });
        let near = |text| Some(Near { list: List::Columns, text });
        let unknown: Vec<&'p String> = policy
            .columns
            .names
            .iter()
            .filter(|pattern| !self.names.matches(List::Columns, pattern))
            .collect();
        if !masks {
            let near = unknown.first().and_then(|pattern| near(pattern.as_str()));
            let message = match (&*unknown, &*policy.columns.tagged) {
                ([], _) => "masks no column: none of its data sources has such a column".to_owned(),
                ([pattern, ..], []) => format!("masks no column: no column's name matches `{pattern}`"),
                ([pattern, ..], _) => {
                    format!("masks no column: no column's name matches `{pattern}`, and none has the tag")
                }
            };
            found.add(NoticeKind::NoColumn, "columns", message, near);
            return;
        }
        for pattern in unknown {
            let message = format!("`{pattern}` under `columns.names` matches no column");
            found.add(NoticeKind::NoMatch, "columns.names", message, near(pattern.as_str()));
        }
    }

    fn has_active_users(&self) -> bool {
        self.conditions.index().active.iter().next().is_some()
    }
}

/// Whether a policy applies to a data source; one that is not in the snapshot is opted into by none.
pub(super) fn matches(target: &Target<'_>, asking: Option<Asking>, candidate: &Candidate<'_>) -> bool {
    match (target, asking) {
        (Target::OptIn, None) => false,
        (_, Some(asking)) => target.matches(asking, candidate),
        (_, None) => target.matches(Asking::Subscription(domesday_model::PolicyIx::at(0)), candidate),
    }
}

/// Whether a selection is of every data source.
pub(super) fn is_all(applies_to: &AppliesTo) -> bool {
    *applies_to == AppliesTo::All
}
