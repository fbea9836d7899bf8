//! What an apply has done so far.

use std::collections::HashMap;

use domesday_model::{Instant, Kind};

use crate::StoreError;
use crate::audit::Entry;

use super::audit_entries::{origin_change, target};
use super::documents::{Document, parse};
use super::objects::{StoredObject, object};
use super::plan::{Action, Change, Plan};
use super::records::{Stored, document_changes};

/// How to apply a catalog.
#[derive(Debug, Clone, Copy)]
pub struct ApplyOptions {
    /// When it happens: the creation time of new objects that declare none.
    pub at: Instant,
    /// Whether to delete objects that the catalog does not declare.
    pub prune: bool,
    /// Whether to return the plan without changing anything.
    pub dry_run: bool,
}

/// An object that an apply changes, before and after.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectChange {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// The stored object; `None` when it is created.
    pub before: Option<StoredObject>,
    /// Its new document; `None` when it is deleted.
    pub after: Option<serde_json::Value>,
}

pub(super) type Current = HashMap<(Kind, String), Stored>;

/// The state of an apply: the plan, and the entries for the audit log.
#[derive(Default)]
pub(super) struct Applied {
    pub(super) plan: Plan,
    pub(super) entries: Vec<Entry<'static>>,
    /// Whether a snapshot would differ.
    pub(super) changes: bool,
    /// Whether both versions of each changed object are kept, to authorize them.
    pub(super) keep_versions: bool,
    /// The changed objects.
    pub(super) objects: Vec<ObjectChange>,
}

impl Applied {
    pub(super) fn tenant(&mut self, change: Option<Change>) {
        let Some(change) = change else { return };
        self.entries.push(match &change.action {
            Action::Update { fields } => Entry::update("tenant".to_owned(), fields),
            Action::Create | Action::Delete => {
                let name = serde_json::json!({ "name": change.name }).to_string();
                Entry { action: "create", target: "tenant".to_owned(), before: None, after: Some(name) }
            }
        });
        self.changes = true;
        self.plan.changes.push(change);
    }

    pub(super) fn object(&mut self, kind: Kind, name: &str, action: Action, entry: Entry<'static>) {
        self.entries.push(entry);
        self.changes = true;
        self.plan.changes.push(Change { kind, name: name.to_owned(), action });
    }

    /// Returns the names of the objects of a kind that are deleted.
    pub(super) fn deleted(&self, kind: Kind) -> Vec<String> {
        let deleted = |change: &&Change| change.kind == kind && matches!(change.action, Action::Delete);
        self.plan.changes.iter().filter(deleted).map(|change| change.name.clone()).collect()
    }

    /// Records that an object was written in place of the stored version.
    pub(super) fn updated(&mut self, document: &Document, stored: &Stored) -> Result<(), StoreError> {
        let Document { kind, name, .. } = document;
        let target = target(*kind, name);
        match document_changes(document, stored)? {
            fields if fields.is_empty() => {
                self.plan.unchanged += 1;
                self.changes = true;
                // Only its file changed.
                if stored.origin != *document.origin {
                    self.entries.push(origin_change(target, &stored.origin, &document.origin));
                }
            }
            fields => {
                let entry = Entry::update(target, &fields);
                self.object(*kind, name, Action::Update { fields }, entry);
                self.versions(*kind, name, Some(stored), Some(document))?;
            }
        }
        Ok(())
    }

    /// Keeps both versions of an object to authorize the change.
    pub(super) fn versions(
        &mut self,
        kind: Kind,
        name: &str,
        before: Option<&Stored>,
        after: Option<&Document>,
    ) -> Result<(), StoreError> {
        if self.keep_versions {
            let before = before.map(|stored| object(kind, name.to_owned(), stored)).transpose()?;
            let after = after.map(|document| parse(kind, name, &document.text)).transpose()?;
            self.objects.push(ObjectChange { kind, name: name.to_owned(), before, after });
        }
        Ok(())
    }
}
