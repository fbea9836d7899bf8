//! policy-metadata: subscription policies and data policies in one list, by their shared id.

use domesday_model::{
    AppliesTo, DataPolicy, DataPolicyIx, Policy, PolicyId, PolicyIx, PolicyKind, PolicyState, Provenance,
};

use super::policy_text::{masked_policy, masked_who, policy_text, targeted_tags, who};
use super::{RowContext, Rows};
use crate::EncodeError;

/// The fields in which subscription policies and data policies differ.
struct PolicyRow<'a> {
    who: String,
    object: String,
    access_type: &'static str,
    policy: String,
    scope: &'static str,
    id: PolicyId,
    name: &'a str,
    owner: Option<&'a String>,
    level: &'static str,
    state: PolicyState,
    applies_to: &'a AppliesTo,
    data_sources: usize,
    provenance: &'a Provenance,
}

pub(crate) fn policy_metadata(world: &RowContext<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    let subscriptions = world.snapshot.policies.iter().enumerate().map(|(position, record)| {
        let sources = world.outcomes.sources_of_policy(PolicyIx::at(position));
        subscription_row(record.id, &record.spec, sources, &record.provenance)
    });
    let masks = world.snapshot.data_policies.iter().enumerate().map(|(position, record)| {
        let sources = world.outcomes.sources_of_data_policy(DataPolicyIx::at(position));
        mask_row(record.id, &record.spec, sources, &record.provenance)
    });
    let mut all: Vec<PolicyRow<'_>> = subscriptions.chain(masks).collect();
    all.sort_by_key(|row| row.id);
    all.iter().try_for_each(|row| write(world, row, rows))
}

fn subscription_row<'a>(
    id: PolicyId,
    policy: &'a Policy,
    data_sources: usize,
    provenance: &'a Provenance,
) -> PolicyRow<'a> {
    PolicyRow {
        who: who(&policy.level),
        object: targeted_tags(&policy.applies_to, &[]),
        access_type: match policy.kind {
            PolicyKind::Grant => "GRANT",
            PolicyKind::Guardrail => "GUARDRAIL",
        },
        policy: policy_text(&policy.name, &policy.level),
        scope: policy.scope.as_str(),
        id,
        name: &policy.name,
        owner: policy.owner.as_ref(),
        level: policy.level.kind().as_str(),
        state: policy.state,
        applies_to: &policy.applies_to,
        data_sources,
        provenance,
    }
}

fn mask_row<'a>(
    id: PolicyId,
    policy: &'a DataPolicy,
    data_sources: usize,
    provenance: &'a Provenance,
) -> PolicyRow<'a> {
    PolicyRow {
        who: masked_who(policy.except.as_ref()),
        object: targeted_tags(&policy.applies_to, &policy.columns.tagged),
        access_type: "MASK",
        policy: masked_policy(policy.except.as_ref()),
        scope: "READ",
        id,
        name: &policy.name,
        owner: policy.owner.as_ref(),
        level: if policy.except.is_some() { "ENTITLEMENTS" } else { "ANYONE" },
        state: policy.state,
        applies_to: &policy.applies_to,
        data_sources,
        provenance,
    }
}

fn write(world: &RowContext<'_>, row: &PolicyRow<'_>, rows: &mut Rows<'_>) -> Result<(), EncodeError> {
    let owner = world.optional_user(row.owner, || format!("policy `{}`", row.name))?;
    rows.row()
        .text("who", &row.who)
        .text("object", &row.object)
        .text("access_type", row.access_type)
        .text("policy", &row.policy)
        .text("scope", row.scope)
        .integer("policy_id", row.id.0)
        .text("policy_name", row.name)
        .instant("creation_date", row.provenance.created_at)
        .optional_text("owner", row.owner.map(String::as_str))
        .optional_uuid("owner_global_user_id", owner)
        .text("link", &world.link("console/policies", row.id.0))
        .text("source", &row.provenance.origin)
        .text("level", row.level)
        .text("state", row.state.as_str())
        .text("locality", if row.applies_to.is_local() { "LOCAL" } else { "GLOBAL" })
        .count("data_source_count", row.data_sources)
        .instant("updated_at", row.provenance.updated_at)
        .end()
}
