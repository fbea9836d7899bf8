//! Texts of unknown length and content, quoted in messages.

use std::fmt;

/// The longest quotation, in characters.
const LONGEST: usize = 80;

/// A text as a message quotes it: at most 80 characters, on one line, without characters that would change how a
/// terminal shows the rest.
///
/// ```
/// use domesday_model::Excerpt;
///
/// assert_eq!(Excerpt("a\u{1b}[31m\n").to_string(), r"a\u{1b}[31m\n");
/// assert_eq!(Excerpt(&"x".repeat(1000)).to_string(), "x".repeat(80) + "…");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Excerpt<'t>(pub &'t str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, character) in self.0.chars().enumerate() {
            match character {
                _ if index == LONGEST => return f.write_str("…"),
                _ if is_control(character) => write!(f, "{}", character.escape_default())?,
                _ => write!(f, "{character}")?,
            }
        }
        Ok(())
    }
}

/// Whether a character has no shape of its own and acts on those around it: control characters, and those that turn
/// the direction of writing.
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}
