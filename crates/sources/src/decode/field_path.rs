//! The path from the root of a file to a value.

use std::fmt;

use domesday_model::Excerpt;

/// The path from a file's root to a value, on the stack: no path is built unless it is printed.
#[derive(Clone, Copy)]
pub(crate) enum FieldPath<'p> {
    Root,
    Key(&'p FieldPath<'p>, &'p str),
    Index(&'p FieldPath<'p>, usize),
}

impl fmt::Display for FieldPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => Excerpt(key).fmt(f),
            Self::Key(parent, key) => write!(f, "{parent}.{}", Excerpt(key)),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}
