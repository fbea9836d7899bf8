//! Names that may lead somewhere.

/// A name that may lead somewhere.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) text: String,
    /// Empty when it leads nowhere.
    pub(super) href: String,
}

impl Link {
    pub(super) fn new(text: impl Into<String>, href: impl Into<String>) -> Self {
        Self { text: text.into(), href: href.into() }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, "")
    }
}
