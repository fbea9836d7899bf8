//! One policy's part: whether it admits, and by what (rules 2 and 4).

use domesday_model::{DataSourceIx, Level, LevelKind, PolicyIx, Scope, UserIx};
use serde::Serialize;

use super::ConditionStep;
use crate::Outcomes;
use crate::classes::{Applied, Class};

/// One grant's or guardrail's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStep {
    /// The policy's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: &'static str,
    /// The scope it is written for, which need not be the one explained (rule 1).
    pub scope: &'static str,
    /// Whether it admits the user.
    pub admits: bool,
    /// Whether a conflict of levels silences it (rule 2).
    pub silenced: bool,
    /// For level entitlements, what became of the condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionStep>,
    /// For level individuals, how the user is named: `user`, or `group` and its name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named_as: Vec<String>,
}

impl Outcomes {
    pub(super) fn policy_step(
        &self,
        user: UserIx,
        source: DataSourceIx,
        scope: Scope,
        class: &Class,
        applied: &Applied,
    ) -> PolicyStep {
        let snapshot = &*self.snapshot;
        let policy = &snapshot.policies[applied.policy.get()];
        let level = &policy.spec.level;
        let condition = match level {
            Level::Entitlements { condition } => Some(self.condition_step(condition, user, source)),
            Level::Anyone | Level::Approval | Level::Individuals { .. } => None,
        };
        let named_as = self.named_as(applied.policy, user);
        let holds = match level.kind() {
            LevelKind::Anyone => true,
            LevelKind::Approval => {
                class.covers.iter().any(|cover| cover.user == user && (scope == Scope::Read || cover.write))
            }
            LevelKind::Individuals => !named_as.is_empty(),
            LevelKind::Entitlements => condition.as_ref().is_some_and(|step| step.holds),
        };
        PolicyStep {
            id: policy.id.0,
            name: policy.spec.name.clone(),
            level: level.kind().as_str(),
            scope: policy.spec.scope.as_str(),
            admits: holds && !applied.silenced && snapshot.is_active(user),
            silenced: applied.silenced,
            condition,
            named_as,
        }
    }

    fn named_as(&self, policy: PolicyIx, user: UserIx) -> Vec<String> {
        let snapshot = &*self.snapshot;
        let Level::Individuals { individuals } = &snapshot.policies[policy.get()].spec.level else {
            return Vec::new();
        };
        let by_name = individuals.users.contains(&*snapshot.users[user.get()].username);
        let held = self.groups_of(user);
        let groups = individuals.groups.iter().filter(|name| held.contains(name));
        by_name
            .then(|| "user".to_owned())
            .into_iter()
            .chain(groups.map(|name| format!("group {name}")))
            .collect()
    }
}
