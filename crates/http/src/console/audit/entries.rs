//! Entries of the log as they are shown.

use domesday_store::AuditEntry;

use super::changes::{Bounds, Changes, changes};
use crate::console::link::Link;
use crate::console::object_links::Links;
use crate::console::times::TimeView;

/// An entry.
pub(in crate::console) struct EntryView {
    pub(in crate::console) seq: u64,
    pub(in crate::console) time: TimeView,
    pub(in crate::console) actor: Link,
    /// What was done, such as “Changed”.
    pub(in crate::console) action: String,
    /// What it was done to, such as “user”.
    pub(in crate::console) kind: String,
    pub(in crate::console) object: Link,
    pub(in crate::console) changes: Changes,
}

impl EntryView {
    /// Shows an entry in a list.
    pub(super) fn in_list(entry: &AuditEntry, links: &Links<'_>) -> Self {
        let is_update = entry.before.is_some() && entry.after.is_some();
        Self::new(entry, links, if is_update { Bounds::ROW } else { Bounds::WHOLE })
    }

    /// Shows an entry, with as much of its changes as the bounds allow.
    pub(super) fn new(entry: &AuditEntry, links: &Links<'_>, bounds: Bounds) -> Self {
        let (kind, _) = entry.target.split_once('/').unwrap_or((&entry.target, ""));
        let object = links.target(&entry.target);
        Self {
            seq: entry.seq,
            time: links.calendar.time(entry.at),
            actor: links.username(&entry.actor),
            action: action_word(&entry.action),
            kind: kind_word(kind).to_owned(),
            object: if entry.target == kind { Link::plain("") } else { object },
            changes: changes(entry.before.as_ref(), entry.after.as_ref(), bounds),
        }
    }
}

/// The actions that are known, with the word for each.
pub(super) const ACTIONS: [(&str, &str); 9] = [
    ("create", "Created"),
    ("update", "Changed"),
    ("delete", "Deleted"),
    ("import", "Imported"),
    ("move", "Moved"),
    ("revoke", "Revoked"),
    ("cancel", "Cancelled"),
    ("refuse", "Refused"),
    ("release", "Released"),
];

/// The kinds of object in the log, with the word for one.
pub(super) const KINDS: [(&str, &str); 16] = [
    ("users", "user"),
    ("groups", "group"),
    ("dataSources", "data source"),
    ("tags", "tag"),
    ("domains", "domain"),
    ("policies", "policy"),
    ("dataPolicies", "data policy"),
    ("requests", "request"),
    ("dataProducts", "data product"),
    ("agreements", "agreement"),
    ("requestForms", "request form"),
    ("exports", "export"),
    ("runs", "run"),
    ("apiKeys", "API key"),
    ("sessions", "session"),
    ("tenant", "tenant"),
];

fn action_word(action: &str) -> String {
    let known = ACTIONS.iter().find(|(known, _)| *known == action);
    known.map_or_else(
        || {
            let mut characters = action.chars();
            characters.next().map(char::to_uppercase).into_iter().flatten().chain(characters).collect()
        },
        |(_, word)| (*word).to_owned(),
    )
}

fn kind_word(kind: &str) -> &str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or(kind, |(_, word)| word)
}
