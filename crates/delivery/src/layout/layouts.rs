//! The layouts: how the daily snapshots are arranged in the bucket.

use std::fmt;
use std::str::FromStr;

/// How the daily snapshots of a table are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// The current snapshot in place, each run overwriting the one before.
    #[default]
    Latest,
    /// Two slots: a run overwrites the one that is not in use, then `snapshot` names it.
    Swap,
    /// One folder for each day; none is overwritten.
    History,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 3] = [Self::Latest, Self::Swap, Self::History];

    /// Returns the name in the manifest and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Swap => "swap",
            Self::History => "history",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|layout| layout.as_str() == text);
        found.ok_or_else(|| format!("there is no layout `{text}`; the layouts are latest, swap and history"))
    }
}

/// One of the two copies of the swap layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// `slot=a`
    A,
    /// `slot=b`
    B,
}

impl Slot {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// Returns the name in keys and in the `snapshot` row.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// Returns the slot that is not this one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl FromStr for Slot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|slot| slot.as_str() == text);
        found.ok_or_else(|| format!("there is no slot `{text}`; the slots are a and b"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_named() {
        for layout in Layout::ALL {
            assert_eq!(layout.as_str().parse(), Ok(layout));
        }
        assert!("Latest".parse::<Layout>().unwrap_err().contains("latest, swap and history"));
    }
}
