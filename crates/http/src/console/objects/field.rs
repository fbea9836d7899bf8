//! A field of a form: its key in the document, its words, and how it is edited.

/// A field of a form.
#[derive(Debug)]
pub(super) struct Field {
    /// The key in the document, which is the field's name.
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) kind: FieldKind,
    pub(super) hint: &'static str,
}

/// How a field is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// The name, which is typed once.
    Name,
    /// One line.
    Line,
    /// One line that is never empty.
    Required,
    /// Several lines of text.
    Text,
    /// A set of names, one a line.
    Lines,
    /// Attributes, one a line.
    Pairs,
    /// The permissions of users inside a domain, one a line.
    Grants,
    /// Whether the object is disabled.
    Status,
    /// A domain, chosen from all.
    Domain,
    /// The permissions of a user.
    Permissions,
    /// The columns of a data source.
    Columns,
}

impl Field {
    pub(super) const fn new(
        key: &'static str,
        label: &'static str,
        kind: FieldKind,
        hint: &'static str,
    ) -> Self {
        Self { key, label, kind, hint }
    }
}
