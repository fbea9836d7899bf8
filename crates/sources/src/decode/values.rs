//! Single values: texts, numbers, choices, instants, conditions and attributes.

use std::fmt;

use domesday_model::{Attributes, Condition, Excerpt, Instant};

use super::decoder::Decoder;
use super::field_path::FieldPath;
use crate::document::{Node, Style, Value};
use crate::text::SourceText;

/// The mistake of a key without a value. Treated as absent, it could widen what it was meant to restrict.
pub(super) const NO_VALUE: &str = "expected a value, found nothing; give the key a value or remove it";

impl Decoder<'_> {
    pub(super) fn text(&mut self, node: &Node, path: FieldPath<'_>) -> Option<String> {
        match &node.value {
            Value::Text(text, _) => Some(text.clone()),
            Value::Number(_) | Value::Boolean(..) => {
                let message = format!("expected a text, found {}; put it in quotes", node.kind());
                self.error(node.at, path, message);
                None
            }
            _ => self.wrong(node, path, "a text"),
        }
    }

    /// Decodes a text, or a number or boolean as it is written.
    pub(super) fn scalar_text(&mut self, node: &Node, path: FieldPath<'_>) -> Option<String> {
        match &node.value {
            Value::Text(text, _) | Value::Number(text) | Value::Boolean(_, text) => Some(text.clone()),
            _ => self.wrong(node, path, "a text"),
        }
    }

    pub(super) fn integer(&mut self, node: &Node, path: FieldPath<'_>) -> Option<i64> {
        match &node.value {
            Value::Number(text) => match text.parse() {
                // `010` is 8 to some readers of YAML and 10 to others.
                Ok(number) if is_decimal(text) => Some(number),
                _ => {
                    let range = if is_decimal(text) { " between -2^63 and 2^63-1" } else { " such as 12" };
                    let message = format!("expected a whole number{range}, found {}", Excerpt(text));
                    self.error(node.at, path, message);
                    None
                }
            },
            _ => self.wrong(node, path, "a whole number"),
        }
    }

    pub(super) fn boolean(&mut self, node: &Node, path: FieldPath<'_>) -> Option<bool> {
        match node.value {
            Value::Boolean(value, _) => Some(value),
            _ => self.wrong(node, path, "true or false"),
        }
    }

    pub(super) fn instant(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Instant> {
        self.parsed(node, path)
    }

    pub(super) fn uuid(&mut self, node: &Node, path: FieldPath<'_>) -> Option<uuid::Uuid> {
        let text = self.text(node, path)?;
        // Only the hyphenated form: it is what every table and API shows.
        let parsed = uuid::Uuid::try_parse(&text).ok().filter(|_| text.len() == 36);
        if parsed.is_none() {
            let message = format!(
                "expected a UUID such as 8f6c9a1e-3f0b-4f0e-9d3c-2a1b4c5d6e7f, found `{}`",
                Excerpt(&text)
            );
            self.error(node.at, path, message);
        }
        parsed
    }

    pub(super) fn parsed<T: std::str::FromStr<Err: fmt::Display>>(
        &mut self,
        node: &Node,
        path: FieldPath<'_>,
    ) -> Option<T> {
        let text = self.text(node, path)?;
        text.parse().map_err(|error: T::Err| self.error(node.at, path, error.to_string())).ok()
    }

    /// Decodes one of several words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        node: &Node,
        path: FieldPath<'_>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = match &node.value {
            Value::Text(text, _) => text.as_str(),
            // `kind: null` is a kind of mask.
            Value::Null => "null",
            _ => return self.wrong(node, path, "a text"),
        };
        let found = choices.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.error(node.at, path, format!("expected {}, found `{}`", either(&words), Excerpt(text)));
        }
        found.map(|(_, value)| *value)
    }

    pub(super) fn condition(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Condition> {
        let text = self.text(node, path)?;
        match text.parse::<Condition>() {
            Ok(condition) => Some(condition),
            Err(error) => {
                let at = offset_inside(self.text, node, &text, &error);
                let message = format!("expected {} but found {}", error.expected, error.found);
                self.error(at, path, message);
                None
            }
        }
    }

    pub(super) fn attributes(&mut self, node: &Node, path: FieldPath<'_>) -> Option<Attributes> {
        let Value::Mapping(entries) = &node.value else {
            return self.wrong(node, path, "a mapping of keys to values");
        };
        let mut attributes = Attributes::new();
        for (key, node) in entries {
            let path = FieldPath::Key(&path, &key.text);
            let values = match &node.value {
                Value::List(_) => self.set(node, path, Self::scalar_text),
                Value::Null => {
                    self.error(key.at, path, NO_VALUE);
                    continue;
                }
                _ => self.scalar_text(node, path).into_iter().collect(),
            };
            if !values.is_empty() {
                attributes.insert(key.text.clone(), values);
            }
        }
        Some(attributes)
    }

    /// Decodes any value as JSON.
    pub(super) fn json(&mut self, node: &Node, path: FieldPath<'_>) -> Option<serde_json::Value> {
        Some(match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Boolean(value, _) => (*value).into(),
            Value::Number(_) => serde_json::Value::Number(self.number(node, path)?),
            Value::Text(text, _) => text.clone().into(),
            Value::List(_) => self.list(node, path, Self::json).into(),
            Value::Mapping(entries) => {
                let mut map = serde_json::Map::new();
                for (key, node) in entries {
                    map.insert(key.text.clone(), self.json(node, FieldPath::Key(&path, &key.text))?);
                }
                map.into()
            }
        })
    }

    pub(super) fn number(&mut self, node: &Node, path: FieldPath<'_>) -> Option<serde_json::Number> {
        let Value::Number(text) = &node.value else { return self.wrong(node, path, "a number") };
        let plain = text.strip_prefix('+').unwrap_or(text);
        let number = plain.parse::<i64>().map(serde_json::Number::from).ok();
        let number = number.or_else(|| serde_json::Number::from_f64(plain.parse().ok()?));
        let Some(number) = number else {
            let message = format!("expected a finite decimal number, found {}", Excerpt(text));
            self.error(node.at, path, message);
            return None;
        };
        if number.is_f64() && significant_digits(plain) != significant_digits(&number.to_string()) {
            let message = format!(
                "the number {} has more digits than can be stored; write fewer, or a text in quotes",
                Excerpt(text)
            );
            self.error(node.at, path, message);
            return None;
        }
        Some(number)
    }
}

