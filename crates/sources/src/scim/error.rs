//! Errors of SCIM, by what the client can correct (RFC 7644, section 3.12).

/// Why a request cannot be carried out. Nothing is changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// What kind of mistake it is.
    pub kind: ScimErrorKind,
    /// What is wrong and what to do, for people.
    pub detail: String,
}

/// The kinds of mistake of RFC 7644, table 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimErrorKind {
    /// The filter does not parse, or compares what cannot be compared.
    InvalidFilter,
    /// The request is too costly: it has too many parts.
    TooMany,
    /// Another resource has the value already.
    Uniqueness,
    /// The attribute cannot be changed.
    Mutability,
    /// The body is not what the operation takes.
    InvalidSyntax,
    /// The path does not parse, or names nothing that the operation can change.
    InvalidPath,
    /// The path's filter selects nothing, or a path is missing.
    NoTarget,
    /// A value is missing, or not one that the attribute takes.
    InvalidValue,
}

impl ScimErrorKind {
    /// Returns the `scimType` of the answer.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
        }
    }

    /// Returns the HTTP status of the answer.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            _ => 400,
        }
    }
}

impl ScimError {
    /// Creates an error.
    pub fn new(kind: ScimErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub(super) fn value(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::InvalidValue, detail)
    }

    pub(super) fn syntax(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::InvalidSyntax, detail)
    }

    pub(super) fn path(detail: impl Into<String>) -> Self {
        Self::new(ScimErrorKind::InvalidPath, detail)
    }
}
