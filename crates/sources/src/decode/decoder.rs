//! The decoder: where mistakes go, and lists.

use std::collections::BTreeSet;

use domesday_model::validate::{Severity, Unread};

use super::field_path::FieldPath;
use crate::diagnostic::{Collector, Diagnostic};
use crate::document::{Node, Value};
use crate::text::SourceText;

/// Decodes one file.
pub(crate) struct Decoder<'f> {
    pub(super) file: &'f str,
    pub(super) text: &'f SourceText<'f>,
    pub(super) collector: &'f mut Collector,
    /// The objects that could not be decoded completely.
    pub(super) unread: &'f mut Unread,
}

impl<'f> Decoder<'f> {
    pub(crate) fn new(
        file: &'f str,
        text: &'f SourceText<'f>,
        collector: &'f mut Collector,
        unread: &'f mut Unread,
    ) -> Self {
        Self { file, text, collector, unread }
    }

    /// Reports a mistake at a byte offset.
    pub(crate) fn error(&mut self, at: usize, path: FieldPath<'_>, message: impl Into<String>) {
        self.report(Severity::Error, at, path, message.into());
    }

    pub(super) fn report(&mut self, severity: Severity, at: usize, path: FieldPath<'_>, message: String) {
        let Self { file, text, .. } = self;
        let make = || Diagnostic::new(severity, file, text, at, path.to_string(), message);
        self.collector.add(severity, make);
    }

    pub(super) fn wrong<T>(&mut self, node: &Node, path: FieldPath<'_>, expected: &str) -> Option<T> {
        self.error(node.at, path, format!("expected {expected}, found {}", node.kind()));
        None
    }

    /// Calls `read` for each entry of a list.
    pub(super) fn each<'n>(
        &mut self,
        node: &'n Node,
        path: FieldPath<'_>,
        mut read: impl FnMut(&mut Self, &'n Node, FieldPath<'_>),
    ) {
        let Value::List(items) = &node.value else {
            self.wrong::<()>(node, path, "a list");
            return;
        };
        items.iter().enumerate().for_each(|(index, item)| read(self, item, FieldPath::Index(&path, index)));
    }

    pub(super) fn list<'n, T>(
        &mut self,
        node: &'n Node,
        path: FieldPath<'_>,
        mut read: impl FnMut(&mut Self, &'n Node, FieldPath<'_>) -> Option<T>,
    ) -> Vec<T> {
        let mut list = Vec::new();
        self.each(node, path, |decoder, item, path| list.extend(read(decoder, item, path)));
        list
    }

    /// Decodes a list as a set; a duplicate entry is a warning.
    pub(super) fn set<'n, T: Ord>(
        &mut self,
        node: &'n Node,
        path: FieldPath<'_>,
        mut read: impl FnMut(&mut Self, &'n Node, FieldPath<'_>) -> Option<T>,
    ) -> BTreeSet<T> {
        let mut set = BTreeSet::new();
        self.each(node, path, |decoder, item, path| {
            if let Some(value) = read(decoder, item, path)
                && !set.insert(value)
            {
                decoder.report(
                    Severity::Warning,
                    item.at,
                    path,
                    "this entry occurs twice in the list".to_owned(),
                );
            }
        });
        set
    }
}