/// Joins alternatives: `a, b or c`.
pub(super) fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// Returns the significant digits of a decimal number.
fn significant_digits(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Whether a text is a whole number in decimal, without leading zeros.
fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits == "0" || !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the byte offset of an error inside a text, as precisely as the style of the text allows.
fn offset_inside(
    file: &SourceText<'_>,
    node: &Node,
    text: &str,
    error: &domesday_model::condition::ParseError,
) -> usize {
    let Value::Text(_, style) = node.value else { return node.at };
    let before = &text[..error.offset.min(text.len())];
    match style {
        Style::Plain => node.at + before.len(),
        // Each inner quote is doubled.
        Style::SingleQuoted => node.at + 1 + before.len() + before.matches('\'').count(),
        // After an escape, offsets in the text differ from those in the file.
        Style::DoubleQuoted => match file.as_str().get(node.at + 1..) {
            Some(written) if written.starts_with(before) => node.at + 1 + before.len(),
            _ => node.at,
        },
        Style::Literal => {
            // The position of a block is that of its first line of content.
            let line = file.line(file.line_of(node.at) + error.line - 1);
            let shown = &file.as_str()[line.clone()];
            let indent = shown.len() - shown.trim_start_matches(' ').len();
            let start = before.rfind('\n').map_or(0, |end| end + 1);
            (line.start + indent + before.len() - start).min(line.end)
        }
        Style::Folded => node.at,
    }
}
