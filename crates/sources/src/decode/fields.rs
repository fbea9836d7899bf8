//! Reading a mapping: what it must have, may have, and may not.

use std::collections::BTreeSet;

use domesday_model::Attributes;
use domesday_model::validate::Severity;

use super::decoder::Decoder;
use super::field_path::FieldPath;
use super::values::{NO_VALUE, either};
use crate::document::{Node, Value};

/// Up to this many known keys are listed with an unknown one.
const LISTED: usize = 8;

/// No longer key than this, in bytes, is a known one with a slip.
const LONGEST_KEY: usize = 64;

/// The entries of a mapping, being read.
pub(super) struct Fields<'n, 'p> {
    pub(super) node: &'n Node,
    pub(super) path: &'p FieldPath<'p>,
    known: Vec<&'static str>,
}

impl<'n, 'p> Fields<'n, 'p> {
    /// The entries of a mapping; anything else is said to be wrong.
    pub(super) fn new(decoder: &mut Decoder<'_>, node: &'n Node, path: &'p FieldPath<'p>) -> Option<Self> {
        match node.value {
            Value::Mapping(_) => Some(Self { node, path, known: Vec::new() }),
            _ => decoder.wrong(node, *path, "a mapping"),
        }
    }

    /// The value of a key that is there; a key without a value is a mistake.
    pub(super) fn take(&mut self, decoder: &mut Decoder<'_>, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        let (written, node) = self.node.get(key)?;
        if node.value == Value::Null {
            decoder.error(written.at, FieldPath::Key(self.path, key), NO_VALUE);
            return None;
        }
        Some(node)
    }

    /// The value of a key of the root. Without a value the file declares nothing of the kind, as without the key.
    pub(super) fn take_list(&mut self, decoder: &mut Decoder<'_>, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        let (written, node) = self.node.get(key)?;
        if node.value == Value::Null {
            let message = format!("`{key}` has no value, so that the file declares none");
            decoder.report(Severity::Warning, written.at, FieldPath::Key(self.path, key), message);
            return None;
        }
        Some(node)
    }

    /// Whether a key is there, with a value or without.
    pub(super) fn has(&self, key: &str) -> bool {
        self.node.get(key).is_some()
    }

    /// Reads a key that may be absent.
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

    /// Reads a key that must be there.
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

    /// Reads a key that must be one of some words.
    pub(super) fn required_choice<T: Copy>(
        &mut self,
        decoder: &mut Decoder<'_>,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        // `kind: null` names a mask of that name, so a null is handed on where it is a choice.
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

    /// Reads a key that is one of some words, the default when absent.
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

    /// Reads a list of texts that means a set.
    pub(super) fn names(&mut self, decoder: &mut Decoder<'_>, key: &'static str) -> BTreeSet<String> {
        match self.take(decoder, key) {
            Some(node) => decoder.set(node, FieldPath::Key(self.path, key), Decoder::text),
            None => BTreeSet::new(),
        }
    }

    /// Reads a list.
    pub(super) fn list<'f, T>(
        &mut self,
        decoder: &mut Decoder<'f>,
        key: &'static str,
        read: impl FnMut(&mut Decoder<'f>, &'n Node, FieldPath<'_>) -> Option<T>,
    ) -> Vec<T> {
        self.optional_list(decoder, key, read).unwrap_or_default()
    }

    /// Reads a list whose absence means something.
    pub(super) fn optional_list<'f, T>(
        &mut self,
        decoder: &mut Decoder<'f>,
        key: &'static str,
        read: impl FnMut(&mut Decoder<'f>, &'n Node, FieldPath<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let node = self.take(decoder, key)?;
        Some(decoder.list(node, FieldPath::Key(self.path, key), read))
    }

    /// Reads attributes.
    pub(super) fn attributes(&mut self, decoder: &mut Decoder<'_>) -> Attributes {
        self.optional(decoder, "attributes", Decoder::attributes).unwrap_or_default()
    }

    /// Says of every key that nobody asked for that it is unknown.
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

/// Whether a key is another one with a slip: other case, a letter more, less, swapped or wrong.
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
