//! One group compared: the outcomes of its two classes, user by user.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use domesday_model::{FastMap, Scope, Snapshot, UserIx};
use rayon::slice::ParallelSliceMut;

use super::change::{AccessChange, Behind, ColumnChange, Counts, Effect};
use super::group::{Group, Source};
use crate::Outcomes;
use crate::explain::Access;
use crate::outcomes::{
    ClassIx, ClassOutcomes, ColumnOutcome, ColumnOutcomes, ColumnReason, Outcome, Reason, ScopeOutcomes,
};

/// Two outcomes to compare, and what is summed up over all groups while they are.
pub(super) struct Comparison<'s> {
    before: Side<'s>,
    after: Side<'s>,
    /// The usernames of both sides in order. A user's *rank* is the position here.
    usernames: Vec<&'s str>,
    /// By rank and effect. Sums, which come out alike whatever thread adds when.
    by_user: Vec<[AtomicUsize; Effect::ALL.len()]>,
}

struct Side<'s> {
    outcomes: &'s Outcomes,
    /// By user.
    ranks: Vec<u32>,
}

/// How many changes of a group to keep in lists.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keep {
    pub(super) access: usize,
    /// Kept a whole user at a time: the order of a user's columns is that of their names, source by source.
    pub(super) columns: usize,
}

/// What a thread works on: for each rank, what users have on either side; zeros between uses.
pub(super) struct Scratch(Vec<Seen>);

/// Positions counted from 1; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Seen {
    before: u32,
    after: u32,
}

/// What each source of a group differs in.
#[derive(Debug, Default)]
pub(super) struct Compared<'s> {
    pub(super) counts: Counts,
    kinds: Vec<Kind<'s>>,
    /// The first ones, by scope and rank.
    pub(super) access: Vec<AccessAt>,
    /// The first ones, by rank.
    pub(super) columns: Vec<ColumnAt>,
}

/// Changes that are alike in everything but whom and what they concern.
#[derive(Debug)]
struct Kind<'s> {
    from: Access,
    to: Access,
    effect: Effect,
    behind: Behind<'s>,
    count: usize,
}

#[derive(Debug)]
pub(super) struct AccessAt {
    scope: Scope,
    rank: u32,
    kind: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct ColumnAt {
    rank: u32,
    /// Position in the columns of the group.
    column: u32,
    kind: u32,
}

impl Scratch {
    pub(super) fn of(comparison: &Comparison<'_>) -> Self {
        Self(vec![Seen::default(); comparison.usernames.len()])
    }
}

impl<'s> Comparison<'s> {
    pub(super) fn of(before: &'s Outcomes, after: &'s Outcomes) -> Self {
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

    /// What changed for each user whom anything did for, over all groups compared so far.
    pub(super) fn by_user(&self) -> BTreeMap<&'s str, Counts> {
        let counted = self.usernames.iter().zip(&self.by_user).map(|(name, of_user)| {
            let mut counts = Counts::default();
            let of_user = Effect::ALL.into_iter().zip(of_user);
            of_user.for_each(|(effect, count)| counts.add(effect, count.load(Ordering::Relaxed)));
            (*name, counts)
        });
        counted.filter(|(_, counts)| !counts.is_empty()).collect()
    }

    fn tally_user(&self, rank: u32, effect: Effect, count: usize) {
        self.by_user[rank as usize][effect as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// Compares the classes of a group.
    pub(super) fn compare(&self, group: &Group, keep: Keep, scratch: &mut Scratch) -> Compared<'s> {
        let evaluated = |side: &Side<'s>, class: Option<ClassIx>| {
            class.map(|class| side.outcomes.class(class)).unwrap_or_default()
        };
        let before = evaluated(&self.before, group.alike.before);
        let after = evaluated(&self.after, group.alike.after);
        let mut compared = Compared::default();
        for scope in Scope::ALL {
            self.compare_scope(
                scope,
                [before.scope(scope), after.scope(scope)],
                group,
                keep,
                scratch,
                &mut compared,
            );
        }
        if !group.alike.columns.is_empty() {
            self.compare_columns([&before, &after], group, keep, scratch, &mut compared);
        }
        compared
    }

