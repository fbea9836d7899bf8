//! Drift in figures: what has most findings.

use std::collections::BTreeMap;

use domesday_drift::{Drift, FindingKind};
use domesday_model::privileges::RoleIx;
use domesday_model::{DataSourceIx, UserIx};

/// How many places each ranking has.
const PLACES: usize = 8;

/// All findings in figures. A ranking is in descending order.
#[derive(Debug, Default)]
pub struct DriftFigures {
    /// The data sources with most findings.
    pub data_sources: Vec<(DataSourceIx, u64)>,
    /// The roles with most findings, each with the position of its database.
    pub roles: Vec<((usize, RoleIx), u64)>,
    /// The users with most findings.
    pub users: Vec<(UserIx, u64)>,
}

impl DriftFigures {
    /// Counts the findings, once for all data sources that are alike.
    pub(crate) fn new(drifts: &[Drift]) -> Self {
        let (mut sources, mut roles, mut users) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (position, drift) in drifts.iter().enumerate() {
            for group in drift.groups() {
                let relations = group.relations.len() as u64;
                for (_, role, user) in group.findings() {
                    if let Some(role) = role {
                        *roles.entry((position, role)).or_default() += relations;
                    }
                    if let Some(user) = user {
                        *users.entry(user).or_default() += relations;
                    }
                }
                let findings = group.findings_per_relation() as u64;
                for (_, source) in group.relations.iter().filter(|_| findings > 0) {
                    *sources.entry(*source).or_default() += findings;
                }
            }
        }
        Self { data_sources: ranking(sources), roles: ranking(roles), users: ranking(users) }
    }
}

/// Returns how many findings of a kind several databases have together.
#[must_use]
pub fn count(drifts: &[Drift], kind: FindingKind) -> u64 {
    drifts.iter().map(|drift| drift.count(kind) as u64).sum()
}

/// Returns the largest counts; equal ones are in order of their keys.
fn ranking<K: Ord>(counts: BTreeMap<K, u64>) -> Vec<(K, u64)> {
    let mut ranking: Vec<_> = counts.into_iter().collect();
    ranking.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ranking.truncate(PLACES);
    ranking
}
