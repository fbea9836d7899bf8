//! One policy's part: whether it admits, and why (`docs/access.md` rules 2 and 4).

use std::fmt;

use domesday_model::{DataSourceIx, Level, LevelKind, PolicyIx, Scope, UserIx};
use serde::Serialize;

use super::ConditionStep;
use crate::Outcomes;
use crate::admission::PairAdmission;
use crate::condition::{PairEvaluator, StoredUser};
use crate::serialize;
use crate::source_classes::{AppliedPolicy, SourceClass};

/// One grant's or guardrail's part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyStep {
    /// The policy's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its level.
    #[serde(serialize_with = "serialize::level")]
    pub level: LevelKind,
    /// Its scope, which need not be the one explained (`docs/access.md` rule 1).
    #[serde(serialize_with = "serialize::scope")]
    pub scope: Scope,
    /// Whether it admits the user.
    pub admits: bool,
    /// Whether a conflict of levels silences it (`docs/access.md` rule 2).
    pub silenced: bool,
    /// For level entitlements, its condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<ConditionStep>,
    /// For level individuals, how the user is named.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "serialize::displayed")]
    pub named_as: Vec<NamedAs>,
}

/// How a policy of level `individuals` names a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedAs {
    /// By username.
    User,
    /// By a group of the user.
    Group(String),
}

impl fmt::Display for NamedAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("user"),
            Self::Group(name) => write!(f, "group {name}"),
        }
    }
}

impl Outcomes {
    pub(super) fn policy_step(
        &self,
        user: UserIx,
        source: DataSourceIx,
        scope: Scope,
        class: &SourceClass,
        applied: &AppliedPolicy,
    ) -> PolicyStep {
        let snapshot = &*self.snapshot;
        let policy = &snapshot.policies[applied.policy.get()];
        let level = &policy.spec.level;
        let condition = match level {
            Level::Entitlements { condition } => Some(self.condition_step(condition, user, source)),
            Level::Anyone | Level::Approval | Level::Individuals { .. } => None,
        };
        let pair = PairEvaluator { snapshot, source, user: StoredUser { snapshot, user } };
        let admits = PairAdmission { class, scope, pair }.admits(applied.policy);
        PolicyStep {
            id: policy.id.0,
            name: policy.spec.name.clone(),
            level: level.kind(),
            scope: policy.spec.scope,
            admits: admits && !applied.silenced && snapshot.is_active(user),
            silenced: applied.silenced,
            condition,
            named_as: self.named_as(applied.policy, user),
        }
    }

    fn named_as(&self, policy: PolicyIx, user: UserIx) -> Vec<NamedAs> {
        let snapshot = &*self.snapshot;
        let Level::Individuals { individuals } = &snapshot.policies[policy.get()].spec.level else {
            return Vec::new();
        };
        let by_name = individuals.users.contains(&*snapshot.users[user.get()].username);
        let held = self.groups_of(user);
        let groups = individuals.groups.iter().filter(|name| held.contains(name));
        by_name
            .then_some(NamedAs::User)
            .into_iter()
            .chain(groups.map(|name| NamedAs::Group(name.clone())))
            .collect()
    }
}
