//! A text with an index of its lines, which converts byte offsets to positions.

use std::cell::OnceCell;
use std::ops::Range;

/// The maximum length of an excerpt, in characters.
const SHOWN: usize = 120;

/// The index has the number of characters at every multiple of so many bytes, so that a lookup counts at most that many.
const STEP: usize = 4096;

/// A position in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

/// An excerpt of a line around a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snippet {
    /// The excerpt; `…` replaces what is omitted before it.
    pub(crate) text: String,
    /// The position in `text`, in characters from 1.
    pub(crate) caret: usize,
}

/// A text without its byte order mark. The index of lines is created at the first lookup: a text without mistakes needs
/// none.
pub(crate) struct SourceText<'t> {
    text: &'t str,
    index: OnceCell<Index>,
}

struct Index {
    /// The byte offset of each line. Lines end at `\n`, `\r\n` or `\r`.
    lines: Vec<usize>,
    /// The number of characters that begin before each multiple of [`STEP`] bytes.
    characters: Vec<usize>,
}

impl<'t> SourceText<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text: text.strip_prefix('\u{feff}').unwrap_or(text), index: OnceCell::new() }
    }

    pub(crate) fn as_str(&self) -> &'t str {
        self.text
    }

    /// The line and column of a byte offset; offsets inside a character or past the end are those of the character, or
    /// the end.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        let column = self.characters_before(offset) - self.characters_before(self.index().lines[line]) + 1;
        Position { line: line + 1, column }
    }

    /// The bytes of a line, counted from 0, without its end.
    pub(crate) fn line(&self, line: usize) -> Range<usize> {
        let lines = &self.index().lines;
        let start = lines.get(line).copied().unwrap_or(self.text.len());
        let end = lines.get(line + 1).copied().unwrap_or(self.text.len());
        start..start + self.text[start..end].trim_end_matches(['\r', '\n']).len()
    }

    /// The line, counted from 0, that a byte offset is in.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.index().lines.partition_point(|start| *start <= offset) - 1
    }

    /// The line of a byte offset, cut around it when it is long.
    pub(crate) fn snippet(&self, offset: usize) -> Snippet {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line(self.line_of(offset));
        let offset = offset.min(line.end);
        let length = self.characters_before(line.end) - self.characters_before(line.start);
        let before = &self.text[line.start..offset];
        let start = if length <= SHOWN {
            line.start
        } else {
            before.char_indices().rev().take(SHOWN / 2).last().map_or(offset, |(start, _)| line.start + start)
        };
        let cut = if start > line.start { "…" } else { "" };
        let shown = self.text[start..line.end].chars().take(SHOWN).map(visible);
        Snippet {
            text: cut.chars().chain(shown).collect(),
            caret: self.text[start..offset].chars().count() + cut.chars().count() + 1,
        }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let step = offset / STEP;
        self.index().characters[step] + characters(&self.text.as_bytes()[step * STEP..offset])
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let mut lines = vec![0];
            for (position, byte) in bytes.iter().enumerate() {
                let ends_line = *byte == b'\n' || *byte == b'\r' && bytes.get(position + 1) != Some(&b'\n');
                if ends_line {
                    lines.push(position + 1);
                }
            }
            let mut counted = 0;
            let mut count = |part: &[u8]| {
                let before = counted;
                counted += characters(part);
                before
            };
            let mut characters: Vec<usize> = bytes.chunks(STEP).map(&mut count).collect();
            characters.push(counted);
            Index { lines, characters }
        })
    }
}

/// How many characters begin in bytes of UTF-8.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| (**byte & 0xc0) != 0x80).count()
}

/// A character as it can be shown on one line without acting on what is around it; tabs stay.
fn visible(character: char) -> char {
    match character {
        '\t' => '\t',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ if domesday_model::is_control(character) => '\u{fffd}',
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Line and column by walking over every character.
    fn obvious(text: &str, offset: usize) -> Position {
        let (mut line, mut column) = (1, 1);
        let mut characters = text.char_indices().peekable();
        while let Some((start, character)) = characters.next() {
            if start + character.len_utf8() > offset {
                break;
            }
            match character {
                '\r' if characters.peek().is_some_and(|(_, next)| *next == '\n') => column += 1,
                '\r' | '\n' => (line, column) = (line + 1, 1),
                _ => column += 1,
            }
        }
        Position { line, column }
    }

    proptest! {
        #[test]
        fn every_place_is_found(text in "(?s)[aé\u{1f600}\r\n]{0,40}", repeat in 1usize..400) {
            let text = text.repeat(repeat);
            let source = SourceText::new(&text);
            for (offset, _) in text.char_indices().step_by(repeat).chain([(text.len(), ' ')]) {
                prop_assert_eq!(source.position(offset), obvious(&text, offset), "{} in {:?}", offset, text);
                let snippet = source.snippet(offset);
                prop_assert!(snippet.text.chars().count() <= SHOWN + 1);
                prop_assert!(snippet.caret >= 1 && snippet.caret <= snippet.text.chars().count() + 1);
            }
        }
    }

    /// A million places on one line of 8 MiB: with a count from the line's beginning each time this reads 4 TB.
    #[test]
    fn places_on_one_long_line_cost_the_same_everywhere() {
        let text = "é".repeat(4 << 20);
        let source = SourceText::new(&text);
        let columns = (0..text.len()).step_by(8).map(|offset| source.position(offset).column);
        assert!(columns.enumerate().all(|(index, column)| column == index * 4 + 1));
        let snippet = source.snippet(text.len() / 2);
        assert_eq!((snippet.text.chars().count(), snippet.caret), (SHOWN + 1, SHOWN / 2 + 2));
    }

    #[test]
    fn what_would_act_on_a_terminal_is_shown_as_a_picture() {
        let snippet = SourceText::new("\u{feff}a\u{1b}[31m\tb\u{202e}c").snippet(8);
        assert_eq!(snippet.text, "a\u{241b}[31m\tb\u{fffd}c");
        assert_eq!(snippet.caret, 9);
    }
}
