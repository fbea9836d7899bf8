//! The comparison of the two classes of a group, user by user.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use domesday_model::{FastMap, Scope, Snapshot, UserIx};
use rayon::slice::ParallelSliceMut;

use super::change::{Causes, Effect, EffectCounts};
use super::group::Group;
use super::group_difference::{ChangeKind, GroupDifference, ListedAccess, ListedColumn};
use crate::Outcomes;
use crate::explain::Access;
use crate::outcomes::{
    ClassIx, ClassOutcomes, ColumnOutcome, ColumnOutcomes, ColumnReason, Outcome, Reason, ReasonPart,
    ScopeOutcomes,
};

/// Two outcomes to compare, and the counts over all groups compared so far.
pub(super) struct Comparison<'s> {
    before: Side<'s>,
    after: Side<'s>,
    /// The usernames of both sides in order. A user's *rank* is the position here.
    usernames: Vec<&'s str>,
    /// By rank and effect. Sums do not depend on the order in which threads add.
    by_user: Vec<[AtomicUsize; Effect::ALL.len()]>,
}

struct Side<'s> {
    outcomes: &'s Outcomes,
    /// By user.
    ranks: Vec<u32>,
}

/// How many changes of a group are listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListLimits {
    pub(super) access: usize,
    /// Listed a whole user at a time: the order of a user's columns is that of their names, source by source.
    pub(super) columns: usize,
}

/// Memory that a thread reuses: by rank, the positions on either side; zeros between uses.
pub(super) struct Scratch(Vec<Positions>);

/// The positions of a user's reasons on either side, counted from 1; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Positions {
    before: u32,
    after: u32,
}

impl Scratch {
    pub(super) fn new(comparison: &Comparison<'_>) -> Self {
        Self(vec![Positions::default(); comparison.usernames.len()])
    }
}

impl<'s> Comparison<'s> {
    pub(super) fn new(before: &'s Outcomes, after: &'s Outcomes) -> Self {
        let (then, now) = (before.snapshot(), after.snapshot());
        let users = |snapshot: &'s Snapshot| snapshot.users.iter().map(|user| &*user.username).enumerate();
        let users_then = users(then).map(|(user, name)| (name, false, user));
        let mut all: Vec<_> = users_then.chain(users(now).map(|(user, name)| (name, true, user))).collect();
        all.par_sort_unstable();
        let mut ranks = [vec![0; then.users.len()], vec![0; now.users.len()]];
        let mut usernames = Vec::<&str>::with_capacity(then.users.len().max(now.users.len()));
        for (name, side, user) in all {
            if usernames.last() != Some(&name) {
                usernames.push(name);
            }
            let rank = usernames.len() - 1;
            ranks[usize::from(side)][user] =
                u32::try_from(rank).expect("two snapshots have fewer than 2^32 users");
        }
        let [ranks_then, ranks_now] = ranks;
        let by_user = usernames.iter().map(|_| Default::default()).collect();
        Self {
            before: Side { outcomes: before, ranks: ranks_then },
            after: Side { outcomes: after, ranks: ranks_now },
            usernames,
            by_user,
        }
    }

