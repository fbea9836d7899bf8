//! Which levels were in conflict, which counted, and who said so (rule 2).

use domesday_model::{DataSourceIx, PolicyKind, Scope};
use serde::Serialize;

use crate::Outcomes;
use crate::admit::counts_for;
use crate::classes::Class;

/// A conflict of levels among the global grants of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConflictStep {
    /// The scope of the grants.
    pub scope: &'static str,
    /// The level that counts.
    pub counts: &'static str,
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
    pub level: &'static str,
    /// Whether its level is not the one that counts.
    pub silenced: bool,
}

impl Outcomes {
    /// The conflicts among the grants that count for a scope. Which grants are silent is read off the class.
    pub(super) fn conflict_steps(
        &self,
        source: DataSourceIx,
        class: &Class,
        scope: Scope,
    ) -> Vec<ConflictStep> {
        let snapshot = &*self.snapshot;
        let spec = |policy: domesday_model::PolicyIx| &snapshot.policies[policy.get()].spec;
        let choice = snapshot.data_sources[source.get()].level_choice;
        let mut steps = Vec::new();
        for of_grants in Scope::ALL {
            let rivals: Vec<_> = class
                .policies
                .iter()
                .filter(|applied| counts_for(snapshot, applied.policy, scope))
                .filter(|applied| {
                    let policy = spec(applied.policy);
                    policy.kind == PolicyKind::Grant
                        && policy.scope == of_grants
                        && !policy.applies_to.is_local()
                        && policy.level.kind().restrictiveness().is_some()
                })
                .collect();
            let Some(winner) = rivals.iter().find(|rival| !rival.silenced) else { continue };
            if rivals.iter().all(|rival| !rival.silenced) {
                continue;
            }
            let chosen = choice.filter(|choice| rivals.iter().any(|rival| rival.policy == *choice));
            steps.push(ConflictStep {
                scope: of_grants.as_str(),
                counts: spec(winner.policy).level.kind().as_str(),
                settled_by: chosen.map(|policy| spec(policy).name.clone()),
                rivals: rivals
                    .iter()
                    .map(|rival| RivalStep {
                        name: spec(rival.policy).name.clone(),
                        level: spec(rival.policy).level.kind().as_str(),
                        silenced: rival.silenced,
                    })
                    .collect(),
            });
        }
        steps
    }
}
