//! The review of one policy.

use std::sync::OnceLock;

use domesday_model::{
    AppliesTo, DataPolicy, DataSourceIx, Kind, Level, Policy, PolicyKind, PolicyState, Snapshot,
};

use super::names::{NameList, Names};
use super::{CatalogWarning, SearchText, WarningDraft, WarningKind, WarningObject};
use crate::admission::individuals;
use crate::condition::Bindings;
use crate::selection::{Candidate, ColumnSelection, PolicyRef, SourceSelection};

/// Reviews policies on a snapshot.
pub(super) struct PolicyReview<'r, 's> {
    pub(super) snapshot: &'s Snapshot,
    pub(super) bindings: &'r Bindings,
    pub(super) names: &'r Names<'s>,
    candidates: OnceLock<Vec<Candidate<'s>>>,
}

/// The warnings about one policy so far.
pub(super) struct DraftList<'p> {
    kind: Kind,
    name: &'p str,
    pub(super) drafts: Vec<WarningDraft<'p>>,
}

impl<'p> DraftList<'p> {
    pub(super) fn add(
        &mut self,
        kind: WarningKind,
        field: impl Into<String>,
        message: impl Into<String>,
        similar_to: Option<SearchText<'p>>,
    ) -> &mut WarningDraft<'p> {
        let object = WarningObject { kind: self.kind, name: self.name.to_owned() };
        let (field, message) = (Some(field.into()), message.into());
        let warning = CatalogWarning { kind, object, field, message, hint: None };
        self.drafts.push(WarningDraft { warning, similar_to, needs_similar: false });
        self.drafts.last_mut().expect("one was added")
    }
}

impl<'r, 's> PolicyReview<'r, 's> {
    pub(super) fn new(snapshot: &'s Snapshot, bindings: &'r Bindings, names: &'r Names<'s>) -> Self {
        Self { snapshot, bindings, names, candidates: OnceLock::new() }
    }

    /// Returns every data source, to be matched against selections.
    pub(super) fn candidates(&self) -> &[Candidate<'s>] {
        self.candidates.get_or_init(|| {
            let sources = (0..self.snapshot.data_sources.len()).map(DataSourceIx::at);
            sources.map(|source| Candidate::new(self.snapshot, source)).collect()
        })
    }

    pub(super) fn policy<'p>(
        &self,
        policy: &'p Policy,
        policy_ref: Option<PolicyRef>,
    ) -> Vec<WarningDraft<'p>> {
        let mut found = DraftList { kind: Kind::Policy, name: &policy.name, drafts: Vec::new() };
        if policy.state == PolicyState::Disabled {
            return found.drafts;
        }
        let selection = SourceSelection::resolve(self.snapshot, &policy.applies_to);
        let applies = self.applies_to(&policy.applies_to, &selection, policy_ref, &mut found);
        let admits = match &policy.level {
            Level::Entitlements { condition } => {
                self.condition(condition, "condition", &mut found);
                !applies || self.is_satisfiable(condition, &selection, policy_ref)
            }
            Level::Individuals { individuals: named } => {
                !individuals(self.snapshot, self.bindings.users(), named).is_empty()
            }
            Level::Anyone | Level::Approval => true,
        };
        if !admits && self.has_active_users() {
            let (field, who) = match &policy.level {
                Level::Entitlements { condition } => (
                    "condition",
                    self.unsatisfied_because(condition)
                        .unwrap_or_else(|| "no active user satisfies it".to_owned()),
                ),
                _ => ("individuals", "no user named or in a group named is active".to_owned()),
            };
            match policy.kind {
                PolicyKind::Grant => {
                    found.add(WarningKind::AdmitsNobody, field, format!("admits nobody: {who}"), None);
                }
                PolicyKind::Guardrail => {
                    let message = format!("blocks everybody: {who}");
                    found.add(WarningKind::BlocksEverybody, field, message, None);
                }
            }
        }
        found.drafts
    }

    pub(super) fn data_policy<'p>(
        &self,
        policy: &'p DataPolicy,
        policy_ref: Option<PolicyRef>,
    ) -> Vec<WarningDraft<'p>> {
        let mut found = DraftList { kind: Kind::DataPolicy, name: &policy.name, drafts: Vec::new() };
        if policy.state == PolicyState::Disabled {
            return found.drafts;
        }
        let selection = SourceSelection::resolve(self.snapshot, &policy.applies_to);
        let applies = self.applies_to(&policy.applies_to, &selection, policy_ref, &mut found);
        if applies {
            self.columns(policy, &selection, policy_ref, &mut found);
        }
        if let Some(except) = &policy.except {
            self.condition(except, "except", &mut found);
            if applies && self.has_active_users() && !self.is_satisfiable(except, &selection, policy_ref) {
                let who = self
                    .unsatisfied_because(except)
                    .unwrap_or_else(|| "no active user satisfies it".to_owned());
                found.add(WarningKind::AdmitsNobody, "except", format!("excepts nobody: {who}"), None);
            }
        }
        found.drafts
    }

    /// Whether a data policy masks any column of the data sources it applies to, and each of its entries one.
    fn columns<'p>(
        &self,
        policy: &'p DataPolicy,
        selection: &SourceSelection<'_>,
        policy_ref: Option<PolicyRef>,
        found: &mut DraftList<'p>,
    ) {
        let columns = ColumnSelection::resolve(self.snapshot, &policy.columns);
        let masks =
            self.candidates().iter().filter(|one| matches(selection, policy_ref, one)).any(|candidate| {
                self.snapshot.columns_of(candidate.source()).any(|(_, column)| columns.matches(column))
            });
        let similar_to = |text| Some(SearchText { list: NameList::Columns, text });
        let unknown: Vec<&'p String> = policy
            .columns
            .names
            .iter()
            .filter(|pattern| !self.names.matches(NameList::Columns, pattern))
            .collect();
        if !masks {
            let text = unknown.first().and_then(|pattern| similar_to(pattern.as_str()));
            let message = match (&*unknown, &*policy.columns.tagged) {
                ([], _) => "masks no column: none of its data sources has such a column".to_owned(),
                ([pattern, ..], []) => format!("masks no column: no column's name matches `{pattern}`"),
                ([pattern, ..], _) => {
                    format!("masks no column: no column's name matches `{pattern}`, and none has the tag")
                }
            };
            found.add(WarningKind::NoColumn, "columns", message, text);
            return;
        }
        for pattern in unknown {
            let message = format!("`{pattern}` under `columns.names` matches no column");
            found.add(WarningKind::NoMatch, "columns.names", message, similar_to(pattern.as_str()));
        }
    }

    fn has_active_users(&self) -> bool {
        !self.bindings.users().active.is_empty()
    }
}

/// Whether a policy applies to a data source. No source has opted into a policy that is not in the snapshot.
pub(super) fn matches(
    selection: &SourceSelection<'_>,
    policy_ref: Option<PolicyRef>,
    candidate: &Candidate<'_>,
) -> bool {
    match (selection, policy_ref) {
        (SourceSelection::OptIn, None) => false,
        (_, Some(policy_ref)) => selection.matches(policy_ref, candidate),
        (_, None) => selection.matches(PolicyRef::Subscription(domesday_model::PolicyIx::at(0)), candidate),
    }
}

/// Whether a selection selects every data source.
pub(super) fn is_all(applies_to: &AppliesTo) -> bool {
    *applies_to == AppliesTo::All
}
