//! Diagnostics: the mistakes and warnings of a catalog, with their places.

use std::borrow::Cow;
use std::fmt;

use domesday_model::is_control;
use domesday_model::validate::Severity;
use serde::{Serialize, Serializer};

use crate::text::{Position, SourceText};

/// A mistake or a warning, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether it makes the catalog invalid.
    #[serde(serialize_with = "severity")]
    pub severity: Severity,
    /// The path of the file inside the catalog, separated by `/`.
    pub file: String,
    /// The line, from 1; 1 for a diagnostic about the file as a whole.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The field, such as `users[3].groups`; empty for a syntax error.
    pub field: String,
    /// What was expected, and what was found.
    pub message: String,
    /// The line, an excerpt of a long one; empty for a diagnostic about the file as a whole.
    pub snippet: String,
    /// The position of the column in `snippet`, from 1; 0 for a diagnostic about the file as a whole.
    #[serde(skip)]
    caret: usize,
}

/// The mistakes of an invalid catalog in the order of files and lines, followed by its warnings. All are counted, not all
/// are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics {
    pub(crate) list: Vec<Diagnostic>,
    pub(crate) mistakes: usize,
    /// How many of them are not in the list.
    pub(crate) unlisted: usize,
    pub(crate) is_syntax: bool,
    pub(crate) hints: Vec<String>,
}

impl Diagnostics {
    /// Returns the listed diagnostics, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Returns how many mistakes there are, listed or not.
    #[must_use]
    pub fn mistakes(&self) -> usize {
        self.mistakes
    }

    /// Returns how many mistakes are not listed.
    #[must_use]
    pub fn unlisted(&self) -> usize {
        self.unlisted
    }

    /// Whether the text is not JSON or YAML, so that nothing in it was decoded.
    #[must_use]
    pub fn is_syntax(&self) -> bool {
        self.is_syntax
    }

    /// Returns the likely cause of the mistakes, and what was not checked because of them.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }
}

impl Diagnostic {
    /// Creates a diagnostic at a byte offset of a text.
    pub(crate) fn new(
        severity: Severity,
        file: &str,
        text: &SourceText<'_>,
        at: usize,
        field: String,
        message: String,
    ) -> Self {
        let Position { line, column } = text.position(at);
        let snippet = text.snippet(at);
        Self {
            severity,
            file: file.to_owned(),
            line,
            column,
            field,
            message,
            snippet: snippet.text,
            caret: snippet.caret,
        }
    }

    /// Creates a diagnostic about a file or directory as a whole.
    pub(crate) fn about_file(severity: Severity, file: &str, message: String) -> Self {
        let (field, snippet) = (String::new(), String::new());
        Self { severity, file: file.to_owned(), line: 1, column: 1, field, message, snippet, caret: 0 }
    }
}

impl Diagnostic {
    /// Returns place, field and message on one line.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let Self { file, line, column, field, message, caret, .. } = self;
        let file = on_one_line(file);
        if *caret == 0 {
            return format!("{file}: {message}");
        }
        let separator = if field.is_empty() { "" } else { ": " };
        format!("{file}:{line}:{column}: {field}{separator}{message}")
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, snippet, caret, .. } = self;
        f.write_str(&self.in_one_line())?;
        if *caret == 0 {
            return Ok(());
        }
        writeln!(f)?;
        let number = line.to_string();
        // Tabs are repeated below the line, so that the caret is in the right column.
        let indent: String =
            snippet.chars().take(caret - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "  {number} | {snippet}")?;
        write!(f, "  {:width$} | {indent}^", "", width = number.len())
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, diagnostic) in self.list.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            diagnostic.fmt(f)?;
        }
        if self.unlisted > 0 { write!(f, "\n… and {} more", self.unlisted) } else { Ok(()) }
    }
}

/// Replaces control characters in the name of a file.
fn on_one_line(name: &str) -> Cow<'_, str> {
    if name.chars().any(is_control) {
        let shown = name.chars().map(|c| if is_control(c) { '\u{fffd}' } else { c });
        return Cow::Owned(shown.collect());
    }
    Cow::Borrowed(name)
}

/// Collects diagnostics: counts all, and stores a limited number.
pub(crate) struct Collector {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// How many of each are stored at most.
    most: usize,
    mistakes: usize,
}

impl Collector {
    pub(crate) fn new(most: usize) -> Self {
        Self { errors: Vec::new(), warnings: Vec::new(), most, mistakes: 0 }
    }

    /// Counts a diagnostic, and creates and stores it if there is room.
    pub(crate) fn add(&mut self, severity: Severity, diagnostic: impl FnOnce() -> Diagnostic) {
        let list = match severity {
            Severity::Error => {
                self.mistakes += 1;
                &mut self.errors
            }
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < self.most {
            list.push(diagnostic());
        }
    }

    /// Counts mistakes without storing them.
    pub(crate) fn count(&mut self, mistakes: usize) {
        self.mistakes += mistakes;
    }

    /// Returns how many mistakes there are so far.
    pub(crate) fn mistakes(&self) -> usize {
        self.mistakes
    }

    /// Returns how many more mistakes can be stored.
    pub(crate) fn room(&self) -> usize {
        self.most - self.errors.len()
    }

    /// Returns the warnings or, if there are mistakes, the mistakes followed by the warnings.
    pub(crate) fn finish(self, hints: Vec<String>) -> Result<Vec<Diagnostic>, Diagnostics> {
        let Self { mut errors, mut warnings, mistakes, .. } = self;
        let in_order = |list: &mut Vec<Diagnostic>| {
            list.sort_by(|left, right| {
                (&left.file, left.line, left.column).cmp(&(&right.file, right.line, right.column))
            });
        };
        if mistakes == 0 {
            in_order(&mut warnings);
            return Ok(warnings);
        }
        in_order(&mut errors);
        in_order(&mut warnings);
        let listed = errors.len();
        errors.append(&mut warnings);
        Err(Diagnostics { list: errors, unlisted: mistakes - listed, mistakes, is_syntax: false, hints })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn severity<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    })
}
