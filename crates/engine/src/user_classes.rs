//! Users whom no policy distinguishes.
//!
//! Every set of users that a condition or a list of names selects is a union of *user classes*. What a source class
//! says of one member of a user class, it therefore says of all, and evaluating a source class costs one step for each
//! user class instead of one for each user. Owners and requesters are excluded: they are few, and get their reasons one
//! by one.

use domesday_model::{Level, PolicyState, Snapshot, UserIx};
use rayon::prelude::*;

use crate::admission::individuals;
use crate::condition::Bindings;
use crate::user_set::UserSet;

/// The users of a snapshot by class.
#[derive(Debug)]
pub(crate) struct UserClasses {
    class_of: Vec<u32>,
    count: usize,
}

impl UserClasses {
    /// Groups users by every condition and every list of names in active policies. Returns `None` where the sets of users
    /// are so many that they are not cached.
    pub(crate) fn group(snapshot: &Snapshot, bindings: &Bindings) -> Option<Self> {
        let cached = bindings.cached_bindings()?;
        // Computed in parallel; from here on they are only looked up.
        cached.par_iter().for_each(|binding| bindings.with_users(snapshot, *binding, |_| ()));
        let mut classes = Self { class_of: vec![0; snapshot.users.len()], count: 1 };
        let mut refinement = Refinement::new(snapshot.users.len());
        cached.iter().for_each(|binding| {
            bindings.with_users(snapshot, *binding, |users| refinement.split(&mut classes, users));
        });
        for policy in snapshot.policies.iter().filter(|policy| policy.spec.state == PolicyState::Active) {
            if let Level::Individuals { individuals: named } = &policy.spec.level {
                refinement.split(&mut classes, &individuals(snapshot, bindings.users(), named));
            }
        }
        Some(classes)
    }

    /// Returns a position for each of the users; `position` makes the one of a class from any of its members.
    pub(crate) fn positions(&self, users: &[UserIx], mut position: impl FnMut(UserIx) -> u32) -> Vec<u32> {
        let mut known = vec![u32::MAX; self.count];
        let of_user = |user: &UserIx| {
            let known = &mut known[self.class_of[user.get()] as usize];
            if *known == u32::MAX {
                *known = position(*user);
            }
            *known
        };
        users.iter().map(of_user).collect()
    }
}

/// Splits classes by one set after the other, each at the cost of the set's members.
struct Refinement {
    /// Members of each class.
    sizes: Vec<u32>,
    /// Members of each class in the current set; zero between sets.
    hits: Vec<u32>,
    /// The class that takes the members in the set, where a class is split.
    taken_by: Vec<u32>,
}

impl Refinement {
    fn new(users: usize) -> Self {
        let all = u32::try_from(users).expect("a snapshot has fewer than 2^32 users");
        Self { sizes: vec![all], hits: vec![0], taken_by: vec![0] }
    }

    /// Splits every class of which some members are in the set and some are not.
    fn split(&mut self, classes: &mut UserClasses, users: &UserSet) {
        let mut touched = Vec::new();
        for user in users.iter() {
            let class = classes.class_of[user.get()] as usize;
            if self.hits[class] == 0 {
                touched.push(class);
            }
            self.hits[class] += 1;
        }
        for class in &touched {
            let hits = std::mem::take(&mut self.hits[*class]);
            let taken_by = if hits == self.sizes[*class] {
                *class
            } else {
                self.sizes[*class] -= hits;
                self.sizes.push(hits);
                self.hits.push(0);
                self.taken_by.push(0);
                self.sizes.len() - 1
            };
            self.taken_by[*class] = u32::try_from(taken_by).expect("no more classes than users");
        }
        for user in users.iter() {
            let class = &mut classes.class_of[user.get()];
            *class = self.taken_by[*class as usize];
        }
        classes.count = self.sizes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(users: usize, members: &[usize]) -> UserSet {
        let mut set = UserSet::empty(users);
        members.iter().for_each(|user| set.insert(UserIx::at(*user)));
        set
    }

    #[test]
    fn users_in_the_same_sets_share_a_class_and_no_others_do() {
        let sets = [set(8, &[0, 1, 2, 3]), set(8, &[2, 3, 4]), set(8, &[]), set(8, &[0, 1, 2, 3])];
        let mut classes = UserClasses { class_of: vec![0; 8], count: 1 };
        let mut refinement = Refinement::new(8);
        sets.iter().for_each(|set| refinement.split(&mut classes, set));
        for left in 0..8 {
            for right in 0..8 {
                let member = |user: usize| sets.each_ref().map(|set| set.contains(UserIx::at(user)));
                let alike = classes.class_of[left] == classes.class_of[right];
                assert_eq!(alike, member(left) == member(right), "{left}, {right}");
            }
        }
        assert_eq!(classes.count, 4);
    }
}
