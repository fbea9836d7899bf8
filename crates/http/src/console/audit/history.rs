//! The history of one object, for its page.

use domesday_model::Kind;
use domesday_store::{AuditFilter, AuditPage, AuditPageStart, Store, StoreError};

use super::entries::EntryView;
use super::filter::PATH;
use crate::console::listing::address;
use crate::console::object_links::Links;
use crate::console::times::counted;

/// How many changes a page lists; the rest is in the log.
const SHOWN: usize = 10;

/// The latest changes of an object.
pub(in crate::console) struct History {
    pub(in crate::console) entries: Vec<EntryView>,
    /// How many there are.
    pub(in crate::console) total: String,
    /// All of them, in the log.
    pub(in crate::console) href: String,
}

/// The entries about an object, and how the log names it.
#[derive(Debug)]
pub(in crate::console) struct StoredHistory {
    target: String,
    page: AuditPage,
}

/// Reads the latest changes of an object. The caller must have a permission to read the log.
pub(in crate::console) fn read_history(
    store: &mut Store,
    kind: Kind,
    name: &str,
) -> Result<StoredHistory, StoreError> {
    let target = format!("{}/{name}", kind.key());
    let filter = AuditFilter { targets: Some(vec![target.clone()]), ..AuditFilter::default() };
    let page = store.search_audit(&filter, AuditPageStart::Newest, SHOWN)?;
    Ok(StoredHistory { target, page })
}

impl History {
    pub(in crate::console) fn new(stored: StoredHistory, links: &Links<'_>) -> Self {
        let StoredHistory { target, page } = stored;
        Self {
            entries: page.entries.iter().map(|entry| EntryView::in_list(entry, links)).collect(),
            total: counted(page.total, "change", "changes"),
            href: address(PATH, std::iter::once(("object", target.as_str()))),
        }
    }
}
