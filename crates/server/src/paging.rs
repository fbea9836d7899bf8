//! Cursors: where the next page begins, opaque to who holds them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// How many entries a page has when nobody says.
const DEFAULT_LIMIT: usize = 100;

/// How many entries a page has at most.
pub(crate) const MAX_LIMIT: usize = 1000;

/// The size of a page, as asked for.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        other => Err(Problem::bad_request(format!(
            "the query parameter `limit` must be a whole number from 1 to {MAX_LIMIT}, found `{other}`"
        ))),
    }
}

/// Cuts a list that was read one entry longer than a page down to the page; the cursor of the next, when there is
/// one, is the position of the last entry left.
pub(crate) fn cut<T, P: Serialize>(
    entries: &mut Vec<T>,
    limit: usize,
    position: impl FnOnce(&T) -> P,
) -> Option<String> {
    let more = entries.len() > limit;
    entries.truncate(limit);
    entries.last().filter(|_| more).map(|last| cursor(&position(last)))
}

/// A position as a cursor.
pub(crate) fn cursor<T: Serialize>(position: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("positions are plain data"))
}

/// The position of a cursor.
pub(crate) fn position<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let read = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    read.map(Some).ok_or_else(|| {
        Problem::invalid(
            "the query parameter `cursor` is not one that this list gave; start again without it, or send \
                 `nextCursor` of the page before",
        )
    })
}
