//! Escapes of UTF-16: `\ud83d\ude00` is one character, and half of such a pair is none.
//!
//! JSON and YAML write such pairs alike, but the YAML parser refuses them. In a text that has any, the backslashes
//! before them are replaced by a character that the text does not contain ([`hide`]); the parser then passes them on as
//! ordinary text, in which they are found again.

use super::node::SyntaxError;

/// The length of `\uXXXX`.
pub(super) const LENGTH: usize = 6;

/// What an escape stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A character.
    Scalar(char),
    /// A character, together with the escape that follows.
    Pair(char),
    /// Half of a pair, without the other.
    Lone,
}

/// What the `\uXXXX` at the beginning of `bytes` stands for; `None` when there is none.
pub(super) fn unit(bytes: &[u8]) -> Option<Unit> {
    let code = code(bytes)?;
    if let Some(character) = char::from_u32(code.into()) {
        return Some(Unit::Scalar(character));
    }
    let low = bytes.get(LENGTH..).and_then(self::code);
    let pair = low.map(|low| char::decode_utf16([code, low]).collect::<Result<String, _>>());
    match pair {
        Some(Ok(pair)) => pair.chars().next().map(Unit::Pair),
        _ => Some(Unit::Lone),
    }
}

/// The code of the `\uXXXX` at the beginning of `bytes`.
fn code(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The error for half of a pair.
pub(super) fn lone(at: usize) -> SyntaxError {
    SyntaxError::content(at, "this escape is a lone surrogate, which is not a character")
}

/// A text in which the backslashes of surrogate escapes are replaced by a character of the same width in characters, and
/// that character; `None` when there is nothing to hide.
pub(super) fn hide(text: &str) -> Option<(String, char)> {
    let mut places = escapes(text).peekable();
    places.peek()?;
    // Private use, which nobody writes in a catalog. Where all of these are taken, the parser refuses the escapes.
    let mut free = '\u{10ffc0}'..='\u{10fffd}';
    let mark = free.find(|candidate| !text.contains(*candidate))?;
    let mut hidden = String::with_capacity(text.len() + 64);
    let mut copied = 0;
    for place in places {
        hidden.push_str(&text[copied..place]);
        hidden.push(mark);
        copied = place + 1;
    }
    hidden.push_str(&text[copied..]);
    Some((hidden, mark))
}

/// Where backslashes that begin an escape of a surrogate are, if in double quotes.
fn escapes(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = bytes.get(at..)?.iter().position(|byte| *byte == b'\\') {
            let start = at + found;
            let run = bytes[start..].iter().take_while(|byte| **byte == b'\\').count();
            at = start + run;
            // Backslashes in pairs stand for backslashes.
            let last = at - 1;
            let is_surrogate = code(&bytes[last..]).is_some_and(|code| (0xd800..=0xdfff).contains(&code));
            if run % 2 == 1 && is_surrogate {
                return Some(last);
            }
        }
        at = bytes.len();
        None
    })
}

/// The first half of a pair in the source of a text in double quotes, in bytes.
pub(super) fn first_lone(source: &str) -> Option<usize> {
    let mut places = escapes(source).peekable();
    while let Some(place) = places.next() {
        match unit(&source.as_bytes()[place..]) {
            Some(Unit::Pair(_)) if places.next_if_eq(&(place + LENGTH)).is_some() => {}
            _ => return Some(place),
        }
    }
    None
}

/// A text in double quotes with the characters that hidden escapes stand for; all of them are in pairs.
pub(super) fn reveal(text: &str, mark: char) -> String {
    let mut revealed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find(mark) {
        revealed.push_str(&rest[..found]);
        let pair = rest[found..].chars().take(2 * LENGTH);
        let pair: String = pair.map(|character| if character == mark { '\\' } else { character }).collect();
        match unit(pair.as_bytes()) {
            Some(Unit::Pair(character)) => revealed.push(character),
            _ => revealed.push(char::REPLACEMENT_CHARACTER),
        }
        rest = rest[found..].get(2 * (mark.len_utf8() + LENGTH - 1)..).unwrap_or_default();
    }
    revealed + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escapes_of_surrogates_are_hidden() {
        let table: [(&str, &[usize]); 7] = [
            (r"\ud83d\ude00", &[0, 6]),
            (r"\\ud83d", &[]),
            (r"\\\uD83D", &[2]),
            (r"\u00e9 \ude00", &[7]),
            (r"\ud8", &[]),
            (r"\\", &[]),
            ("", &[]),
        ];
        for (text, places) in table {
            assert_eq!(escapes(text).collect::<Vec<_>>(), places, "{text}");
            let hidden = hide(text);
            assert_eq!(hidden.is_some(), !places.is_empty());
            if let Some((hidden, mark)) = hidden {
                assert_eq!(hidden.replace(mark, "\\"), text);
                assert_eq!(hidden.chars().count(), text.chars().count());
            }
        }
    }
}
