//! JSON with positions.
//!
//! serde_json decides what is JSON and says what is not; the walk that follows meets only right texts and so
//! needs no errors of its own beyond those of a catalog.

use std::collections::HashSet;

use serde::de::IgnoredAny;

use super::{Key, MAX_DEPTH, Node, Position, Style, SyntaxError, Value, add_entry};

pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    if text.trim().is_empty() {
        return Ok(Node::new(Position { line: 1, column: 1 }, Value::Mapping(Vec::new())));
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
        // serde_json counts the bytes of the line read so far.
        let bytes = error.column().saturating_sub(1).min(line.len());
        let column = line.char_indices().take_while(|(offset, _)| *offset < bytes).count() + 1;
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(reason, _)| reason);
        let at = Position { line: error.line().max(1), column };
        return Err(SyntaxError::new(at, format!("this is no JSON: {message}")));
    }
    let mut walk = Walk { rest: text, at: Position { line: 1, column: 1 } };
    walk.node(0)
}

struct Walk<'t> {
    rest: &'t str,
    at: Position,
}

impl<'t> Walk<'t> {
    /// Goes on by some bytes.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes);
        for c in taken.chars() {
            if c == '\n' {
                self.at = Position { line: self.at.line + 1, column: 1 };
            } else {
                self.at.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    /// Goes past white space and what separates values.
    fn skip(&mut self) {
        let bytes = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',', ':']).len();
        self.take(bytes);
    }

    fn string(&mut self) -> String {
        let mut escaped = false;
        let end = self.rest[1..].char_indices().find(|(_, c)| {
            let ends = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        let bytes = end.map_or(self.rest.len(), |(offset, _)| offset + 2);
        let literal = self.take(bytes);
        serde_json::from_str(literal).unwrap_or_default()
    }

    fn node(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        self.skip();
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err(SyntaxError::new(at, format!("values are nested deeper than {MAX_DEPTH} levels")));
        }
        let value = match self.rest.as_bytes().first() {
            Some(b'"') => Value::Text(self.string(), Style::DoubleQuoted),
            Some(b'[') => {
                self.take(1);
                let mut items = Vec::new();
                loop {
                    self.skip();
                    if self.rest.starts_with(']') {
                        self.take(1);
                        break Value::List(items);
                    }
                    items.push(self.node(depth + 1)?);
                }
            }
            Some(b'{') => {
                self.take(1);
                let (mut entries, mut seen) = (Vec::new(), HashSet::new());
                loop {
                    self.skip();
                    if self.rest.starts_with('}') {
                        self.take(1);
                        break Value::Mapping(entries);
                    }
                    let at = self.at;
                    let key = Key { text: self.string(), at };
                    let value = self.node(depth + 1)?;
                    add_entry(&mut entries, &mut seen, key, value)?;
                }
            }
            _ => {
                let end = self.rest.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(self.rest.len());
                match self.take(end) {
                    "null" => Value::Null,
                    text @ "true" => Value::Boolean(true, text.to_owned()),
                    text @ "false" => Value::Boolean(false, text.to_owned()),
                    number => Value::Number(number.to_owned()),
                }
            }
        };
        Ok(Node::new(at, value))
    }
}
