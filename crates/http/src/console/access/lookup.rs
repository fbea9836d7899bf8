//! The objects that an address names.

use domesday_model::{DomainIx, GroupIx, PolicyIx, Snapshot};
use domesday_service::ServiceError;

/// Returns the policy with an id.
pub(super) fn policy(snapshot: &Snapshot, id: &str) -> Result<PolicyIx, ServiceError> {
    let number = id.parse::<i64>().ok();
    let position = number.and_then(|id| snapshot.policies.iter().position(|policy| policy.id.0 == id));
    position.map(PolicyIx::at).ok_or_else(|| ServiceError::not_found(format!("there is no policy `{id}`")))
}

/// Returns the group with a name.
pub(super) fn group(snapshot: &Snapshot, name: &str) -> Result<GroupIx, ServiceError> {
    snapshot.group(name).ok_or_else(|| ServiceError::not_found(format!("there is no group `{name}`")))
}

/// Returns the domain with a name.
pub(super) fn domain(snapshot: &Snapshot, name: &str) -> Result<DomainIx, ServiceError> {
    snapshot.domain(name).ok_or_else(|| ServiceError::not_found(format!("there is no domain `{name}`")))
}
