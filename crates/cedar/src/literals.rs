//! Cedar's literals.

/// Returns a string literal.
pub(crate) fn string(text: &str) -> String {
    format!("\"{}\"", escape(text))
}

/// Returns a set of string literals. It must not be empty, since Cedar's validator accepts no empty set.
pub(crate) fn set<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<_> = texts.into_iter().map(string).collect();
    debug_assert!(!texts.is_empty(), "an empty set has no type");
    format!("[{}]", texts.join(", "))
}

/// Returns an entity of a type of this schema.
pub(crate) fn entity(kind: &str, id: &str) -> String {
    format!("Domesday::{kind}::{}", string(id))
}

/// The pattern of a `like` for a glob whose only wildcard is `*`.
pub(crate) fn like(glob: &str) -> String {
    format!("\"{}\"", escape(glob))
}

fn escape(text: &str) -> String {
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
