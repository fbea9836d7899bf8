//! Views of access: how much of a user's access somebody may see.
//!
//! Policies, groups and attributes are for those to read who govern or audit. Everybody else sees of their own access
//! the policies that admit or stop them; an owner sees who reaches their data source and with which outcome, but not
//! by which policy, since a condition that is met reveals what the user has.

use domesday_engine::{ColumnExplanation, Explanation, Outcome, PolicyStep, Sight, Way, WayStep};

use super::access::{AccessPage, AccessRow};

/// The role in which somebody sees the access of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// With a permission to see everything.
    Everything,
    /// As that user.
    Own,
    /// As the owner of the data source.
    Owner,
}

impl AccessPage<'_> {
    /// Removes what a view does not show; `me` sees their own rows as themselves.
    pub fn reduce(&mut self, view: View, me: Option<&str>) {
        if view == View::Everything {
            return;
        }
        for row in &mut self.rows {
            let own = me == Some(row.user);
            row.reduce(if own { View::Own } else { View::Owner });
        }
    }
}

impl AccessRow<'_> {
    fn reduce(&mut self, view: View) {
        if view == View::Owner {
            self.grants.clear();
        }
        // Guardrails that the user passes stop nothing.
        if view == View::Owner || self.outcome == Outcome::Granted {
            self.guardrails.clear();
        }
    }
}

/// Removes what a view does not show of a derivation.
pub fn reduce(explanation: &mut Explanation, view: View) {
    if view == View::Everything {
        return;
    }
    explanation.merged_policy.clear();
    match view {
        View::Everything => {}
        View::Own => reduce_own(explanation),
        View::Owner => {
            explanation.grant_policy_ids.clear();
            explanation.guardrail_policy_ids.clear();
            explanation.grants.clear();
            explanation.guardrails.clear();
            explanation.conflicts.clear();
            explanation.ways.clear();
            explanation.requests.retain(|request| request.counts);
            for column in &mut explanation.columns {
                column.data_policy_ids.clear();
                column.data_policies.clear();
            }
        }
    }
}

/// The policies that admit the user, and the guardrails that stop them.
fn reduce_own(explanation: &mut Explanation) {
    explanation.grants.retain(|grant| grant.admits);
    explanation.guardrails.retain(|guardrail| !guardrail.admits);
    let stopping = ids(&explanation.guardrails);
    explanation.guardrail_policy_ids.retain(|id| stopping.contains(id));
    let admitting: Vec<String> = explanation.grants.iter().map(|grant| grant.name.clone()).collect();
    for conflict in &mut explanation.conflicts {
        conflict.rivals.retain(|rival| admitting.contains(&rival.name));
        if conflict.settled_by.as_ref().is_some_and(|name| !admitting.contains(name)) {
            conflict.settled_by = None;
        }
    }
    explanation.conflicts.retain(|conflict| !conflict.rivals.is_empty());
    reduce_ways(&mut explanation.ways);
}

/// Everybody may ask for access. Any other way reveals conditions, and what groups give their members.
fn reduce_ways(ways: &mut Vec<Way>) {
    ways.retain(|way| way.steps.iter().all(is_request));
    ways.iter_mut().for_each(|way| way.grant = None);
    ways.dedup();
}

fn is_request(step: &WayStep) -> bool {
    match step {
        WayStep::AskForApproval { .. } | WayStep::AskForProduct { .. } | WayStep::AskForException { .. } => {
            true
        }
        WayStep::JoinGroup { .. }
        | WayStep::LeaveGroup { .. }
        | WayStep::HaveAttribute { .. }
        | WayStep::LoseAttribute { .. }
        | WayStep::BeNamed { .. } => false,
    }
}

fn ids(steps: &[PolicyStep]) -> Vec<i64> {
    steps.iter().map(|step| step.id).collect()
}

/// Removes what a view does not show of a column's derivation.
pub fn reduce_column(explanation: &mut ColumnExplanation, view: View) {
    reduce(&mut explanation.read, view);
    let unread = explanation.sight == Sight::Unreadable;
    match view {
        View::Everything => {}
        View::Own if unread => explanation.policies.clear(),
        View::Own => reduce_ways(&mut explanation.ways),
        View::Owner => {
            explanation.policies.clear();
            explanation.ways.clear();
        }
    }
    if view == View::Owner {
        explanation.exceptions.retain(|request| request.counts);
        if let Some(row) = &mut explanation.row {
            row.data_policy_ids.clear();
            row.data_policies.clear();
        }
    }
}
