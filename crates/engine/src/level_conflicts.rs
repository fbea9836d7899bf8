//! Conflicts of levels: global grants of one scope with different levels (`docs/access.md` rule 2).

use domesday_model::{DataSourceIx, LevelKind, Policy, PolicyIx, PolicyKind, Scope, Snapshot};

use crate::outcomes::LevelWarning;

/// Whether a policy takes part in the conflicts of levels among the grants of a scope.
pub(crate) fn takes_part(policy: &Policy, scope: Scope) -> bool {
    policy.kind == PolicyKind::Grant
        && policy.scope == scope
        && !policy.applies_to.is_local()
        && policy.level.kind().restrictiveness().is_some()
}

/// Finds the grants among `active` that a conflict of levels silences at a source, and adds warnings about the
/// conflicts.
///
/// Each scope of grants is a conflict of its own. The level choice settles the one that the policy it names
/// takes part in; in an unsettled conflict the most restrictive level counts.
pub(crate) fn silenced_grants(
    snapshot: &Snapshot,
    source: DataSourceIx,
    active: &[PolicyIx],
    warnings: &mut Vec<LevelWarning>,
) -> Vec<PolicyIx> {
    let choice = snapshot.data_sources[source.get()].level_choice;
    let level = |policy: &PolicyIx| snapshot.policies[policy.get()].spec.level.kind();
    let mut silenced = Vec::new();
    let mut settled = false;
    for scope in Scope::ALL {
        let rivals: Vec<PolicyIx> = active
            .iter()
            .copied()
            .filter(|ix| takes_part(&snapshot.policies[ix.get()].spec, scope))
            .collect();
        let Some(strictest) = rivals.iter().map(level).max_by_key(|level| LevelKind::restrictiveness(*level))
        else {
            continue;
        };
        if rivals.iter().all(|rival| level(rival) == strictest) {
            continue;
        }
        let wins = match choice.filter(|choice| rivals.contains(choice)) {
            Some(choice) => {
                settled = true;
                level(&choice)
            }
            None => {
                let policies = rivals.clone().into();
                warnings.push(LevelWarning::UnsettledConflict { source, scope, policies });
                strictest
            }
        };
        silenced.extend(rivals.into_iter().filter(|rival| level(rival) != wins));
    }
    if let Some(policy) = choice.filter(|_| !settled) {
        warnings.push(LevelWarning::IdleLevelChoice { source, policy });
    }
    silenced
}
