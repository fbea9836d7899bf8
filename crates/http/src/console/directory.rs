//! People by the names under which the caller may see them.

use domesday_model::{Kind, Snapshot, SnapshotUser};
use domesday_service::caller::Caller;
use domesday_service::evaluation::READERS;
use domesday_service::permissions::objects::read_permit;

use super::access::user_path;
use super::link::Link;

/// The people of a snapshot, as a caller sees them: all by name, or themselves alone and others by username.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory<'s> {
    snapshot: &'s Snapshot,
    caller: &'s Caller,
}

impl<'s> Directory<'s> {
    pub(super) fn new(snapshot: &'s Snapshot, caller: &'s Caller) -> Self {
        Self { snapshot, caller }
    }

    fn find(&self, username: &str) -> Option<&'s SnapshotUser> {
        self.snapshot.user(username).map(|user| &self.snapshot.users[user.get()])
    }

    /// Whether the caller sees the fields of users.
    pub(super) fn sees_everybody(&self) -> bool {
        read_permit(Kind::User).check(self.caller).is_ok()
    }

    /// Returns a user with all fields, when the caller may see them.
    pub(super) fn record(&self, username: &str) -> Option<&'s SnapshotUser> {
        let is_shown = self.sees_everybody() || self.caller.is_user(username);
        self.find(username).filter(|_| is_shown)
    }

    /// The name of a user, or the username where that is all the caller may see.
    pub(super) fn name(&self, username: &str) -> String {
        self.record(username).map_or_else(|| username.to_owned(), |user| user.name.to_string())
    }

    /// The name of a user, which leads to what they can reach where the caller may see that.
    pub(super) fn link(&self, username: &str) -> Link {
        let is_shown = self.caller.has_any(READERS) || self.caller.is_user(username);
        let record = self.find(username).filter(|_| is_shown);
        let href = record.map(|user| user_path(user.id.0));
        Link::new(self.name(username), href.unwrap_or_default())
    }
}

/// A list of names as it is said.
pub(super) fn listed(names: &[String], conjunction: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {conjunction} {last}", first.join(", ")),
    }
}
