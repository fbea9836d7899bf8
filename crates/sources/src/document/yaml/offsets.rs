//! Byte offsets of the parser's positions, which count characters.

use saphyr_parser::Marker;

/// Converts the parser's positions, in characters, to offsets in bytes. Positions arrive nearly in order, so each is
/// found from the last.
pub(super) struct ByteOffsets<'t> {
    text: &'t str,
    is_ascii: bool,
    /// The last position, in characters and in bytes.
    characters: usize,
    bytes: usize,
}

impl<'t> ByteOffsets<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, is_ascii: text.is_ascii(), characters: 0, bytes: 0 }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// Returns the offset of a position.
    pub(super) fn find(&mut self, marker: &Marker) -> usize {
        let wanted = marker.index();
        if self.is_ascii {
            return wanted.min(self.text.len());
        }
        while self.characters < wanted
            && let Some(character) = self.text[self.bytes..].chars().next()
        {
            self.bytes += character.len_utf8();
            self.characters += 1;
        }
        while self.characters > wanted
            && let Some(character) = self.text[..self.bytes].chars().next_back()
        {
            self.bytes -= character.len_utf8();
            self.characters -= 1;
        }
        self.bytes
    }
}