    pub(super) fn into_usernames(self) -> Vec<&'s str> {
        self.usernames
    }

    /// Returns the counts of each user with a change, over all groups compared so far.
    pub(super) fn by_user(&self) -> BTreeMap<&'s str, EffectCounts> {
        let counted = self.usernames.iter().zip(&self.by_user).map(|(name, of_user)| {
            let mut counts = EffectCounts::default();
            let of_user = Effect::ALL.into_iter().zip(of_user);
            of_user.for_each(|(effect, count)| counts.add(effect, count.load(Ordering::Relaxed)));
            (*name, counts)
        });
        counted.filter(|(_, counts)| !counts.is_empty()).collect()
    }

    fn count_for_user(&self, rank: u32, effect: Effect, count: usize) {
        self.by_user[rank as usize][effect as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// Compares the classes of a group.
    pub(super) fn compare(
        &self,
        group: &Group,
        limits: ListLimits,
        scratch: &mut Scratch,
    ) -> GroupDifference<'s> {
        let evaluated = |side: &Side<'s>, class: Option<ClassIx>| {
            class.map(|class| side.outcomes.class(class)).unwrap_or_default()
        };
        let before = evaluated(&self.before, group.key.before);
        let after = evaluated(&self.after, group.key.after);
        let mut compared = GroupDifference::default();
        for scope in Scope::ALL {
            self.compare_scope(
                scope,
                [before.scope(scope), after.scope(scope)],
                group,
                limits,
                scratch,
                &mut compared,
            );
        }
        if !group.key.columns.is_empty() {
            self.compare_columns([&before, &after], group, limits, scratch, &mut compared);
        }
        compared
    }

    fn compare_scope(
        &self,
        scope: Scope,
        [before, after]: [&ScopeOutcomes; 2],
        group: &Group,
        limits: ListLimits,
        Scratch(seen): &mut Scratch,
        compared: &mut GroupDifference<'s>,
    ) {
        let mut ranks = Vec::with_capacity(before.users.len().max(after.users.len()));
        for (user, reason) in before.users.iter().zip(&before.reason_of) {
            let rank = self.before.rank(*user);
            seen[rank as usize].before = reason + 1;
            ranks.push(rank);
        }
        for (user, reason) in after.users.iter().zip(&after.reason_of) {
            let rank = self.after.rank(*user);
            let seen = &mut seen[rank as usize];
            if seen.before == 0 {
                ranks.push(rank);
            }
            seen.after = reason + 1;
        }
        let (access_before, access_after) = (access_of(before), access_of(after));
        let mut kinds = FastMap::default();
        let first = compared.access.len();
        for rank in ranks {
            let seen = std::mem::take(&mut seen[rank as usize]);
            let (from, to) = (access_before[seen.before as usize], access_after[seen.after as usize]);
            if from == to {
                continue;
            }
            let kind = *kinds.entry((seen.before, seen.after)).or_insert_with(|| {
                let then =
                    causes_of(&before.reasons, seen.before, |reason| self.before.causes_of_access(reason));
                let now = causes_of(&after.reasons, seen.after, |reason| self.after.causes_of_access(reason));
                let effect = Effect::of_access(from, to);
                compared.add_kind(ChangeKind {
                    from,
                    to,
                    effect,
                    causes: then.symmetric_difference(&now),
                    count: 0,
                })
            });
            let effect = compared.count(kind);
            self.count_for_user(rank, effect, group.sources);
            if limits.access > 0 {
                compared.access.push(ListedAccess { scope, rank, kind });
            }
        }
        compared.access[first..].sort_unstable_by_key(|change| change.rank);
        compared.access.truncate(limits.access);
    }

    fn compare_columns(
        &self,
        [before, after]: [&ClassOutcomes; 2],
        group: &Group,
        limits: ListLimits,
        Scratch(seen): &mut Scratch,
        compared: &mut GroupDifference<'s>,
    ) {
        // Positions among those who read are those among `ColumnOutcomes::users`.
        for (position, user) in (1..).zip(before.read.granted_users()) {
            seen[self.before.rank(user) as usize].before = position;
        }
        let mut both = Vec::new();
        for (position, user) in (0_usize..).zip(after.read.granted_users()) {
            let rank = self.after.rank(user);
            if let Some(then) = seen[rank as usize].before.checked_sub(1) {
                both.push((rank, then as usize, position));
            }
        }
        before.read.granted_users().for_each(|user| seen[self.before.rank(user) as usize].before = 0);
        if limits.columns > 0 {
            both.sort_unstable();
        }
        let columns: Vec<_> = group
            .key
            .columns
            .iter()
            .map(|slots| (slot_of(&before.columns, slots.before), slot_of(&after.columns, slots.after)))
            .collect();
        let (clear_before, clear_after) = (clear_of(&before.columns), clear_of(&after.columns));
        let mut kinds = FastMap::default();
        for (rank, then, now) in both {
            let mut of_user = EffectCounts::default();
            let listed = compared.columns.len() < limits.columns;
            for (column, (slot_before, slot_after)) in (0..).zip(&columns) {
                // Counted from 1; a column without a slot is clear for no reason.
                let then = slot_before.map_or(0, |slot| slot[then] + 1);
                let now = slot_after.map_or(0, |slot| slot[now] + 1);
                let clear = clear_after[now as usize];
                if clear_before[then as usize] == clear {
                    continue;
                }
                let kind = *kinds.entry((then, now)).or_insert_with(|| {
                    let then = causes_of(&before.columns.reasons, then, |reason| {
                        self.before.causes_of_sight(reason)
                    });
                    let now =
                        causes_of(&after.columns.reasons, now, |reason| self.after.causes_of_sight(reason));
                    // Only users who read on both sides are compared.
                    let (from, to) = (Access::Granted, Access::Granted);
                    let effect = Effect::of_column(clear);
                    compared.add_kind(ChangeKind {
                        from,
                        to,
                        effect,
                        causes: then.symmetric_difference(&now),
                        count: 0,
                    })
                });
                of_user.add(compared.count(kind), 1);
                if listed {
                    compared.columns.push(ListedColumn { rank, column, kind });
                }
            }
            of_user
                .iter()
                .for_each(|(effect, count)| self.count_for_user(rank, effect, count * group.sources));
        }
    }
}

