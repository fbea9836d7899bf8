//! Users whom every policy treats alike.
//!
//! Any set of users that a condition or a list of names makes is a union of *user classes*. So what a class of
//! data sources says of one member it says of all, and a new class of sources costs a look at each user class
//! it reaches instead of a look at each of its users. Owners and requesters stand apart: they are few, and
//! have their reasons one by one.

use domesday_model::{PolicyState, Snapshot, UserIx};
use rayon::prelude::*;

use crate::admit::individuals;
use crate::condition::Conditions;
use crate::users::UserSet;

/// The users of a snapshot by class.
#[derive(Debug)]
pub(crate) struct UserClasses {
    of: Vec<u32>,
    count: usize,
}

impl UserClasses {
    /// By every condition and every list of names of active policies; `None` where there are so many different
    /// sets of users that they are not kept.
    pub(crate) fn of(snapshot: &Snapshot, conditions: &Conditions) -> Option<Self> {
        let bindings = conditions.kept_bindings()?;
        // All of them, side by side; from here on they are only looked up.
        bindings.par_iter().for_each(|binding| conditions.with_users(snapshot, *binding, |_| ()));
        let mut classes = Self { of: vec![0; snapshot.users.len()], count: 1 };
        let mut refinement = Refinement::of(snapshot.users.len());
        bindings.iter().for_each(|binding| {
            conditions.with_users(snapshot, *binding, |users| refinement.split(&mut classes, users));
        });
        for policy in snapshot.policies.iter().filter(|policy| policy.spec.state == PolicyState::Active) {
            if let domesday_model::Level::Individuals { individuals: named } = &policy.spec.level {
                refinement.split(&mut classes, &individuals(snapshot, conditions, named));
            }
        }
        Some(classes)
    }

    /// Gives each of the users a position, `position` telling the one of a class from any of its members.
    pub(crate) fn positions(&self, users: &[UserIx], mut position: impl FnMut(UserIx) -> u32) -> Vec<u32> {
        let mut known = vec![u32::MAX; self.count];
        let of_user = |user: &UserIx| {
            let known = &mut known[self.of[user.get()] as usize];
            if *known == u32::MAX {
                *known = position(*user);
            }
            *known
        };
        users.iter().map(of_user).collect()
    }
}

/// Splits classes set by set, each at the cost of the set's members.
struct Refinement {
    /// Members of each class.
    sizes: Vec<u32>,
    /// Members of each class in the set at hand; zero between sets.
    hits: Vec<u32>,
    /// The class that takes the members in the set, where a class is split.
    taken_by: Vec<u32>,
}

impl Refinement {
    fn of(users: usize) -> Self {
        let all = u32::try_from(users).expect("a snapshot has fewer than 2^32 users");
        Self { sizes: vec![all], hits: vec![0], taken_by: vec![0] }
    }

    /// Splits every class of which some members are in the set and some are not.
    fn split(&mut self, classes: &mut UserClasses, users: &UserSet) {
        let mut touched = Vec::new();
        for user in users.iter() {
            let class = classes.of[user.get()] as usize;
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
            let class = &mut classes.of[user.get()];
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
        let mut classes = UserClasses { of: vec![0; 8], count: 1 };
        let mut refinement = Refinement::of(8);
        sets.iter().for_each(|set| refinement.split(&mut classes, set));
        for left in 0..8 {
            for right in 0..8 {
                let member = |user: usize| sets.each_ref().map(|set| set.contains(UserIx::at(user)));
                let alike = classes.of[left] == classes.of[right];
                assert_eq!(alike, member(left) == member(right), "{left}, {right}");
            }
        }
        assert_eq!(classes.count, 4);
    }
}
