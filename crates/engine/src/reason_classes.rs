//! Users with the same reasons: grouping users by the sets that they are in, and interning their reasons.

use domesday_model::{FastMap, UserIx};

use crate::user_set::UserSet;

/// Caches a position for each combination of sets that users are in. To any one source class, most user classes are
/// in the same sets.
pub(crate) struct MembershipCache<'s> {
    sets: &'s [&'s UserSet],
    known: FastMap<u64, u32>,
}

impl<'s> MembershipCache<'s> {
    /// Creates an empty cache for some sets. It caches nothing for more than 64.
    pub(crate) fn new(sets: &'s [&'s UserSet]) -> Self {
        Self { sets, known: FastMap::default() }
    }

    /// Returns the position of a user; `position` makes it for the first user in the same sets.
    pub(crate) fn position(&mut self, user: UserIx, position: impl FnOnce(UserIx) -> u32) -> u32 {
        if self.sets.len() > u64::BITS as usize {
            return position(user);
        }
        *self.known.entry(memberships(self.sets, user)).or_insert_with(|| position(user))
    }
}

/// Returns which of up to 64 sets a user is in, a bit for each.
fn memberships(sets: &[&UserSet], user: UserIx) -> u64 {
    sets.iter().enumerate().fold(0, |bits, (bit, set)| bits | u64::from(set.contains(user)) << bit)
}

/// Groups users by the sets that they are in. Returns a position for each user; `position` makes the one of a group from
/// any of its members.
pub(crate) fn group_by_sets(
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
            let key = (*group, memberships(sets, *user));
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
pub(crate) struct ReasonInterner<R> {
    list: Vec<R>,
    by_reason: FastMap<R, u32>,
}

impl<R> Default for ReasonInterner<R> {
    fn default() -> Self {
        Self { list: Vec::new(), by_reason: FastMap::default() }
    }
}

impl<R: Clone + Eq + std::hash::Hash> ReasonInterner<R> {
    /// Returns the position of a reason, which is added when it is new.
    pub(crate) fn intern(&mut self, reason: R) -> u32 {
        if let Some(position) = self.by_reason.get(&reason) {
            return *position;
        }
        let position = u32::try_from(self.list.len()).expect("no more reasons than users");
        self.list.push(reason.clone());
        self.by_reason.insert(reason, position);
        position
    }

    /// Returns the reasons that some user has, in order of first use, and renumbers `reason_of` accordingly.
    pub(crate) fn into_used(self, reason_of: &mut [u32]) -> Vec<R> {
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
            let mut cache = MembershipCache::new(&sets);
            let mut reasons = ReasonInterner::default();
            let mut position = |user| {
                let reason = |user: UserIx| sets.iter().map(|set| set.contains(user)).collect::<Vec<_>>();
                cache.position(user, |user| reasons.intern(reason(user)))
            };
            let positions = [0, 1, 2, 3].map(|user| position(UserIx(user)));
            assert_eq!(positions[0], positions[2]);
            assert_eq!(positions[1] == positions[3], count == 1);
            assert_ne!(positions[0], positions[1]);
        }
    }
}
