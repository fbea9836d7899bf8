//! A user as they are, or would be after some steps.

use std::collections::BTreeSet;

use domesday_model::{ALL_USERS, GroupIx, Policy, Snapshot, UserIx};

use super::way::WayStep;
use crate::admission::AssumedUser;
use crate::condition::UserView;

/// A user as they are, or would be after some steps.
#[derive(Debug, Clone)]
pub(crate) struct HypotheticalUser {
    ix: UserIx,
    /// The groups by name, `All Users` among them.
    pub(super) groups: BTreeSet<String>,
    /// The user's own values and those of their groups.
    pub(super) attributes: BTreeSet<(String, String)>,
    /// The user's own values.
    pub(super) own: BTreeSet<(String, String)>,
    /// Policies that would name the user.
    named_in: BTreeSet<String>,
    /// Whether a request for the data source would be approved.
    source_approved: bool,
    /// Whether a request for a data product that contains it would be approved.
    product_approved: bool,
}

impl HypotheticalUser {
    /// Returns a user as they are stored.
    pub(crate) fn stored(snapshot: &Snapshot, user: UserIx) -> Self {
        let person = &snapshot.users[user.get()];
        let name = |group: &GroupIx| snapshot.groups[group.get()].name.to_string();
        let text =
            |(key, value)| (snapshot.symbols.text(key).to_owned(), snapshot.symbols.text(value).to_owned());
        let mut user = Self {
            ix: user,
            groups: person.groups.iter().map(name).chain([ALL_USERS.to_owned()]).collect(),
            attributes: BTreeSet::new(),
            own: person.attributes.iter().copied().map(text).collect(),
            named_in: BTreeSet::new(),
            source_approved: false,
            product_approved: false,
        };
        user.inherit(snapshot);
        user
    }

    /// Recomputes the attributes from the user's own and their groups'.
    fn inherit(&mut self, snapshot: &Snapshot) {
        self.attributes.clone_from(&self.own);
        for group in self.groups.iter().filter_map(|name| snapshot.group(name)) {
            for (key, value) in &snapshot.groups[group.get()].attributes {
                let (key, value) = (snapshot.symbols.text(*key), snapshot.symbols.text(*value));
                self.attributes.insert((key.to_owned(), value.to_owned()));
            }
        }
    }

    /// Assumes that a request is approved: one for the data source, or one for a data product that contains it.
    pub(super) fn approve(&mut self, by_product: bool) {
        self.source_approved = true;
        self.product_approved = by_product;
    }

    /// Applies a step.
    pub(super) fn apply(&mut self, snapshot: &Snapshot, step: &WayStep) {
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
            WayStep::AskForApproval { .. } => self.source_approved = true,
            WayStep::AskForProduct { .. } => self.product_approved = true,
            // An exception changes what a column looks like, not who the user is.
            WayStep::AskForException { .. } => {}
            WayStep::BeNamed { policy } => {
                self.named_in.insert(policy.clone());
            }
        }
        self.inherit(snapshot);
    }
}

impl UserView for &HypotheticalUser {
    fn ix(&self) -> UserIx {
        self.ix
    }

    fn is_in_group(&self, name: &str) -> bool {
        self.groups.contains(name)
    }

    fn has_value(&self, key: &str, is_match: impl Fn(&str) -> bool) -> bool {
        self.attributes.iter().any(|(held, value)| held == key && is_match(value))
    }
}

impl AssumedUser for &HypotheticalUser {
    fn is_assumed_named(&self, policy: &Policy) -> bool {
        self.named_in.contains(&policy.name)
    }

    fn has_assumed_approval(&self) -> bool {
        self.source_approved || self.product_approved
    }

    fn has_assumed_product(&self) -> bool {
        self.product_approved
    }
}
