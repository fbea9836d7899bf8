//! Rules 1 to 7 for one class and scope: who is granted, by what, and whether every guardrail admits them.

use domesday_model::{FastMap, Individuals, Level, PolicyIx, PolicyKind, RequestIx, Scope, Snapshot, UserIx};

use crate::classes::{Applied, Class, Cover};
use crate::condition::Conditions;
use crate::merged::merged_policy;
use crate::outcomes::{Because, Outcome, Reason, ScopeOutcomes};
use crate::user_classes::UserClasses;
use crate::users::UserSet;

/// A policy in force for a scope, with the users it admits.
struct Admission {
    policy: PolicyIx,
    users: UserSet,
    approval: bool,
}

/// Rule 1: whether a policy counts for a scope.
pub(crate) fn counts_for(snapshot: &Snapshot, policy: PolicyIx, scope: Scope) -> bool {
    let policy = &snapshot.policies[policy.get()].spec;
    match (policy.kind, scope) {
        (PolicyKind::Grant, Scope::Read) | (PolicyKind::Guardrail, Scope::Write) => true,
        (PolicyKind::Grant, Scope::Write) => policy.scope == Scope::Write,
        (PolicyKind::Guardrail, Scope::Read) => policy.scope == Scope::Read,
    }
}

/// The outcomes of one scope for the sources of a class; `alike` are the user classes, once they are known.
pub(crate) fn scope_outcomes(
    snapshot: &Snapshot,
    conditions: &Conditions,
    alike: Option<&UserClasses>,
    class: &Class,
    scope: Scope,
) -> ScopeOutcomes {
    let covers: Vec<Cover> =
        class.covers.iter().copied().filter(|cover| scope == Scope::Read || cover.write).collect();
    let mut grants = Vec::new();
    let mut guardrails = Vec::new();
    for applied in class.policies.iter().filter(|applied| counts_for(snapshot, applied.policy, scope)) {
        match snapshot.policies[applied.policy.get()].spec.kind {
            PolicyKind::Grant if applied.silenced => {}
            PolicyKind::Grant => grants.push(admission(snapshot, conditions, applied, &covers)),
            PolicyKind::Guardrail => guardrails.push(admission(snapshot, conditions, applied, &covers)),
        }
    }

    let mut granted = UserSet::empty(snapshot.users.len());
    grants.iter().for_each(|grant| granted.union(&grant.users));
    class.owners.iter().for_each(|owner| granted.insert(*owner));
    covers.iter().filter(|cover| cover.product).for_each(|cover| granted.insert(cover.user));
    granted.intersect(&conditions.index().active);
    if granted.iter().next().is_none() {
        return ScopeOutcomes::default();
    }

    let all_guardrails: Box<[PolicyIx]> = guardrails.iter().map(|guardrail| guardrail.policy).collect();
    let reason = |user: UserIx, owner: bool, covers: &[Cover]| {
        reason_of(snapshot, user, owner, covers, &grants, &guardrails, &all_guardrails)
    };
    let users = granted.to_vec();
    let mut reasons = Reasons::default();
    let sets: Vec<&UserSet> = grants.iter().chain(&guardrails).map(|admission| &admission.users).collect();
    let mut reason_of = {
        let mut of_members = OfMembers::of(&sets);
        let of_any =
            |user: UserIx| of_members.position(user, |user| reasons.intern(reason(user, false, &[])));
        match alike {
            Some(alike) => alike.positions(&users, of_any),
            None => grouped(&users, &sets, of_any),
        }
    };

    // Owners and requesters have reasons of their own, on top of the policies that group the others.
    let mut special: Vec<UserIx> =
        class.owners.iter().copied().chain(covers.iter().map(|cover| cover.user)).collect();
    special.sort_unstable();
    special.dedup();
    for user in special {
        let Ok(position) = users.binary_search(&user) else { continue };
        let own: Vec<Cover> = covers.iter().copied().filter(|cover| cover.user == user).collect();
        reason_of[position] = reasons.intern(reason(user, class.owners.contains(&user), &own));
    }
    let reasons = reasons.used(&mut reason_of);
    ScopeOutcomes { merged_policy: merged_policy(snapshot, class, scope), users, reason_of, reasons }
}

