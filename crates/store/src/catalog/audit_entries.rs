//! The entries of the audit log about objects of the catalog.

use domesday_model::{Kind, Request};
use serde_json::json;

use crate::audit::Entry;

use super::documents::Document;

/// Returns how the log names an object.
pub(super) fn target(kind: Kind, name: &str) -> String {
    format!("{}/{name}", kind.key())
}

/// Returns the entry of a creation. A request that arrives with decisions made elsewhere is an import: nobody decided
/// it here.
pub(super) fn creation(document: &Document) -> Entry<'static> {
    let is_import = document.kind == Kind::Request
        && serde_json::from_str::<Request>(&document.text).is_ok_and(|request| request.is_decided());
    let entry = Entry::create(target(document.kind, &document.name), &document.text);
    if is_import { Entry { action: "import", ..entry } } else { entry }
}

/// Returns the entry of an object that got another name, under the new one.
pub(super) fn renaming(kind: Kind, from: &str, to: &str) -> Entry<'static> {
    let name = |name: &str| Some(json!({ "name": name }).to_string());
    Entry { action: "rename", target: target(kind, to), before: name(from), after: name(to) }
}

/// Returns the entry of an object that moved to another file of the catalog.
pub(super) fn origin_change(target: String, from: &str, to: &str) -> Entry<'static> {
    let origin = |origin: &str| Some(json!({ "origin": origin }).to_string());
    Entry { action: "move", target, before: origin(from), after: origin(to) }
}
