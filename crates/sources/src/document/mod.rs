//! A text as a tree of values, each knowing where it stands, whatever notation it was written in.

mod json;
mod node;
mod surrogates;
mod yaml;

pub(crate) use json::{check as check_json, parse as parse_json};
pub(crate) use node::{Node, Style, SyntaxError, Value};

/// Whether a file's name ends in one of these endings, in any case.
pub(crate) fn has_ending(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| {
        let start = name.len().checked_sub(ending.len());
        start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    })
}

/// Reads a text without byte order mark, as JSON of at most `most` values or as YAML by the ending of its file's name.
pub(crate) fn parse(name: &str, text: &str, most: usize) -> Result<Node, SyntaxError> {
    if !has_ending(name, &[".json"]) {
        return yaml::parse(text);
    }
    // An empty file declares nothing, as one of YAML.
    if text.trim_ascii().is_empty() {
        return Ok(Node::new(0, Value::Mapping(Vec::new())));
    }
    json::parse(text, most)
}