/// Rule 4: whom a policy admits.
fn admission(snapshot: &Snapshot, conditions: &Conditions, applied: &Applied, covers: &[Cover]) -> Admission {
    let level = &snapshot.policies[applied.policy.get()].spec.level;
    let active = &conditions.index().active;
    let mut users = UserSet::empty(snapshot.users.len());
    match level {
        Level::Anyone => users.union(active),
        Level::Approval => covers.iter().for_each(|cover| users.insert(cover.user)),
        Level::Entitlements { .. } => {
            let binding =
                applied.binding.expect("a policy of level entitlements is bound when classes are made");
            conditions.with_users(snapshot, binding, |admitted| users.union(admitted));
        }
        Level::Individuals { individuals: named } => users = individuals(snapshot, conditions, named),
    }
    Admission { policy: applied.policy, users, approval: matches!(level, Level::Approval) }
}

/// The active users who are named, or in a group that is.
pub(crate) fn individuals(snapshot: &Snapshot, conditions: &Conditions, named: &Individuals) -> UserSet {
    let mut users = UserSet::empty(snapshot.users.len());
    named.users.iter().filter_map(|name| snapshot.user(name)).for_each(|user| users.insert(user));
    for group in named.groups.iter().filter_map(|name| snapshot.group(name)) {
        conditions.index().in_group(group).iter().for_each(|user| users.insert(*user));
    }
    users.intersect(&conditions.index().active);
    users
}

/// Rules 7 and 9 for one granted user with the requests that cover the source for them.
fn reason_of(
    snapshot: &Snapshot,
    user: UserIx,
    owner: bool,
    covers: &[Cover],
    grants: &[Admission],
    guardrails: &[Admission],
    all_guardrails: &[PolicyIx],
) -> Reason {
    // Without a request an approval admits nobody: users who stand for others have none.
    let counts = |grant: &Admission| !grant.approval || !covers.is_empty();
    let admitting = || grants.iter().filter(|grant| counts(grant) && grant.users.contains(user));
    let blocking: Box<[PolicyIx]> =
        guardrails.iter().filter(|guard| !guard.users.contains(user)).map(|guard| guard.policy).collect();
    let approved = admitting().any(|grant| grant.approval);
    let counting = covers.iter().filter(|cover| approved || cover.product).map(|cover| cover.request);
    let request = ends_last(snapshot, counting);
    let because =
        Because { policy: admitting().any(|grant| !grant.approval), owner, request: request.is_some() };
    let (outcome, guardrails) = if blocking.is_empty() {
        (Outcome::Granted, all_guardrails.into())
    } else {
        (Outcome::Blocked, blocking)
    };
    Reason {
        outcome,
        grants: admitting().map(|grant| grant.policy).collect(),
        guardrails,
        because,
        request,
        expires_at: request
            .filter(|_| !because.policy && !because.owner)
            .and_then(|request| snapshot.requests[request.get()].expires_at),
    }
}

/// Of some requests the one that ends last: no end is last of all, ties go to the smallest id (rule 9).
pub(crate) fn ends_last(snapshot: &Snapshot, requests: impl Iterator<Item = RequestIx>) -> Option<RequestIx> {
    requests.min_by(|left, right| {
        let (left, right) = (&snapshot.requests[left.get()], &snapshot.requests[right.get()]);
        let end = |request: &domesday_model::Request| (request.expires_at.is_none(), request.expires_at);
        end(right).cmp(&end(left)).then_with(|| left.id.cmp(&right.id))
    })
}

/// Positions of users by the sets they are in, where two users in the same sets have the same. Of many user classes
/// most are the same to any one class of data sources.
pub(crate) struct OfMembers<'s> {
    sets: &'s [&'s UserSet],
    known: FastMap<u64, u32>,
}

impl<'s> OfMembers<'s> {
    pub(crate) fn of(sets: &'s [&'s UserSet]) -> Self {
        Self { sets, known: FastMap::default() }
    }

    /// The position of a user, made by `position` for the first of those in the same sets.
    pub(crate) fn position(&mut self, user: UserIx, position: impl FnOnce(UserIx) -> u32) -> u32 {
        if self.sets.len() > u64::BITS as usize {
            return position(user);
        }
        *self.known.entry(members(self.sets, user)).or_insert_with(|| position(user))
    }
}

