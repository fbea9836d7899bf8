//! The bound on the size of a page.

/// How many characters of documents a page contains at most, not counting its first object: the cost of a list is
/// bounded, however large documents are.
pub(crate) const MAX_PAGE_CHARACTERS: usize = 4 << 20;
