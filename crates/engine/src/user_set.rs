//! Sets of the users of one snapshot.

use domesday_model::UserIx;

/// A set of the users of one snapshot, one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserSet {
    words: Box<[u64]>,
}

impl UserSet {
    /// Returns the empty set out of `users` users.
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

    /// Replaces the set by the users of `all` who are not in it.
    pub(crate) fn complement(&mut self, all: &Self) {
        self.words.iter_mut().zip(&all.words).for_each(|(word, all)| *word = all & !*word);
    }

    /// Whether the set is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Removes the users for whom a test fails.
    pub(crate) fn retain(&mut self, test: impl Fn(UserIx) -> bool) {
        for (position, word) in self.words.iter_mut().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                let bit = rest.trailing_zeros();
                rest &= rest - 1;
                if !test(UserIx::at(position * 64 + bit as usize)) {
                    *word &= !(1 << bit);
                }
            }
        }
    }

    /// Iterates over the users in ascending order.
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

    /// Returns the users in ascending order.
    pub(crate) fn to_vec(&self) -> Vec<UserIx> {
        let count = self.words.iter().map(|word| word.count_ones() as usize).sum();
        let mut users = Vec::with_capacity(count);
        users.extend(self.iter());
        users
    }

    /// Returns the bytes of memory that a set out of `users` users takes.
    pub(crate) fn bytes(users: usize) -> usize {
        users.div_ceil(64) * 8
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
        let mut even = some.clone();
        even.retain(|user| user.0 % 2 == 0);
        assert_eq!(list(&even), [0, 64]);
        let mut others = some;
        others.complement(&set(&[0, 1, 64, 65, 129]));
        assert_eq!(list(&others), [1, 65]);
    }

    #[test]
    fn the_size_is_that_of_whole_words() {
        assert_eq!([0, 1, 64, 65, 130].map(UserSet::bytes), [0, 8, 8, 16, 24]);
    }
}