/// Which of up to 64 sets a user is in, a bit for each.
fn members(sets: &[&UserSet], user: UserIx) -> u64 {
    sets.iter().enumerate().fold(0, |bits, (bit, set)| bits | u64::from(set.contains(user)) << bit)
}

/// Groups users by which of the sets they are in: a position per user, `position` giving the one of a group
/// from any of its members.
pub(crate) fn grouped(
    users: &[UserIx],
    sets: &[&UserSet],
    mut position: impl FnMut(UserIx) -> u32,
) -> Vec<u32> {
    // Groups are refined 64 sets at a time; a group is a pair of the group before and the 64 memberships.
    let mut group_of = vec![0_u32; users.len()];
    let mut groups = 1;
    for sets in sets.chunks(64) {
        let mut refined: FastMap<(u32, u64), u32> =
            FastMap::with_capacity_and_hasher(groups, Default::default());
        let mut last = None;
        for (user, group) in users.iter().zip(&mut group_of) {
            let key = (*group, members(sets, *user));
            *group = match last {
                Some((last_key, last_group)) if last_key == key => last_group,
                _ => {
                    let next = u32::try_from(refined.len()).expect("no more groups than users");
                    *refined.entry(key).or_insert(next)
                }
            };
            last = Some((key, *group));
        }
        groups = refined.len();
    }
    let mut positions: Vec<Option<u32>> = vec![None; groups.max(1)];
    for (user, group) in users.iter().zip(&mut group_of) {
        *group = *positions[*group as usize].get_or_insert_with(|| position(*user));
    }
    group_of
}

/// Interns the reasons of a class.
pub(crate) struct Reasons<R> {
    list: Vec<R>,
    by_reason: FastMap<R, u32>,
}

impl<R> Default for Reasons<R> {
    fn default() -> Self {
        Self { list: Vec::new(), by_reason: FastMap::default() }
    }
}

impl<R: Clone + Eq + std::hash::Hash> Reasons<R> {
    pub(crate) fn intern(&mut self, reason: R) -> u32 {
        if let Some(position) = self.by_reason.get(&reason) {
            return *position;
        }
        let position = u32::try_from(self.list.len()).expect("no more reasons than users");
        self.list.push(reason.clone());
        self.by_reason.insert(reason, position);
        position
    }

    /// The reasons that some user has, in order of first use, `reason_of` pointing at them.
    pub(crate) fn used(self, reason_of: &mut [u32]) -> Vec<R> {
        let mut new_position = vec![None; self.list.len()];
        let mut used = Vec::with_capacity(self.list.len());
        for reason in reason_of {
            let old = *reason as usize;
            *reason = *new_position[old].get_or_insert_with(|| {
                used.push(self.list[old].clone());
                u32::try_from(used.len() - 1).expect("no more reasons than users")
            });
        }
        used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Users 0 and 2 are in the same sets, however many there are; users 1 and 3 only up to the last.
    #[test]
    fn users_in_the_same_sets_have_one_position() {
        for count in [1, 63, 64, 65, 130] {
            let mut sets = vec![UserSet::empty(4); count];
            sets[0].insert(UserIx(1));
            sets[0].insert(UserIx(3));
            sets[count - 1].insert(UserIx(3));
            let sets: Vec<&UserSet> = sets.iter().collect();
            let mut of_members = OfMembers::of(&sets);
            let mut reasons = Reasons::default();
            let mut position = |user| {
                let reason = |user: UserIx| sets.iter().map(|set| set.contains(user)).collect::<Vec<_>>();
                of_members.position(user, |user| reasons.intern(reason(user)))
            };
            let positions = [0, 1, 2, 3].map(|user| position(UserIx(user)));
            assert_eq!(positions[0], positions[2]);
            assert_eq!(positions[1] == positions[3], count == 1);
            assert_ne!(positions[0], positions[1]);
        }
    }
}