    fn compare_scope(
        &self,
        scope: Scope,
        [before, after]: [&ScopeOutcomes; 2],
        group: &Group,
        keep: Keep,
        Scratch(seen): &mut Scratch,
        compared: &mut Compared<'s>,
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
                let then = behind(&before.reasons, seen.before, |reason| self.before.deciding(reason));
                let now = behind(&after.reasons, seen.after, |reason| self.after.deciding(reason));
                let effect = Effect::of_access(from, to);
                compared.kind(Kind { from, to, effect, behind: then.apart(&now), count: 0 })
            });
            let effect = compared.count(kind);
            self.tally_user(rank, effect, group.sources);
            if keep.access > 0 {
                compared.access.push(AccessAt { scope, rank, kind });
            }
        }
        compared.access[first..].sort_unstable_by_key(|change| change.rank);
        compared.access.truncate(keep.access);
    }

    fn compare_columns(
        &self,
        [before, after]: [&ClassOutcomes; 2],
        group: &Group,
        keep: Keep,
        Scratch(seen): &mut Scratch,
        compared: &mut Compared<'s>,
    ) {
        // Positions among those who read are those among `ColumnOutcomes::users`.
        for (position, user) in (1..).zip(readers(&before.read)) {
            seen[self.before.rank(user) as usize].before = position;
        }
        let mut both = Vec::new();
        for (position, user) in (0_usize..).zip(readers(&after.read)) {
            let rank = self.after.rank(user);
            if let Some(then) = seen[rank as usize].before.checked_sub(1) {
                both.push((rank, then as usize, position));
            }
        }
        readers(&before.read).for_each(|user| seen[self.before.rank(user) as usize].before = 0);
        if keep.columns > 0 {
            both.sort_unstable();
        }
        let columns: Vec<_> = group
            .alike
            .columns
            .iter()
            .map(|slots| (slot_of(&before.columns, slots.before), slot_of(&after.columns, slots.after)))
            .collect();
        let (clear_before, clear_after) = (clear_of(&before.columns), clear_of(&after.columns));
        let mut kinds = FastMap::default();
        for (rank, then, now) in both {
            let mut of_user = Counts::default();
            let listed = compared.columns.len() < keep.columns;
            for (column, (slot_before, slot_after)) in (0..).zip(&columns) {
                // Counted from 1; a column without a slot is clear for no reason.
                let then = slot_before.map_or(0, |slot| slot[then] + 1);
                let now = slot_after.map_or(0, |slot| slot[now] + 1);
                let clear = clear_after[now as usize];
                if clear_before[then as usize] == clear {
                    continue;
                }
                let kind = *kinds.entry((then, now)).or_insert_with(|| {
                    let then = behind(&before.columns.reasons, then, |reason| self.before.masking(reason));
                    let now = behind(&after.columns.reasons, now, |reason| self.after.masking(reason));
                    // Only who reads on both sides is compared.
                    let (from, to) = (Access::Granted, Access::Granted);
                    let effect = Effect::of_column(clear);
                    compared.kind(Kind { from, to, effect, behind: then.apart(&now), count: 0 })
                });
                of_user.add(compared.count(kind), 1);
                if listed {
                    compared.columns.push(ColumnAt { rank, column, kind });
                }
            }
            of_user.iter().for_each(|(effect, count)| self.tally_user(rank, effect, count * group.sources));
        }
    }
}

impl<'s> Side<'s> {
    fn rank(&self, user: UserIx) -> u32 {
        self.ranks[user.get()]
    }

    /// What decides access: the grants that admit, the guardrails that block, ownership and requests.
    fn deciding(&self, reason: &Reason) -> Behind<'s> {
        let policies = &self.outcomes.snapshot().policies;
        let guardrails = if reason.outcome == Outcome::Blocked { &*reason.guardrails } else { &[] };
        let deciding = reason.grants.iter().chain(guardrails);
        Behind {
            policies: deciding.map(|policy| policies[policy.get()].spec.name.as_str()).collect(),
            rights: reason.because.parts().into_iter().filter(|part| *part != "POLICY").collect(),
        }
    }

    /// What decides how a column is seen: the data policies that mask, and a masking exception.
    fn masking(&self, reason: &ColumnReason) -> Behind<'s> {
        let policies = &self.outcomes.snapshot().data_policies;
        let clear = reason.outcome == ColumnOutcome::Unmasked;
        let masking = if clear { &[] } else { &*reason.data_policies };
        Behind {
            policies: masking.iter().map(|policy| policies[policy.get()].spec.name.as_str()).collect(),
            rights: reason.request.map(|_| "REQUEST").into_iter().collect(),
        }
    }
}

