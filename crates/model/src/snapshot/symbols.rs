//! Strings that occur often, stored once.

use crate::FastMap;

/// A string interned in one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(u32);

impl Symbol {
    /// Returns the symbol at a position of a snapshot's symbols.
    pub(super) fn at(position: u32) -> Self {
        Self(position)
    }

    pub(super) fn position(self) -> usize {
        self.0 as usize
    }
}

/// The strings interned in one snapshot: attribute keys and values, and column types.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    texts: Vec<Box<str>>,
    by_text: FastMap<Box<str>, Symbol>,
}

impl Symbols {
    pub(super) fn intern(&mut self, text: &str) -> Symbol {
        if let Some(symbol) = self.by_text.get(text) {
            return *symbol;
        }
        let symbol =
            Symbol(u32::try_from(self.texts.len()).expect("a snapshot interns fewer than 2^32 strings"));
        self.texts.push(text.into());
        self.by_text.insert(text.into(), symbol);
        symbol
    }

    /// Returns the texts by the position of their symbol.
    pub(super) fn texts(&self) -> &[Box<str>] {
        &self.texts
    }

    /// Interns the texts of others, and returns the symbol of each by its position there.
    pub(super) fn add_all(&mut self, others: &Self) -> Vec<Symbol> {
        others.texts.iter().map(|text| self.intern(text)).collect()
    }

    /// Returns the symbol of a text, if the snapshot contains it.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.by_text.get(text).copied()
    }

    /// Returns the text of a symbol of this snapshot.
    #[must_use]
    pub fn text(&self, symbol: Symbol) -> &str {
        &self.texts[symbol.position()]
    }
}
