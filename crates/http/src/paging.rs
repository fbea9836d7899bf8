//! Pages of lists, and cursors: where the next page begins, opaque to clients.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// How many entries a page has by default.
const DEFAULT_LIMIT: usize = 100;

/// How many entries a page has at most.
pub(crate) const MAX_LIMIT: usize = 1000;

/// Which page of a list is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct PageQuery {
    /// How many entries a page has.
    #[schemars(range(min = 1, max = 1000), extend("default" = 100))]
    limit: Option<usize>,
    /// Where the page begins: `nextCursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    /// Returns how many entries the page has.
    pub(crate) fn limit(&self) -> Result<usize, Problem> {
        match self.limit.unwrap_or(DEFAULT_LIMIT) {
            limit @ 1..=MAX_LIMIT => Ok(limit),
            other => Err(Problem::bad_request(format!(
                "the query parameter `limit` must be a whole number from 1 to {MAX_LIMIT}, found `{other}`"
            ))),
        }
    }

    /// Returns the position after which the page begins, if it is not the first.
    pub(crate) fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let read = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        read.map(Some).ok_or_else(|| {
            Problem::invalid(
                "the query parameter `cursor` is not one that this list gave; start again without it, or send \
                 `nextCursor` of the page before",
            )
        })
    }
}

/// Cuts a list that was read one entry longer than a page down to the page, and returns the cursor of the next, when
/// there is one: the position of the last entry left.
pub(crate) fn cut_page<T, P: Serialize>(
    entries: &mut Vec<T>,
    limit: usize,
    position: impl FnOnce(&T) -> P,
) -> Option<String> {
    let more = entries.len() > limit;
    entries.truncate(limit);
    entries.last().filter(|_| more).map(|last| cursor(&position(last)))
}

/// Returns a position as a cursor.
pub(crate) fn cursor<T: Serialize>(position: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).expect("positions are plain data"))
}
