//! Findings and accesses by name, as two readings of a database can be compared.

use std::collections::{BTreeMap, BTreeSet};

use domesday_drift::{Drift, Finding};
use domesday_model::privileges::RoleIx;

/// A finding by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fact {
    pub(crate) kind: &'static str,
    pub(crate) role: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) source: String,
    pub(crate) column: Option<String>,
    pub(crate) scope: &'static str,
}

pub(crate) fn fact(drift: &Drift, finding: &Finding<'_>) -> Fact {
    let snapshot = drift.snapshot();
    let role = |role: RoleIx| drift.database().privileges.roles[role.get()].name.clone();
    Fact {
        kind: finding.kind.as_str(),
        role: finding.role.map(role),
        user: finding.user.map(|user| snapshot.users[user.get()].username.to_string()),
        source: snapshot.data_sources[finding.source.get()].name.to_string(),
        column: finding.column.map(|column| snapshot.columns[column.get()].name.to_string()),
        scope: finding.scope.as_str(),
    }
}

pub(crate) fn facts(drift: &Drift) -> BTreeSet<Fact> {
    let facts: Vec<Fact> = drift.findings().map(|finding| fact(drift, &finding)).collect();
    let set: BTreeSet<Fact> = facts.iter().cloned().collect();
    assert_eq!(set.len(), facts.len(), "a finding is there twice");
    assert_eq!(set.len(), drift.total());
    set
}

/// Role, relation with its schema, and scope.
pub(crate) type Pair = (String, String, &'static str);

/// The columns that can be reached (none stands for all), and whether row security binds.
pub(crate) type Reached = (Option<BTreeSet<String>>, bool);

/// Every access to every relation, those that are no data source included.
pub(crate) fn reached(drift: &Drift) -> BTreeMap<Pair, Reached> {
    let privileges = &drift.database().privileges;
    let access = domesday_actual::ActualAccess::new(privileges);
    let mut all = BTreeMap::new();
    for class in &access.classes {
        for relation in &class.relations {
            let (schema, table) = drift.database().relation_name(*relation);
            let columns = &privileges.relations[relation.get()].columns;
            for scope in domesday_model::Scope::ALL {
                for one in class.scope(scope) {
                    let names = one.columns.as_ref().map(|positions| {
                        positions.iter().map(|position| columns[*position as usize].name.clone()).collect()
                    });
                    for role in &one.roles {
                        let role = privileges.roles[role.get()].name.clone();
                        let pair = (role, format!("{schema}.{table}"), scope.as_str());
                        all.insert(pair, (names.clone(), one.is_row_filtered));
                    }
                }
            }
        }
    }
    all
}
