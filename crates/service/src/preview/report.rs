//! A preview as people read it.

use std::collections::BTreeMap;

use domesday_engine::{CatalogWarning, Difference, Effect, EffectCounts};
use domesday_model::Scope;

use super::figures::Figures;

/// What a draft would change: in figures; by policy, data source and person; and change by change.
#[derive(Debug, Clone)]
pub struct PreviewReport {
    /// The totals.
    pub figures: Figures,
    /// By policy that causes a change; `OWNER` and `REQUEST` where none does.
    pub by_policy: Vec<(String, EffectCounts)>,
    /// By data source.
    pub by_data_source: Vec<(String, EffectCounts)>,
    /// By username.
    pub by_user: Vec<(String, EffectCounts)>,
    /// The first changes, those of access before those of columns.
    pub changes: Vec<ListedChange>,
    /// How many changes there are, listed or not.
    pub total: usize,
    /// The warnings about the draft.
    pub warnings: Vec<CatalogWarning>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChange {
    /// The username.
    pub user: String,
    /// The data source by name.
    pub data_source: String,
    /// The scope of a change of access.
    pub scope: Option<Scope>,
    /// The column that is seen in another way.
    pub column: Option<String>,
    /// Its effect.
    pub effect: Effect,
    /// Whether the user is blocked afterwards.
    pub is_blocked: bool,
    /// The policies that cause it, by name, or the rights: `OWNER`, `REQUEST`.
    pub causes: Vec<String>,
}

impl PreviewReport {
    pub(super) fn new(difference: &Difference<'_>, figures: Figures, warnings: Vec<CatalogWarning>) -> Self {
        let causes = |causes: &domesday_engine::Causes<'_>| {
            let rights = causes.rights.iter().map(|right| right.as_str().to_owned());
            causes.policies.iter().map(|name| (*name).to_owned()).chain(rights).collect()
        };
        let access = difference.access().map(|change| ListedChange {
            user: change.user.to_owned(),
            data_source: change.data_source.to_owned(),
            scope: Some(change.scope),
            column: None,
            effect: change.effect,
            is_blocked: change.to == domesday_engine::Access::Blocked,
            causes: causes(change.causes),
        });
        let columns = difference.columns().map(|change| ListedChange {
            user: change.user.to_owned(),
            data_source: change.data_source.to_owned(),
            scope: None,
            column: Some(change.column.to_owned()),
            effect: change.effect(),
            is_blocked: false,
            causes: causes(change.causes),
        });
        Self {
            by_policy: most_first(difference.by_policy()),
            by_data_source: most_first(difference.by_data_source()),
            by_user: most_first(difference.by_user()),
            changes: access.chain(columns).collect(),
            total: difference.counts().total(),
            figures,
            warnings,
        }
    }
}

/// Returns counts by name, the most changes first.
fn most_first(counts: &BTreeMap<&str, EffectCounts>) -> Vec<(String, EffectCounts)> {
    let mut list: Vec<_> = counts.iter().map(|(name, counts)| ((*name).to_owned(), *counts)).collect();
    list.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.total()));
    list
}
