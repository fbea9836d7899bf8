//! Whom policies admit, as sets of users.

use domesday_model::{Individuals, Level, PolicyIx, Snapshot};

use crate::condition::Bindings;
use crate::request_coverage::Coverage;
use crate::source_classes::AppliedPolicy;
use crate::user_index::UserIndex;
use crate::user_set::UserSet;

/// A policy that counts for a scope, with the users whom it admits.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) policy: PolicyIx,
    pub(crate) users: UserSet,
    /// Whether the policy's level is `approval`.
    pub(crate) by_approval: bool,
}

impl Admission {
    /// Finds the users whom a policy admits (`docs/access.md` rule 4). `coverage` are the requests that cover the source
    /// in the scope.
    pub(crate) fn new(
        snapshot: &Snapshot,
        bindings: &Bindings,
        applied: &AppliedPolicy,
        coverage: &[Coverage],
    ) -> Self {
        let level = &snapshot.policies[applied.policy.get()].spec.level;
        let users = match level {
            Level::Anyone => bindings.users().active.clone(),
            Level::Approval => {
                let mut users = UserSet::empty(snapshot.users.len());
                coverage.iter().for_each(|cover| users.insert(cover.user));
                users
            }
            Level::Entitlements { .. } => {
                let binding = applied.binding.expect("conditions are bound when classes are made");
                bindings.with_users(snapshot, binding, UserSet::clone)
            }
            Level::Individuals { individuals: named } => individuals(snapshot, bindings.users(), named),
        };
        Self { policy: applied.policy, users, by_approval: matches!(level, Level::Approval) }
    }
}

/// Returns the active users who are named, or are in a group that is.
pub(crate) fn individuals(snapshot: &Snapshot, index: &UserIndex, named: &Individuals) -> UserSet {
    let mut users = UserSet::empty(snapshot.users.len());
    named.users.iter().filter_map(|name| snapshot.user(name)).for_each(|user| users.insert(user));
    for group in named.groups.iter().filter_map(|name| snapshot.group(name)) {
        index.in_group(group).iter().for_each(|user| users.insert(*user));
    }
    users.intersect(&index.active);
    users
}
