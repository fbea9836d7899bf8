//! Data sources and users in a preview, as links to their access.

use domesday_model::Snapshot;

use crate::console::access::{source_path, user_path};
use crate::console::link::Link;

pub(super) fn source_link(snapshot: &Snapshot, name: &str) -> Link {
    match snapshot.data_source(name) {
        Some(source) => Link::new(name, source_path(snapshot.data_sources[source.get()].id.0)),
        None => Link::plain(name),
    }
}

/// A user with their title.
pub(super) fn user_link(snapshot: &Snapshot, username: &str) -> (Link, String) {
    match snapshot.user(username) {
        Some(user) => {
            let user = &snapshot.users[user.get()];
            let title = user.title.as_deref().unwrap_or_default().to_owned();
            (Link::new(&*user.name, user_path(user.id.0)), title)
        }
        None => (Link::plain(username), String::new()),
    }
}
