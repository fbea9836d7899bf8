//! A user, a data source and a scope: the row and what led to it.

use domesday_model::{DataSourceIx, DataSourceStatus, PolicyIx, PolicyKind, Scope, UserIx};

use super::{Access, Exclusion, Explanation};
use crate::Outcomes;
use crate::admit::counts_for;
use crate::classes::Class;
use crate::merged::merged_policy;

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
            scope: scope.as_str(),
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
            for applied in class.policies.iter().filter(|applied| counts_for(snapshot, applied.policy, scope))
            {
                let step = self.policy_step(user, source, scope, class, applied);
                match snapshot.policies[applied.policy.get()].spec.kind {
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
        let approval_admits = explanation.grants.iter().any(|step| step.admits && step.level == "APPROVAL");
        explanation.requests = self.request_steps(user, source, scope, approval_admits);
        explanation
    }

    /// The position of a data source among the enabled ones, with its class.
    pub(crate) fn class_of(&self, source: DataSourceIx) -> Option<(usize, &Class)> {
        let sources = &self.classes.sources;
        let position = sources.binary_search_by_key(&source, |outcomes| outcomes.source).ok()?;
        Some((position, &self.classes.classes[sources[position].class.0 as usize]))
    }

    /// What the row says, and the column rows that follow it.
    fn add_row(&self, explanation: &mut Explanation, user: UserIx, position: usize, scope: Scope) {
        let snapshot = &*self.snapshot;
        let outcomes = self.class(self.classes.sources[position].class);
        let in_scope = outcomes.scope(scope);
        let Ok(row) = in_scope.users.binary_search(&user) else { return };
        let reason = &in_scope.reasons[in_scope.reason_of[row] as usize];
        let ids = |policies: &[PolicyIx]| {
            policies.iter().map(|policy| snapshot.policies[policy.get()].id.0).collect::<Vec<_>>()
        };
        explanation.access = reason.outcome.into();
        explanation.reasons = reason.because.parts();
        explanation.grant_policy_ids = ids(&reason.grants);
        explanation.guardrail_policy_ids = ids(&reason.guardrails);
        explanation.request_id = reason.request.map(|request| snapshot.requests[request.get()].id.clone());
        explanation.expires_at = reason.expires_at;
        if scope == Scope::Read {
            explanation.columns = self.column_steps(user, position, &outcomes.columns);
        }
    }
}