/// What is behind a reason whose position is counted from 1, 0 being none.
fn behind<'s, R>(reasons: &[R], position: u32, of: impl FnOnce(&R) -> Behind<'s>) -> Behind<'s> {
    position.checked_sub(1).map(|position| of(&reasons[position as usize])).unwrap_or_default()
}

/// The access that each reason comes to, counted from 1; none at 0.
fn access_of(outcomes: &ScopeOutcomes) -> Vec<Access> {
    let reasons = outcomes.reasons.iter().map(|reason| reason.outcome.into());
    std::iter::once(Access::None).chain(reasons).collect()
}

/// Whether a column is clear by each reason, counted from 1; clear at 0.
fn clear_of(outcomes: &ColumnOutcomes) -> Vec<bool> {
    let reasons = outcomes.reasons.iter().map(|reason| reason.outcome == ColumnOutcome::Unmasked);
    std::iter::once(true).chain(reasons).collect()
}

fn slot_of(outcomes: &ColumnOutcomes, slot: Option<u32>) -> Option<&[u32]> {
    slot.map(|slot| &*outcomes.slots[slot as usize])
}

fn readers(read: &ScopeOutcomes) -> impl Iterator<Item = UserIx> {
    let granted = |reason: u32| read.reasons[reason as usize].outcome == Outcome::Granted;
    let users = read.users.iter().zip(&read.reason_of);
    users.filter(move |(_, reason)| granted(**reason)).map(|(user, _)| *user)
}

impl<'s> Compared<'s> {
    fn kind(&mut self, kind: Kind<'s>) -> u32 {
        self.kinds.push(kind);
        u32::try_from(self.kinds.len() - 1).expect("a class has fewer than 2^32 pairs of reasons")
    }

    /// Counts one more change of a kind.
    fn count(&mut self, kind: u32) -> Effect {
        let kind = &mut self.kinds[kind as usize];
        kind.count += 1;
        self.counts.add(kind.effect, 1);
        kind.effect
    }

    /// Adds what each of so many sources differs in to the sums by policy.
    pub(super) fn tally_policies(&self, sources: usize, by_policy: &mut BTreeMap<&'s str, Counts>) {
        for kind in &self.kinds {
            let count = kind.count * sources;
            kind.behind
                .summed_under()
                .for_each(|name| by_policy.entry(name).or_default().add(kind.effect, count));
        }
    }

    /// Without what only its counts need.
    pub(super) fn kept(self) -> Self {
        if self.access.is_empty() && self.columns.is_empty() {
            return Self { counts: self.counts, ..Self::default() };
        }
        self
    }

    /// The changes of access kept, for one source of the group.
    pub(super) fn access_of<'d>(
        &'d self,
        source: &'d Source<'s>,
        usernames: &'d [&'s str],
    ) -> impl Iterator<Item = AccessChange<'d>> {
        self.access.iter().map(|change| {
            let Kind { from, to, effect, ref behind, .. } = self.kinds[change.kind as usize];
            let user = usernames[change.rank as usize];
            AccessChange {
                data_source: source.name,
                scope: change.scope.as_str(),
                user,
                from,
                to,
                effect,
                behind,
            }
        })
    }

    /// The changes of columns kept, for one source of the group.
    pub(super) fn columns_of<'d>(
        &'d self,
        source: &'d Source<'s>,
        usernames: &'d [&'s str],
    ) -> impl Iterator<Item = ColumnChange<'d>> {
        self.columns.chunk_by(|one, next| one.rank == next.rank).flat_map(move |of_user| {
            let mut of_user: Vec<_> =
                of_user.iter().map(|at| (source.columns[at.column as usize], at)).collect();
            of_user.sort_unstable_by_key(|(column, _)| *column);
            of_user.into_iter().map(|(column, at)| {
                let kind = &self.kinds[at.kind as usize];
                ColumnChange {
                    data_source: source.name,
                    user: usernames[at.rank as usize],
                    column,
                    clear: kind.effect == Effect::ColumnsClear,
                    behind: &kind.behind,
                }
            })
        })
    }
}
