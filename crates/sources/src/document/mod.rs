//! A text as a tree of values, each knowing where it stands, whatever notation it was written in.

mod json;
mod yaml;

/// Deeper nesting than any catalog has; what goes past it is an error rather than a full stack.
const MAX_DEPTH: usize = 64;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Position {
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
    /// How many nodes it is made of, itself included.
    pub(crate) size: usize,
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
    pub(crate) at: Position,
}

/// Why a text is no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: Position,
    pub(crate) message: String,
}

impl SyntaxError {
    fn new(at: Position, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

impl Node {
    fn new(at: Position, value: Value) -> Self {
        let size = 1 + match &value {
            Value::List(items) => items.iter().map(|item| item.size).sum(),
            Value::Mapping(entries) => entries.iter().map(|(_, value)| 1 + value.size).sum(),
            _ => 0,
        };
        Self { at, value, size }
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

/// Reads a text, as JSON or YAML by the ending of its file's name.
pub(crate) fn parse(name: &str, text: &str) -> Result<Node, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if name.ends_with(".json") { json::parse(text) } else { yaml::parse(text) }
}

/// Adds an entry to a mapping under way; a key twice is an error.
fn add_entry(
    entries: &mut Vec<(Key, Node)>,
    seen: &mut std::collections::HashSet<String>,
    key: Key,
    value: Node,
) -> Result<(), SyntaxError> {
    if !seen.insert(key.text.clone()) {
        return Err(SyntaxError::new(key.at, format!("the key `{}` stands twice in this mapping", key.text)));
    }
    entries.push((key, value));
    Ok(())
}
