//! The obvious expansion: every row of policy-outcomes, one by one, from the engine's classes.

use domesday_engine::{ColumnOutcome, Outcome, Outcomes, ReasonParts};
use domesday_model::{Instant, RequestIx, Scope, Snapshot, UserIx};
use serde_json::{Value, json};

use crate::world::Row;

/// All rows in the order of the contract.
pub(crate) fn rows(outcomes: &Outcomes) -> Vec<Row> {
    let snapshot = outcomes.snapshot();
    let mut rows = Vec::new();
    for source in outcomes.sources() {
        let class = outcomes.class(source.class);
        let data = &snapshot.data_sources[source.source.get()];
        let row = |user: UserIx, column: Option<i64>, scope: Scope, reason: Reason| {
            let user = &snapshot.users[user.get()];
            let row = json!({
                "global_user_id": user.global_id.to_string(),
                "user_id": user.id.0,
                "username": user.username,
                "datasource_id": data.id.0,
                "datasource_name": data.name,
                "column_id": column,
                "scope": scope.as_str(),
                "outcome": reason.outcome,
                "grant_policy_ids": list(reason.grants),
                "guardrail_policy_ids": list(reason.guardrails),
                "data_policy_ids": list(reason.data_policies),
                "reason": reason_text(reason.parts),
                "request_id": reason.request.map(|ix| snapshot.requests[ix.get()].id.clone()),
                "merged_policy": class.scope(scope).merged_policy,
                "expires_at": reason.expires_at.map(|end| end.to_string()),
                "export_date": snapshot.at.to_string(),
            });
            let Value::Object(row) = row else { unreachable!() };
            row
        };
        for scope in Scope::ALL {
            let outcomes = class.scope(scope);
            for (user, reason) in outcomes.users.iter().zip(&outcomes.reason_of) {
                let reason = &outcomes.reasons[*reason as usize];
                let reason = Reason {
                    outcome: if reason.outcome == Outcome::Granted { "GRANTED" } else { "BLOCKED" },
                    grants: reason.grants.iter().map(|ix| snapshot.policies[ix.get()].id.0).collect(),
                    guardrails: reason.guardrails.iter().map(|ix| snapshot.policies[ix.get()].id.0).collect(),
                    data_policies: Vec::new(),
                    parts: reason.parts,
                    request: reason.request,
                    expires_at: reason.expires_at,
                };
                rows.push(row(*user, None, scope, reason));
            }
        }
        for (at, user) in class.columns.users.iter().enumerate() {
            for (slot, column) in class.columns.slots.iter().zip(&source.columns) {
                let reason = &class.columns.reasons[slot[at] as usize];
                let ids = reason.data_policies.iter().map(|ix| snapshot.data_policies[ix.get()].id.0);
                let reason = Reason {
                    outcome: if reason.outcome == ColumnOutcome::Masked { "MASKED" } else { "UNMASKED" },
                    grants: Vec::new(),
                    guardrails: Vec::new(),
                    data_policies: ids.collect(),
                    parts: reason.parts,
                    request: reason.request,
                    expires_at: reason.expires_at,
                };
                rows.push(row(*user, Some(column_id(snapshot, *column)), Scope::Read, reason));
            }
        }
    }
    rows
}

struct Reason {
    outcome: &'static str,
    grants: Vec<i64>,
    guardrails: Vec<i64>,
    data_policies: Vec<i64>,
    parts: ReasonParts,
    request: Option<RequestIx>,
    expires_at: Option<Instant>,
}

fn column_id(snapshot: &Snapshot, column: domesday_model::ColumnIx) -> i64 {
    snapshot.columns[column.get()].id.0
}

fn list(mut ids: Vec<i64>) -> String {
    ids.sort_unstable();
    json!(ids).to_string()
}

fn reason_text(parts: ReasonParts) -> String {
    let parts = [(parts.policy, "POLICY"), (parts.owner, "OWNER"), (parts.request, "REQUEST")];
    parts.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name).collect::<Vec<_>>().join("+")
}
