//! An index of the active users by group and attribute value.

use domesday_model::{FastMap, GroupIx, Snapshot, Symbol, UserIx, UserStatus};

use crate::user_set::UserSet;

/// The active users, by group and by attribute value.
///
/// Groups and values are lists rather than bitmaps: there can be as many values as users.
#[derive(Debug)]
pub(crate) struct UserIndex {
    /// How many users the snapshot has, active or not.
    pub(crate) count: usize,
    /// All active users: the members of `All Users`.
    pub(crate) active: UserSet,
    by_group: Vec<Vec<UserIx>>,
    by_attribute: FastMap<(Symbol, Symbol), Vec<UserIx>>,
}

impl UserIndex {
    /// Indexes the active users. A disabled user is in no set, since they have no access (`docs/access.md` rule 7).
    pub(crate) fn new(snapshot: &Snapshot) -> Self {
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

    /// Returns the active members of a group, ascending.
    pub(crate) fn in_group(&self, group: GroupIx) -> &[UserIx] {
        &self.by_group[group.get()]
    }

    /// Returns the active users who have a value for a key, ascending.
    pub(crate) fn with_attribute(&self, key: Symbol, value: Symbol) -> &[UserIx] {
        self.by_attribute.get(&(key, value)).map_or(&[], Vec::as_slice)
    }
}
