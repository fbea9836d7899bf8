//! Sets of users, and who has which group and attribute value.

use domesday_model::{FastMap, GroupIx, Snapshot, Symbol, UserIx, UserStatus};

/// A set of the users of one snapshot, one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserSet {
    words: Box<[u64]>,
}

impl UserSet {
    /// No one, out of `users` users.
    pub(crate) fn empty(users: usize) -> Self {
        Self { words: vec![0; users.div_ceil(64)].into() }
    }

    pub(crate) fn insert(&mut self, user: UserIx) {
        self.words[user.get() / 64] |= 1 << (user.0 % 64);
    }

    pub(crate) fn contains(&self, user: UserIx) -> bool {
        self.words[user.get() / 64] >> (user.0 % 64) & 1 == 1
    }

    pub(crate) fn union(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    pub(crate) fn intersect(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Everyone of `all` who is not in the set.
    pub(crate) fn complement(&mut self, all: &Self) {
        self.words.iter_mut().zip(&all.words).for_each(|(word, all)| *word = all & !*word);
    }

    /// Whether nobody is in the set.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The users in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = UserIx> + '_ {
        self.words.iter().enumerate().flat_map(|(position, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                if rest == 0 {
                    return None;
                }
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                Some(UserIx::at(position * 64 + bit as usize))
            })
        })
    }

    /// The users in ascending order, in a list.
    pub(crate) fn to_vec(&self) -> Vec<UserIx> {
        let count = self.words.iter().map(|word| word.count_ones() as usize).sum();
        let mut users = Vec::with_capacity(count);
        users.extend(self.iter());
        users
    }

    /// The size in memory, in bytes.
    pub(crate) fn bytes(users: usize) -> usize {
        users.div_ceil(64) * 8
    }
}

/// Who is active, who is in which group, who has which attribute value.
///
/// Groups and values are lists rather than bitmaps: there can be as many values as users.
#[derive(Debug)]
pub(crate) struct UserIndex {
    /// How many users the snapshot has, active or not.
    pub(crate) count: usize,
    /// Every active user: the members of `All Users`.
    pub(crate) active: UserSet,
    by_group: Vec<Vec<UserIx>>,
    by_attribute: FastMap<(Symbol, Symbol), Vec<UserIx>>,
}

impl UserIndex {
    /// Indexes the active users; a disabled one is in no set, since they have no access whatever holds.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let mut index = Self {
            count: snapshot.users.len(),
            active: UserSet::empty(snapshot.users.len()),
            by_group: vec![Vec::new(); snapshot.groups.len()],
            by_attribute: FastMap::default(),
        };
        for (position, user) in snapshot.users.iter().enumerate() {
            if user.status == UserStatus::Disabled {
                continue;
            }
            let ix = UserIx::at(position);
            index.active.insert(ix);
            index.by_group[0].push(ix);
            for group in &user.groups {
                index.by_group[group.get()].push(ix);
            }
            for pair in snapshot.attributes_of(ix) {
                let users = index.by_attribute.entry(pair).or_default();
                // The same pair can come from the user and from several groups.
                if users.last() != Some(&ix) {
                    users.push(ix);
                }
            }
        }
        index
    }

    /// The active members of a group, ascending.
    pub(crate) fn in_group(&self, group: GroupIx) -> &[UserIx] {
        &self.by_group[group.get()]
    }

    /// The active users who have a value for a key, ascending.
    pub(crate) fn with_attribute(&self, key: Symbol, value: Symbol) -> &[UserIx] {
        self.by_attribute.get(&(key, value)).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_work_across_words() {
        let set = |users: &[u32]| {
            let mut set = UserSet::empty(130);
            users.iter().for_each(|user| set.insert(UserIx(*user)));
            set
        };
        let list = |set: &UserSet| set.iter().map(|user| user.0).collect::<Vec<_>>();
        let some = set(&[0, 5, 63, 64, 129]);
        assert_eq!(list(&some), [0, 5, 63, 64, 129]);
        assert!(some.contains(UserIx(64)) && !some.contains(UserIx(65)) && !some.contains(UserIx(1)));
        let mut united = some.clone();
        united.union(&set(&[1, 64, 128]));
        assert_eq!(list(&united), [0, 1, 5, 63, 64, 128, 129]);
        let mut shared = some.clone();
        shared.intersect(&set(&[5, 64, 100]));
        assert_eq!(list(&shared), [5, 64]);
        let mut others = some;
        others.complement(&set(&[0, 1, 64, 65, 129]));
        assert_eq!(list(&others), [1, 65]);
    }

    #[test]
    fn the_size_is_that_of_whole_words() {
        assert_eq!([0, 1, 64, 65, 130].map(UserSet::bytes), [0, 8, 8, 16, 24]);
    }
}
