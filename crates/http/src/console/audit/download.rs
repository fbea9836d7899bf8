//! The log as CSV.

use axum::extract::State;
use axum::response::Response;
use domesday_store::{AuditPageStart, Store};

use super::filter::LogAddress;
use super::list::check;
use super::verify::hex;
use crate::console::csv::Csv;
use crate::console::errors::Failure;
use crate::console::form::Form;
use crate::console::signed_in::SignedIn;
use crate::state::App;

/// How many entries a file has at most: the newest. `domesday audit export` writes all.
const MAX_ENTRIES: usize = 10_000;

/// How many characters of values a file has, about. The page in which they are exceeded is the last.
const MAX_CHARACTERS: usize = 32 << 20;

/// How many entries are read at a time.
const READ: usize = 500;

/// Returns the newest entries that the filter shows as CSV.
pub(super) async fn csv(
    State(app): State<App>,
    signed_in: SignedIn,
    query: Form,
) -> Result<Response, Failure> {
    check(&signed_in.caller)?;
    let LogAddress { filter, .. } = LogAddress::read(&query, &signed_in.shell.calendar)?;
    let read = move |store: &mut Store| -> Result<_, Failure> {
        let mut csv =
            Csv::new(&["seq", "at", "actor", "action", "target", "before", "after", "from_address", "hash"]);
        let (mut start, mut count, mut characters) = (AuditPageStart::Newest, 0, 0);
        while count < MAX_ENTRIES && characters < MAX_CHARACTERS {
            let page = store.search_audit(&filter, start, READ.min(MAX_ENTRIES - count))?;
            for entry in &page.entries {
                let text = |value: &Option<serde_json::Value>| {
                    value.as_ref().map_or_else(String::new, ToString::to_string)
                };
                let (before, after) = (text(&entry.before), text(&entry.after));
                characters += before.len() + after.len();
                csv.row([
                    &*entry.seq.to_string(),
                    &entry.at.to_string(),
                    &entry.actor,
                    &entry.action,
                    &entry.target,
                    &before,
                    &after,
                    entry.from.as_deref().unwrap_or_default(),
                    &hex(&entry.hash),
                ]);
            }
            count += page.entries.len();
            match page.entries.last() {
                Some(last) if page.has_older => start = AuditPageStart::Before(last.seq),
                _ => break,
            }
        }
        Ok(csv)
    };
    Ok(app.service.pool.with(read).await?.into_response("audit-log"))
}
