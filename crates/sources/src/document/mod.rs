//! Parses YAML and JSON into one tree of values with their positions.

mod json;
mod node;
mod surrogates;
mod yaml;

pub(crate) use json::{check as check_json, parse as parse_json};
pub(crate) use node::{Node, Style, SyntaxError, Value};

/// Whether the name of a file has one of these endings, in any case.
pub(crate) fn has_ending(name: &str, endings: &[&str]) -> bool {
    endings.iter().any(|ending| {
        let start = name.len().checked_sub(ending.len());
        start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(ending))
    })
}

/// Parses a text without byte order mark: as JSON of at most `most` values when the file is named `.json`, else as YAML.
pub(crate) fn parse(name: &str, text: &str, most: usize) -> Result<Node, SyntaxError> {
    if !has_ending(name, &[".json"]) {
        return yaml::parse(text);
    }
    // An empty file declares nothing, as in YAML.
    if text.trim_ascii().is_empty() {
        return Ok(Node::new(0, Value::Mapping(Vec::new())));
    }
    json::parse(text, most)
}
