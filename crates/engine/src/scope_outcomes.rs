//! The outcomes of one source class and scope: who is granted, by what, and whether every guardrail admits them
//! (`docs/access.md` rules 5 to 7 and 9).

use domesday_model::{PolicyIx, PolicyKind, Scope, Snapshot, UserIx};

use crate::admission::{Admission, counts_in_scope};
use crate::condition::Bindings;
use crate::merged_policy::merged_policy;
use crate::outcomes::{Outcome, Reason, ReasonParts, ScopeOutcomes};
use crate::reason_classes::{MembershipCache, ReasonInterner, group_by_sets};
use crate::request_coverage::{Coverage, last_to_end};
use crate::source_classes::SourceClass;
use crate::user_classes::UserClasses;
use crate::user_set::UserSet;

/// The policies that count for a scope at the sources of a class.
struct ScopePolicies {
    grants: Vec<Admission>,
    guardrails: Vec<Admission>,
    guardrail_ids: Box<[PolicyIx]>,
}

impl ScopePolicies {
    fn new(
        snapshot: &Snapshot,
        bindings: &Bindings,
        class: &SourceClass,
        scope: Scope,
        coverage: &[Coverage],
    ) -> Self {
        let (mut grants, mut guardrails) = (Vec::new(), Vec::new());
        for applied in &class.policies {
            let policy = &snapshot.policies[applied.policy.get()].spec;
            if !counts_in_scope(policy, scope) {
                continue;
            }
            match policy.kind {
                PolicyKind::Grant if applied.silenced => {}
                PolicyKind::Grant => grants.push(Admission::new(snapshot, bindings, applied, coverage)),
                PolicyKind::Guardrail => {
                    guardrails.push(Admission::new(snapshot, bindings, applied, coverage));
                }
            }
        }
        let guardrail_ids = guardrails.iter().map(|guardrail| guardrail.policy).collect();
        Self { grants, guardrails, guardrail_ids }
    }

    /// Returns the active users who are granted access (`docs/access.md` rule 5).
    fn granted(
        &self,
        snapshot: &Snapshot,
        bindings: &Bindings,
        class: &SourceClass,
        coverage: &[Coverage],
    ) -> UserSet {
        let mut granted = UserSet::empty(snapshot.users.len());
        self.grants.iter().for_each(|grant| granted.union(&grant.users));
        class.owners.iter().for_each(|owner| granted.insert(*owner));
        coverage.iter().filter(|cover| cover.by_product).for_each(|cover| granted.insert(cover.user));
        granted.intersect(&bindings.users().active);
        granted
    }

    /// Works out the outcome and the reason of one granted user (`docs/access.md` rules 6, 7 and 9). `coverage` are the
    /// requests that cover the source for this user.
    fn reason(&self, snapshot: &Snapshot, user: UserIx, owner: bool, coverage: &[Coverage]) -> Reason {
        // Users who represent others have no request, and without one an approval admits nobody.
        let counts = |grant: &Admission| !grant.by_approval || !coverage.is_empty();
        let admitting = || self.grants.iter().filter(|grant| counts(grant) && grant.users.contains(user));
        let blocking: Box<[PolicyIx]> = self
            .guardrails
            .iter()
            .filter(|guardrail| !guardrail.users.contains(user))
            .map(|guardrail| guardrail.policy)
            .collect();
        let is_approved = admitting().any(|grant| grant.by_approval);
        let counting =
            coverage.iter().filter(|cover| is_approved || cover.by_product).map(|cover| cover.request);
        let request = last_to_end(snapshot, counting);
        let parts = ReasonParts {
            policy: admitting().any(|grant| !grant.by_approval),
            owner,
            request: request.is_some(),
        };
        let (outcome, guardrails) = if blocking.is_empty() {
            (Outcome::Granted, self.guardrail_ids.clone())
        } else {
            (Outcome::Blocked, blocking)
        };
        Reason {
            outcome,
            grants: admitting().map(|grant| grant.policy).collect(),
            guardrails,
            parts,
            request,
            expires_at: request
                .filter(|_| !parts.policy && !parts.owner)
                .and_then(|request| snapshot.requests[request.get()].expires_at),
        }
    }
}

/// Evaluates one scope for the sources of a class. `user_classes` are given once they are known.
pub(crate) fn scope_outcomes(
    snapshot: &Snapshot,
    bindings: &Bindings,
    user_classes: Option<&UserClasses>,
    class: &SourceClass,
    scope: Scope,
) -> ScopeOutcomes {
    let coverage: Vec<Coverage> = class.coverage_in(scope).copied().collect();
    let policies = ScopePolicies::new(snapshot, bindings, class, scope, &coverage);
    let granted = policies.granted(snapshot, bindings, class, &coverage);
    if granted.is_empty() {
        return ScopeOutcomes::default();
    }

    let users = granted.to_vec();
    let mut reasons = ReasonInterner::default();
    let admissions = policies.grants.iter().chain(&policies.guardrails);
    let sets: Vec<&UserSet> = admissions.map(|admission| &admission.users).collect();
    let mut reason_of = {
        let mut cache = MembershipCache::new(&sets);
        let position = |user: UserIx| {
            cache.position(user, |user| reasons.intern(policies.reason(snapshot, user, false, &[])))
        };
        match user_classes {
            Some(classes) => classes.positions(&users, position),
            None => group_by_sets(&users, &sets, position),
        }
    };

    // Owners and requesters have reasons of their own, besides the policies by which the others are grouped.
    let mut special: Vec<UserIx> =
        class.owners.iter().copied().chain(coverage.iter().map(|cover| cover.user)).collect();
    special.sort_unstable();
    special.dedup();
    for user in special {
        let Ok(position) = users.binary_search(&user) else { continue };
        let covering: Vec<Coverage> = coverage.iter().copied().filter(|cover| cover.user == user).collect();
        let is_owner = class.owners.contains(&user);
        reason_of[position] = reasons.intern(policies.reason(snapshot, user, is_owner, &covering));
    }
    let reasons = reasons.into_used(&mut reason_of);
    ScopeOutcomes { merged_policy: merged_policy(snapshot, class, scope), users, reason_of, reasons }
}
