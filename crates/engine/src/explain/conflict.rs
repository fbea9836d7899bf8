//! Conflicts of levels: which level counts, and why (`docs/access.md` rule 2).

use domesday_model::{DataSourceIx, LevelKind, PolicyIx, Scope};
use serde::Serialize;

use crate::Outcomes;
use crate::admission::counts_in_scope;
use crate::source_classes::SourceClass;
use crate::{level_conflicts, serialize};

/// A conflict of levels among the global grants of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictStep {
    /// The scope of the grants.
    #[serde(serialize_with = "serialize::scope")]
    pub scope: Scope,
    /// The level that counts.
    #[serde(serialize_with = "serialize::level")]
    pub counts: LevelKind,
    /// The policy that the data source's `levelChoice` names, if that settled it; else the most restrictive
    /// level counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_by: Option<String>,
    /// The grants that take part.
    pub rivals: Vec<RivalStep>,
}

/// One grant in a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RivalStep {
    /// The policy's name.
    pub name: String,
    /// Its level.
    #[serde(serialize_with = "serialize::level")]
    pub level: LevelKind,
    /// Whether its level is not the one that counts.
    pub silenced: bool,
}

impl Outcomes {
    /// Explains the conflicts among the grants that count for a scope. The class says which grants are silenced.
    pub(super) fn conflict_steps(
        &self,
        source: DataSourceIx,
        class: &SourceClass,
        scope: Scope,
    ) -> Vec<ConflictStep> {
        let snapshot = &*self.snapshot;
        let spec = |policy: PolicyIx| &snapshot.policies[policy.get()].spec;
        let choice = snapshot.data_sources[source.get()].level_choice;
        let mut steps = Vec::new();
        for scope_of_grants in Scope::ALL {
            let rivals: Vec<_> = class
                .policies
                .iter()
                .filter(|applied| counts_in_scope(spec(applied.policy), scope))
                .filter(|applied| level_conflicts::takes_part(spec(applied.policy), scope_of_grants))
                .collect();
            let Some(winner) = rivals.iter().find(|rival| !rival.silenced) else { continue };
            if rivals.iter().all(|rival| !rival.silenced) {
                continue;
            }
            let chosen = choice.filter(|choice| rivals.iter().any(|rival| rival.policy == *choice));
            steps.push(ConflictStep {
                scope: scope_of_grants,
                counts: spec(winner.policy).level.kind(),
                settled_by: chosen.map(|policy| spec(policy).name.clone()),
                rivals: rivals
                    .iter()
                    .map(|rival| RivalStep {
                        name: spec(rival.policy).name.clone(),
                        level: spec(rival.policy).level.kind(),
                        silenced: rival.silenced,
                    })
                    .collect(),
            });
        }
        steps
    }
}
