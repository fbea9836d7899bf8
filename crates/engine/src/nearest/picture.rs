//! The user as they are or would be after some steps.

use std::collections::BTreeSet;

use domesday_model::{ALL_USERS, GroupIx, Snapshot, UserIx};

use super::WayStep;

/// A user as they are or would be.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) user: UserIx,
    pub(super) groups: BTreeSet<String>,
    /// Their own values and those of their groups.
    pub(super) attributes: BTreeSet<(String, String)>,
    pub(super) own: BTreeSet<(String, String)>,
    /// Policies that would name them.
    pub(super) named_in: BTreeSet<String>,
    /// A request that would be approved for the source, and whether through a product.
    pub(super) approved: Option<bool>,
}

impl Picture {
    pub(super) fn of(snapshot: &Snapshot, user: UserIx) -> Self {
        let person = &snapshot.users[user.get()];
        let name = |group: &GroupIx| snapshot.groups[group.get()].name.to_string();
        let text =
            |(key, value)| (snapshot.symbols.text(key).to_owned(), snapshot.symbols.text(value).to_owned());
        let mut picture = Self {
            user,
            groups: person.groups.iter().map(name).chain([ALL_USERS.to_owned()]).collect(),
            attributes: BTreeSet::new(),
            own: person.attributes.iter().copied().map(text).collect(),
            named_in: BTreeSet::new(),
            approved: None,
        };
        picture.inherit(snapshot);
        picture
    }

    fn inherit(&mut self, snapshot: &Snapshot) {
        self.attributes.clone_from(&self.own);
        for group in self.groups.iter().filter_map(|name| snapshot.group(name)) {
            for (key, value) in &snapshot.groups[group.get()].attributes {
                let (key, value) = (snapshot.symbols.text(*key), snapshot.symbols.text(*value));
                self.attributes.insert((key.to_owned(), value.to_owned()));
            }
        }
    }

    pub(super) fn take(&mut self, snapshot: &Snapshot, step: &WayStep) {
        match step {
            WayStep::JoinGroup { group } => {
                self.groups.insert(group.clone());
            }
            WayStep::LeaveGroup { group } => {
                self.groups.remove(group);
            }
            WayStep::HaveAttribute { key, any_of } => {
                self.own.extend(any_of.first().map(|value| (key.clone(), value.clone())));
            }
            WayStep::LoseAttribute { key, all_of } => {
                self.own.retain(|(held, value)| held != key || !all_of.contains(value));
            }
            WayStep::AskForApproval { .. } => self.approved = Some(false),
            WayStep::AskForProduct { .. } => self.approved = Some(true),
            // An exception changes what a column looks like, not who the user is.
            WayStep::AskForException { .. } => {}
            WayStep::BeNamed { policy } => {
                self.named_in.insert(policy.clone());
            }
        }
        self.inherit(snapshot);
    }
}