impl<'s> Side<'s> {
    fn rank(&self, user: UserIx) -> u32 {
        self.ranks[user.get()]
    }

    /// Returns the causes of access: the grants that admit, the guardrails that block, ownership and requests.
    fn causes_of_access(&self, reason: &Reason) -> Causes<'s> {
        let policies = &self.outcomes.snapshot().policies;
        let guardrails = if reason.outcome == Outcome::Blocked { &*reason.guardrails } else { &[] };
        let deciding = reason.grants.iter().chain(guardrails);
        Causes {
            policies: deciding.map(|policy| policies[policy.get()].spec.name.as_str()).collect(),
            rights: reason.parts.iter().filter(|part| *part != ReasonPart::Policy).collect(),
        }
    }

    /// Returns the causes of how a column is seen: the data policies that mask, and a masking exception.
    fn causes_of_sight(&self, reason: &ColumnReason) -> Causes<'s> {
        let policies = &self.outcomes.snapshot().data_policies;
        let clear = reason.outcome == ColumnOutcome::Unmasked;
        let masking = if clear { &[] } else { &*reason.data_policies };
        Causes {
            policies: masking.iter().map(|policy| policies[policy.get()].spec.name.as_str()).collect(),
            rights: reason.request.map(|_| ReasonPart::Request).into_iter().collect(),
        }
    }
}

/// Returns the causes of a reason whose position is counted from 1, 0 being none.
fn causes_of<'s, R>(reasons: &[R], position: u32, causes: impl FnOnce(&R) -> Causes<'s>) -> Causes<'s> {
    position.checked_sub(1).map(|position| causes(&reasons[position as usize])).unwrap_or_default()
}

/// Returns the access of each reason, counted from 1; at 0 there is none.
fn access_of(outcomes: &ScopeOutcomes) -> Vec<Access> {
    let reasons = outcomes.reasons.iter().map(|reason| reason.outcome.into());
    std::iter::once(Access::None).chain(reasons).collect()
}

/// Returns whether a column is unmasked by each reason, counted from 1; at 0 it is.
fn clear_of(outcomes: &ColumnOutcomes) -> Vec<bool> {
    let reasons = outcomes.reasons.iter().map(|reason| reason.outcome == ColumnOutcome::Unmasked);
    std::iter::once(true).chain(reasons).collect()
}

fn slot_of(outcomes: &ColumnOutcomes, slot: Option<u32>) -> Option<&[u32]> {
    slot.map(|slot| &*outcomes.slots[slot as usize])
}
