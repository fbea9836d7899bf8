//! Why a user has or does not have access to a data source in a scope: the row and what led to it.

use domesday_model::{
    DataSourceIx, DataSourceStatus, Instant, LevelKind, PolicyIx, PolicyKind, Scope, UserIx,
};
use serde::Serialize;

use super::column_row::ColumnStep;
use super::conflict::ConflictStep;
use super::policy::PolicyStep;
use super::request::RequestStep;
use crate::admission::counts_in_scope;
use crate::merged_policy::merged_policy;
use crate::outcomes::{Outcome, ReasonPart};
use crate::ways::Way;
use crate::{Outcomes, serialize};

/// Why a user has or does not have access to a data source in one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Username.
    pub user: String,
    /// Data source by name.
    pub data_source: String,
    /// The scope explained.
    #[serde(serialize_with = "serialize::scope")]
    pub scope: Scope,
    /// The snapshot's instant.
    pub at: Instant,
    /// The `outcome` of the row, or that there is none.
    pub access: Access,
    /// What excludes access whatever the policies say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Exclusion>,
    /// The parts of the `reason` field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonPart>,
    /// The field `grant_policy_ids`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grant_policy_ids: Vec<i64>,
    /// The field `guardrail_policy_ids`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guardrail_policy_ids: Vec<i64>,
    /// The field `request_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The field `expires_at`: when access ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Instant>,
    /// The field `merged_policy`: all grants and guardrails in one line; empty for a disabled data source.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub merged_policy: String,
    /// Whether the user owns the data source.
    pub owner: bool,
    /// The grants that count for the scope.
    pub grants: Vec<PolicyStep>,
    /// The conflicts of levels among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<ConflictStep>,
    /// The guardrails that count for the scope.
    pub guardrails: Vec<PolicyStep>,
    /// The user's requests that name the data source or a product that contains it.
    pub requests: Vec<RequestStep>,
    /// How the user sees masked columns, when granted to read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnStep>,
    /// For a user without access, the nearest ways to get it, shortest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<Way>,
}

/// The access of a user to a data source in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Access {
    /// Granted and eligible.
    Granted,
    /// Granted, but a guardrail blocks.
    Blocked,
    /// Nothing grants it.
    None,
}

impl From<Outcome> for Access {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Granted => Self::Granted,
            Outcome::Blocked => Self::Blocked,
        }
    }
}

/// What excludes access whatever the policies say (`docs/access.md` rule 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Exclusion {
    /// The user is disabled.
    UserDisabled,
    /// The data source is disabled.
    DataSourceDisabled,
}

impl Outcomes {
    /// Explains what a user can do with a data source in a scope.
    ///
    /// ```
    /// # fn main() -> Result<(), domesday_model::SnapshotError> {
    /// use domesday_engine::{Access, evaluate};
    /// use domesday_model::{Catalog, Declared, Instant, Scope, Snapshot, User};
    ///
    /// let source = serde_json::json!({ "name": "Ledger", "platform": "snowflake" });
    /// let catalog = Catalog {
    ///     users: vec![Declared::new(User::named("ada"), "users.yaml")],
    ///     data_sources: vec![Declared::new(serde_json::from_value(source).unwrap(), "sources.yaml")],
    ///     ..Catalog::default()
    /// };
    /// let snapshot = Snapshot::of_catalog(&catalog, Instant::from_micros(0))?;
    /// let (ada, ledger) = (snapshot.user("ada").unwrap(), snapshot.data_source("Ledger").unwrap());
    /// assert_eq!(evaluate(snapshot).explain(ada, ledger, Scope::Read).access, Access::None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// When an index is not of this snapshot.
    #[must_use]
    pub fn explain(&self, user: UserIx, source: DataSourceIx, scope: Scope) -> Explanation {
        let snapshot = &*self.snapshot;
        let data_source = &snapshot.data_sources[source.get()];
        let mut explanation = Explanation {
            user: snapshot.users[user.get()].username.to_string(),
            data_source: data_source.name.to_string(),
            scope,
            at: snapshot.at,
            access: Access::None,
            excluded: Vec::new(),
            reasons: Vec::new(),
            grant_policy_ids: Vec::new(),
            guardrail_policy_ids: Vec::new(),
            request_id: None,
            expires_at: None,
            merged_policy: String::new(),
            owner: data_source.owners.contains(&user),
            grants: Vec::new(),
            conflicts: Vec::new(),
            guardrails: Vec::new(),
            requests: Vec::new(),
            columns: Vec::new(),
            ways: self.nearest_ways(user, source, scope),
        };
        if !snapshot.is_active(user) {
            explanation.excluded.push(Exclusion::UserDisabled);
        }
        if data_source.status == DataSourceStatus::Disabled {
            explanation.excluded.push(Exclusion::DataSourceDisabled);
        }
        if let Some((position, class)) = self.class_of(source) {
            for applied in &class.policies {
                let policy = &snapshot.policies[applied.policy.get()].spec;
                if !counts_in_scope(policy, scope) {
                    continue;
                }
                let step = self.policy_step(user, source, scope, class, applied);
                match policy.kind {
                    PolicyKind::Grant => explanation.grants.push(step),
                    PolicyKind::Guardrail => explanation.guardrails.push(step),
                }
            }
            explanation.conflicts = self.conflict_steps(source, class, scope);
            explanation.merged_policy = merged_policy(snapshot, class, scope);
            if snapshot.is_active(user) {
                self.add_row(&mut explanation, user, position, scope);
            }
        }
        let approval_admits =
            explanation.grants.iter().any(|step| step.admits && step.level == LevelKind::Approval);
        explanation.requests = self.request_steps(user, source, scope, approval_admits);
        explanation
    }

    /// Adds the row and the column rows that belong to it.
    fn add_row(&self, explanation: &mut Explanation, user: UserIx, position: usize, scope: Scope) {
        let snapshot = &*self.snapshot;
        let outcomes = self.class(self.classes.sources[position].class);
        let in_scope = outcomes.scope(scope);
        let Some(reason) = in_scope.reason(user) else { return };
        let ids = |policies: &[PolicyIx]| {
            policies.iter().map(|policy| snapshot.policies[policy.get()].id.0).collect::<Vec<_>>()
        };
        explanation.access = reason.outcome.into();
        explanation.reasons = reason.parts.iter().collect();
        explanation.grant_policy_ids = ids(&reason.grants);
        explanation.guardrail_policy_ids = ids(&reason.guardrails);
        explanation.request_id = reason.request.map(|request| snapshot.requests[request.get()].id.clone());
        explanation.expires_at = reason.expires_at;
        if scope == Scope::Read {
            explanation.columns = self.column_steps(user, position, &outcomes.columns);
        }
    }
}
