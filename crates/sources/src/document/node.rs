//! The tree of values, and why a text has none.

use std::collections::HashSet;

use domesday_model::Excerpt;

/// Deeper nesting than any catalog has; what goes past it is an error rather than a full stack.
pub(super) const MAX_DEPTH: usize = 64;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// In bytes.
    pub(crate) at: usize,
    pub(crate) value: Value,
    /// How many nodes it is made of, itself included.
    pub(crate) size: usize,
    /// How many levels of lists and mappings it has.
    pub(super) height: usize,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    /// With the text as written.
    Boolean(bool, String),
    /// The text as written.
    Number(String),
    Text(String, Style),
    List(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

/// How a text was written, which tells where its characters stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// On one line, as it is.
    Plain,
    /// On one line between single quotes.
    SingleQuoted,
    /// On one line between double quotes.
    DoubleQuoted,
    /// In the lines that follow, as they are.
    Literal,
    /// In some way that moves characters about.
    Folded,
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: String,
    /// In bytes.
    pub(crate) at: usize,
}

/// Why a text is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// In bytes.
    pub(crate) at: usize,
    pub(crate) message: String,
    /// Whether the text breaks the grammar of its notation; else it says what no catalog can hold.
    pub(crate) is_grammar: bool,
}

impl SyntaxError {
    /// A text that does not follow the grammar.
    pub(super) fn grammar(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), is_grammar: true }
    }

    /// A text that follows the grammar and cannot be taken.
    pub(super) fn content(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), is_grammar: false }
    }

    pub(super) fn too_deep(at: usize) -> Self {
        Self::content(at, format!("values are nested deeper than {MAX_DEPTH} levels"))
    }
}

impl Node {
    pub(super) fn new(at: usize, value: Value) -> Self {
        let (size, height) = match &value {
            Value::List(items) => measure(items.iter()),
            Value::Mapping(entries) => {
                let (size, height) = measure(entries.iter().map(|(_, value)| value));
                (size + entries.len(), height)
            }
            _ => (1, 0),
        };
        Self { at, value, size, height }
    }

    /// The kind of value, as a message names it.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Boolean(..) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(..) => "a text",
            Value::List(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// The value under a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<(&Key, &Node)> {
        let Value::Mapping(entries) = &self.value else { return None };
        entries.iter().find(|(known, _)| known.text == key).map(|(key, value)| (key, value))
    }
}

impl Node {
    /// Adds every text in a value, keys among them, with U+0000 after each.
    pub(crate) fn add_texts(&self, texts: &mut String) {
        let mut add = |text: &str| {
            texts.push_str(text);
            texts.push('\0');
        };
        match &self.value {
            Value::Null => {}
            Value::Boolean(_, text) | Value::Number(text) | Value::Text(text, _) => add(text),
            Value::List(items) => items.iter().for_each(|item| item.add_texts(texts)),
            Value::Mapping(entries) => {
                for (key, value) in entries {
                    texts.push_str(&key.text);
                    texts.push('\0');
                    value.add_texts(texts);
                }
            }
        }
    }
}

/// Size and height of what has these children.
fn measure<'n>(children: impl Iterator<Item = &'n Node>) -> (usize, usize) {
    let (size, height) =
        children.fold((1, 0), |(size, height), child| (size + child.size, height.max(child.height)));
    (size, height + 1)
}

/// A text that a catalog can hold. Not every database stores the character U+0000.
pub(super) fn storable(text: String, at: usize) -> Result<String, SyntaxError> {
    if text.contains('\0') {
        return Err(SyntaxError::content(at, "this text contains the character U+0000, which no text may"));
    }
    Ok(text)
}

/// Adds an entry to a mapping under way; a key twice is an error.
pub(super) fn add_entry(
    entries: &mut Vec<(Key, Node)>,
    seen: &mut HashSet<String>,
    key: Key,
    value: Node,
) -> Result<(), SyntaxError> {
    if !seen.insert(key.text.clone()) {
        let message = format!("the key `{}` stands twice in this mapping", Excerpt(&key.text));
        return Err(SyntaxError::content(key.at, message));
    }
    entries.push((key, value));
    Ok(())
}
