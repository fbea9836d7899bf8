//! The tree of values, and syntax errors.

use std::collections::HashSet;

use domesday_model::Excerpt;

/// The maximum depth of nesting: more than any catalog has, and little enough for the stack.
pub(super) const MAX_DEPTH: usize = 64;

/// A value and its position.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    /// The byte offset of its beginning.
    pub(crate) at: usize,
    pub(crate) value: Value,
    /// The number of nodes in it, itself included.
    pub(crate) size: usize,
    /// The number of levels of lists and mappings.
    pub(super) height: usize,
}

/// The content of a node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    /// The value, and the text as written.
    Boolean(bool, String),
    /// The text as written.
    Number(String),
    Text(String, Style),
    List(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

/// How a text is written, which determines the offsets of its characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// On one line, without quotes.
    Plain,
    /// On one line in single quotes.
    SingleQuoted,
    /// On one line in double quotes.
    DoubleQuoted,
    /// A literal block.
    Literal,
    /// Any style that changes the offsets of characters.
    Folded,
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) text: String,
    /// The byte offset of its beginning.
    pub(crate) at: usize,
}

/// Why a text cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The byte offset.
    pub(crate) at: usize,
    pub(crate) message: String,
    /// Whether the text violates the grammar of YAML or JSON, rather than a rule of the catalog format.
    pub(crate) is_grammar: bool,
}

impl SyntaxError {
    /// An error of the grammar.
    pub(super) fn grammar(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), is_grammar: true }
    }

    /// An error of the content.
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

    /// Returns the kind of the value, for messages.
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

    /// Returns the value of a key of a mapping.
    pub(crate) fn get(&self, key: &str) -> Option<(&Key, &Node)> {
        let Value::Mapping(entries) = &self.value else { return None };
        entries.iter().find(|(known, _)| known.text == key).map(|(key, value)| (key, value))
    }
}

impl Node {
    /// Appends every text in a value, including keys, each followed by U+0000.
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

/// Returns the size and height of a node with these children.
fn measure<'n>(children: impl Iterator<Item = &'n Node>) -> (usize, usize) {
    let (size, height) =
        children.fold((1, 0), |(size, height), child| (size + child.size, height.max(child.height)));
    (size, height + 1)
}

/// Checks that a text does not contain U+0000, which PostgreSQL cannot store.
pub(super) fn storable(text: String, at: usize) -> Result<String, SyntaxError> {
    if text.contains('\0') {
        return Err(SyntaxError::content(
            at,
            "this text contains the character U+0000, which is not allowed",
        ));
    }
    Ok(text)
}

/// Adds an entry to a mapping; a duplicate key is an error.
pub(super) fn add_entry(
    entries: &mut Vec<(Key, Node)>,
    seen: &mut HashSet<String>,
    key: Key,
    value: Node,
) -> Result<(), SyntaxError> {
    if !seen.insert(key.text.clone()) {
        let message = format!("the key `{}` occurs twice in this mapping", Excerpt(&key.text));
        return Err(SyntaxError::content(key.at, message));
    }
    entries.push((key, value));
    Ok(())
}
