//! Decodes a mapping: required, optional and unknown keys.

use std::collections::BTreeSet;

use domesday_model::Attributes;
use domesday_model::validate::Severity;

use super::decoder::Decoder;
use super::field_path::FieldPath;
use super::values::{NO_VALUE, either};
use crate::document::{Node, Value};

/// Up to this many known keys are listed for an unknown one.
const LISTED: usize = 8;

/// The longest key, in bytes, that is compared with known ones for a suggestion.
const LONGEST_KEY: usize = 64;

/// The entries of a mapping that is being decoded.
pub(super) struct Fields<'n, 'p> {
    pub(super) node: &'n Node,
    pub(super) path: &'p FieldPath<'p>,
    known: Vec<&'static str>,
}

impl<'n, 'p> Fields<'n, 'p> {
    /// Begins to decode a mapping; any other value is reported.
    pub(super) fn new(decoder: &mut Decoder<'_>, node: &'n Node, path: &'p FieldPath<'p>) -> Option<Self> {
        match node.value {
            Value::Mapping(_) => Some(Self { node, path, known: Vec::new() }),
            _ => decoder.wrong(node, *path, "a mapping"),
        }
    }

    /// Returns the value of a key, if it exists; a key without a value is a mistake.
    pub(super) fn take(&mut self, decoder: &mut Decoder<'_>, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        let (written, node) = self.node.get(key)?;
        if node.value == Value::Null {
            decoder.error(written.at, FieldPath::Key(self.path, key), NO_VALUE);
            return None;
        }
        Some(node)
    }

    /// Returns the value of a top-level key. A key without a value is a warning: the file declares no such object.
    pub(super) fn take_list(&mut self, decoder: &mut Decoder<'_>, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        let (written, node) = self.node.get(key)?;
        if node.value == Value::Null {
            let message = format!("`{key}` has no value, so the file declares none");
            decoder.report(Severity::Warning, written.at, FieldPath::Key(self.path, key), message);
            return None;
        }
        Some(node)
    }

    /// Whether a key exists, with or without a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.node.get(key).is_some()
    }

    /// Decodes an optional key.
    pub(super) fn optional<'f, T>(
        &mut self,
        decoder: &mut Decoder<'f>,
        key: &'static str,
        read: impl FnMut(&mut Decoder<'f>, &'n Node, FieldPath<'_>) -> Option<T>,
    ) -> Option<T> {
        let mut read = read;
        let node = self.take(decoder, key)?;
        read(decoder, node, FieldPath::Key(self.path, key))
    }

    /// Decodes a required key.
    pub(super) fn required<'f, T>(
        &mut self,
        decoder: &mut Decoder<'f>,
        key: &'static str,
        read: impl FnMut(&mut Decoder<'f>, &'n Node, FieldPath<'_>) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            self.known.push(key);
            decoder.error(self.node.at, *self.path, format!("`{key}` is missing"));
            return None;
        }
        self.optional(decoder, key, read)
    }

    /// Decodes a required key whose value is one of several words.
    pub(super) fn required_choice<T: Copy>(
        &mut self,
        decoder: &mut Decoder<'_>,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        // `kind: null` is a kind of mask, so null is a value where it is a choice.
        let named_null = choices.iter().any(|(word, _)| *word == "null");
        self.known.push(key);
        match self.node.get(key) {
            Some((_, node)) if named_null || node.value != Value::Null => {
                decoder.choice(node, FieldPath::Key(self.path, key), choices)
            }
            Some((written, _)) => {
                decoder.error(written.at, FieldPath::Key(self.path, key), NO_VALUE);
                None
            }
            None => {
                let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
                let message = format!("`{key}` is missing; it is {}", either(&words));
                decoder.error(self.node.at, *self.path, message);
                None
            }
        }
    }

    /// Decodes an optional key whose value is one of several words.
    pub(super) fn choice<T: Copy + Default>(
        &mut self,
        decoder: &mut Decoder<'_>,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> T {
        let node = self.take(decoder, key);
        let found = node.and_then(|node| decoder.choice(node, FieldPath::Key(self.path, key), choices));
        found.unwrap_or_default()
    }

    /// Decodes an optional list of texts as a set.
    pub(super) fn names(&mut self, decoder: &mut Decoder<'_>, key: &'static str) -> BTreeSet<String> {
        match self.take(decoder, key) {
            Some(node) => decoder.set(node, FieldPath::Key(self.path, key), Decoder::text),
            None => BTreeSet::new(),
        }
    }

    /// Decodes an optional list; empty when absent.
    pub(super) fn list<'f, T>(
        &mut self,
        decoder: &mut Decoder<'f>,
        key: &'static str,
        read: impl FnMut(&mut Decoder<'f>, &'n Node, FieldPath<'_>) -> Option<T>,
    ) -> Vec<T> {
        self.optional_list(decoder, key, read).unwrap_or_default()
    }

    /// Decodes an optional list; `None` when absent.
    pub(super) fn optional_list<'f, T>(
        &mut self,
        decoder: &mut Decoder<'f>,
        key: &'static str,
        read: impl FnMut(&mut Decoder<'f>, &'n Node, FieldPath<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let node = self.take(decoder, key)?;
        Some(decoder.list(node, FieldPath::Key(self.path, key), read))
    }

    /// Decodes the key `attributes`.
    pub(super) fn attributes(&mut self, decoder: &mut Decoder<'_>) -> Attributes {
        self.optional(decoder, "attributes", Decoder::attributes).unwrap_or_default()
    }

    /// Reports every key that was not decoded as unknown.
    pub(super) fn finish(self, decoder: &mut Decoder<'_>) {
        let Value::Mapping(entries) = &self.node.value else { return };
        for (key, _) in entries {
            if self.known.contains(&key.text.as_str()) {
                continue;
            }
            let short = key.text.len() <= LONGEST_KEY;
            let near = self.known.iter().find(|known| short && is_near(known, &key.text));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.known.len() <= LISTED => {
                    format!(
                        "known here: {}",
                        self.known.iter().map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ")
                    )
                }
                None => "the format is described in docs/catalog.md".to_owned(),
            };
            decoder.error(key.at, FieldPath::Key(self.path, &key.text), format!("unknown key; {hint}"));
        }
    }
}

/// Whether a key resembles a known one: another case, or one letter added, missing, swapped or wrong.
fn is_near(known: &str, written: &str) -> bool {
    let normal = |text: &str| text.to_lowercase().replace(['_', '-'], "");
    let (known, written) = (normal(known), normal(written));
    if known == written {
        return true;
    }
    let (a, b): (Vec<char>, Vec<char>) = (known.chars().collect(), written.chars().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[start..], &b[start..]);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
    a.len() <= 1 && b.len() <= 1 || a.len() == 2 && b.len() == 2 && a[0] == b[1] && a[1] == b[0]
}
