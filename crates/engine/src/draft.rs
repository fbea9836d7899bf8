//! What a policy that is being written selects, before it is part of a snapshot: its data sources, their columns, and
//! the users for whom its condition holds.

use std::collections::HashSet;

use domesday_model::condition::{Atom, Template, Variable};
use domesday_model::{
    AppliesTo, ColumnSelector, Condition, DataPolicyIx, DataSourceIx, PolicyIx, Snapshot, UserIx,
};
use rayon::prelude::*;

use crate::Outcomes;
use crate::condition::ConditionInputs;
use crate::selection::{Candidate, ColumnSelection, PolicyRef, SourceSelection};
use crate::user_set::UserSet;

/// At how many different data sources a condition is evaluated.
const MAX_SOURCES: usize = 1024;

/// The same for a condition that is evaluated user by user.
const MAX_SOURCES_BY_USER: usize = 16;

/// The policy of a snapshot that a draft replaces, which data sources may have opted into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacedPolicy {
    /// None: the draft is a new policy.
    None,
    /// A subscription policy.
    Subscription(PolicyIx),
    /// A data policy.
    Data(DataPolicyIx),
}

/// The active users who meet a condition at one of the given data sources at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SatisfyingUsers {
    /// How many there are.
    pub count: usize,
    /// Whether the condition was evaluated at every data source; there may be more users otherwise.
    pub is_complete: bool,
}

impl Outcomes {
    /// Returns the data sources, disabled ones included, that an `appliesTo` selects, in id order.
    #[must_use]
    pub fn selected_sources(&self, applies_to: &AppliesTo, replaced: ReplacedPolicy) -> Vec<DataSourceIx> {
        let snapshot = &**self.snapshot();
        let selection = SourceSelection::resolve(snapshot, applies_to);
        let policy_ref = match replaced {
            ReplacedPolicy::Subscription(policy) => PolicyRef::Subscription(policy),
            ReplacedPolicy::Data(policy) => PolicyRef::Data(policy),
            // No data source has opted into a policy that does not exist yet.
            ReplacedPolicy::None if *applies_to == AppliesTo::OptIn => return Vec::new(),
            ReplacedPolicy::None => PolicyRef::Subscription(PolicyIx::at(0)),
        };
        let sources = (0..snapshot.data_sources.len()).into_par_iter().map(DataSourceIx::at);
        sources.filter(|source| selection.matches(policy_ref, &Candidate::new(snapshot, *source))).collect()
    }

    /// Returns how many columns of some data sources a data policy selects.
    #[must_use]
    pub fn selected_columns(&self, sources: &[DataSourceIx], columns: &ColumnSelector) -> usize {
        let snapshot: &Snapshot = self.snapshot();
        let selection = ColumnSelection::resolve(snapshot, columns);
        let count = |source: &DataSourceIx| {
            snapshot.columns_of(*source).filter(|(_, column)| selection.matches(column)).count()
        };
        sources.par_iter().map(count).sum()
    }

    /// Returns for how many active users a condition holds at any of some data sources. Bounded: a condition that differs
    /// at very many data sources is evaluated at the first of them only.
    #[must_use]
    pub fn satisfying_users(&self, condition: &Condition, sources: &[DataSourceIx]) -> SatisfyingUsers {
        let snapshot = &**self.snapshot();
        let inputs = ConditionInputs::find(condition);
        let most = if is_evaluated_by_user(condition) { MAX_SOURCES_BY_USER } else { MAX_SOURCES };
        let evaluator = self.bindings.evaluator(snapshot);
        let mut users = UserSet::empty(snapshot.users.len());
        let mut seen = HashSet::new();
        let mut is_complete = true;
        for source in sources {
            if seen.contains(&self.bindings.source_inputs(inputs, *source)) {
                continue;
            }
            if seen.len() == most {
                is_complete = false;
                break;
            }
            seen.insert(self.bindings.source_inputs(inputs, *source));
            users.union(&evaluator.users_of(condition, *source));
        }
        SatisfyingUsers { count: users.iter().count(), is_complete }
    }

    /// Returns the active users.
    pub fn active_users(&self) -> impl Iterator<Item = UserIx> + '_ {
        self.bindings.users().active.iter()
    }
}

/// Whether a condition contains a variable of the user, so that it is evaluated user by user.
fn is_evaluated_by_user(condition: &Condition) -> bool {
    let depends = |template: &Template| template.variables().any(Variable::is_user);
    condition.atoms().any(|atom| match atom {
        Atom::InGroups(groups) => groups.iter().any(depends),
        Atom::HasAttribute { value, .. } => depends(value),
        Atom::HasTagAsAttribute { .. } | Atom::HasTagAsGroup { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use domesday_model::{Catalog, Declared, Instant, Selector};
    use serde_json::json;

    use super::*;
    use crate::evaluate;

    fn declare<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Declared<T> {
        Declared::new(serde_json::from_value(value).unwrap(), "")
    }

    fn outcomes() -> Outcomes {
        let catalog = Catalog {
            tags: ["Sales", "Sales.Orders"].map(|name| declare(json!({ "name": name }))).into(),
            groups: vec![declare(json!({ "name": "A" }))],
            users: [json!({ "username": "ada", "groups": ["A"] }), json!({ "username": "bob" })]
                .map(declare)
                .into(),
            data_sources: vec![
                declare(json!({
                    "name": "Orders", "platform": "s3", "tags": ["Sales.Orders"], "schema": "A",
                    "columns": [{ "name": "email", "type": "text" }, { "name": "id", "type": "text" }]
                })),
                declare(json!({ "name": "Other", "platform": "s3", "schema": "B" })),
            ],
            ..Catalog::default()
        };
        evaluate(Snapshot::of_catalog(&catalog, Instant::from_micros(0)).unwrap())
    }

    #[test]
    fn a_draft_selects_sources_columns_and_users() {
        let outcomes = outcomes();
        let tagged = Selector { tagged: Some(vec!["Sales".to_owned()]), ..Selector::default() };
        let some = AppliesTo::Any(vec![tagged]);
        let sources = outcomes.selected_sources(&some, ReplacedPolicy::None);
        assert_eq!(sources, [DataSourceIx::at(0)]);
        let all = outcomes.selected_sources(&AppliesTo::All, ReplacedPolicy::None);
        assert_eq!(all.len(), 2);
        assert!(outcomes.selected_sources(&AppliesTo::OptIn, ReplacedPolicy::None).is_empty());
        let columns = ColumnSelector { names: vec!["e*".to_owned()], ..ColumnSelector::default() };
        assert_eq!(outcomes.selected_columns(&all, &columns), 1);
        let count = |text: &str, sources: &[DataSourceIx]| {
            let found = outcomes.satisfying_users(&text.parse().unwrap(), sources);
            assert!(found.is_complete);
            found.count
        };
        assert_eq!(count("@isInGroups('A')", &all), 1);
        assert_eq!(count("@isInGroups('@schema')", &sources), 1);
        assert_eq!(count("@isInGroups('@schema')", &all[1..]), 0);
        assert_eq!(count("NOT @isInGroups('A')", &all), 1);
        assert_eq!(outcomes.active_users().count(), 2);
    }
}
