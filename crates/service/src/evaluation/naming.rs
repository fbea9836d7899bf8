//! The policies that name a group or a tag.

use domesday_model::condition::Atom;
use domesday_model::{
    AppliesTo, Condition, DataPolicyIx, GroupIx, Individuals, Level, PolicyIx, Selector, TagIx,
};

use super::evaluated::Evaluation;

/// Policies of both kinds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamingPolicies {
    /// Subscription policies.
    pub policies: Vec<PolicyIx>,
    /// Data policies.
    pub data_policies: Vec<DataPolicyIx>,
}

impl Evaluation {
    /// Returns the policies whose conditions or individuals name a group.
    #[must_use]
    pub fn policies_naming_group(&self, group: GroupIx) -> NamingPolicies {
        let snapshot = self.snapshot();
        let name = &*snapshot.groups[group.get()].name;
        let policies = snapshot.policies.iter().enumerate().filter(|(_, policy)| match &policy.spec.level {
            Level::Entitlements { condition } => names_group(condition, name),
            Level::Individuals { individuals: Individuals { groups, .. } } => {
                groups.iter().any(|group| group == name)
            }
            Level::Anyone | Level::Approval => false,
        });
        let data_policies = snapshot.data_policies.iter().enumerate();
        let data_policies = data_policies
            .filter(|(_, policy)| policy.spec.except.iter().any(|condition| names_group(condition, name)));
        NamingPolicies {
            policies: policies.map(|(index, _)| PolicyIx::at(index)).collect(),
            data_policies: data_policies.map(|(index, _)| DataPolicyIx::at(index)).collect(),
        }
    }

    /// Returns the policies that select data sources or columns by a tag.
    #[must_use]
    pub fn policies_naming_tag(&self, tag: TagIx) -> NamingPolicies {
        let snapshot = self.snapshot();
        let name = snapshot.tags[tag.get()].spec.name.as_str();
        let policies = snapshot.policies.iter().enumerate();
        let policies = policies.filter(|(_, policy)| selects_by_tag(&policy.spec.applies_to, name));
        let data_policies = snapshot.data_policies.iter().enumerate().filter(|(_, policy)| {
            policy.spec.columns.tagged.iter().any(|tag| tag == name)
                || selects_by_tag(&policy.spec.applies_to, name)
        });
        NamingPolicies {
            policies: policies.map(|(index, _)| PolicyIx::at(index)).collect(),
            data_policies: data_policies.map(|(index, _)| DataPolicyIx::at(index)).collect(),
        }
    }
}

fn names_group(condition: &Condition, name: &str) -> bool {
    condition.atoms().any(|atom| match atom {
        Atom::InGroups(groups) => {
            groups.iter().any(|group| group.literal().is_some_and(|literal| *literal == *name))
        }
        _ => false,
    })
}

fn selects_by_tag(applies_to: &AppliesTo, tag: &str) -> bool {
    fn selects(selector: &Selector, tag: &str) -> bool {
        let mut tags = selector.tagged.iter().chain(&selector.columns_tagged).flatten();
        tags.any(|name| name == tag) || selector.except.iter().any(|except| selects(except, tag))
    }
    match applies_to {
        AppliesTo::Any(selectors) => selectors.iter().any(|selector| selects(selector, tag)),
        _ => false,
    }
}
