//! Cedar's literals.

/// A string literal.
pub(crate) fn string(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// The string literals of a set, in brackets; Cedar's validator takes no empty set, so neither does this.
pub(crate) fn set<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(string).collect();
    debug_assert!(!texts.is_empty(), "an empty set has no type");
    format!("[{}]", texts.join(", "))
}

/// An entity of a type of this schema.
pub(crate) fn entity(kind: &str, id: &str) -> String {
    format!("Domesday::{kind}::{}", string(id))
}

/// The pattern of a `like` for a glob whose only wildcard is `*`.
pub(crate) fn like(glob: &str) -> String {
    format!("\"{}\"", escaped(glob))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            c if c.is_control() => escaped.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => escaped.push(c),
        }
    }
    escaped
}
