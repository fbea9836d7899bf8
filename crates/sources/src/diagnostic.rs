//! What is wrong with a catalog, shown where it stands.

use std::fmt;

use domesday_model::validate::Severity;
use serde::{Serialize, Serializer};

use crate::document::Position;

/// The longest part of a line that is shown, in characters.
const SHOWN: usize = 120;

/// One mistake, or something to look at, at its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Whether the catalog is refused for it.
    #[serde(serialize_with = "severity")]
    pub severity: Severity,
    /// The file, relative to the catalog's directory, with `/` between parts.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The field, such as `users[3].groups`; empty where the text is no document at all.
    pub field: String,
    /// What is wrong and what was expected.
    pub message: String,
    /// The line, cut around the column when it is long.
    pub snippet: String,
    /// Where in `snippet` the column is, from 1.
    #[serde(skip)]
    caret: usize,
}

/// Every diagnostic of a catalog that was refused, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Diagnostics(pub(crate) Vec<Diagnostic>);

impl Diagnostics {
    /// The diagnostics in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl Diagnostic {
    /// A diagnostic at a place of a text.
    pub(crate) fn new(
        severity: Severity,
        file: &str,
        text: &str,
        at: Position,
        field: String,
        message: String,
    ) -> Self {
        let line = text.lines().nth(at.line.saturating_sub(1)).unwrap_or_default();
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        let skipped = if line.chars().count() <= SHOWN { 0 } else { at.column.saturating_sub(SHOWN / 2) };
        let mut snippet: String = line.chars().skip(skipped).take(SHOWN).collect();
        let mut caret = at.column - skipped.min(at.column - 1);
        if skipped > 0 {
            snippet.insert(0, '…');
            caret += 1;
        }
        Self {
            severity,
            file: file.to_owned(),
            line: at.line,
            column: at.column,
            field,
            message,
            snippet,
            caret,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, field, message, snippet, caret, .. } = self;
        let separator = if field.is_empty() { "" } else { ": " };
        writeln!(f, "{file}:{line}:{column}: {field}{separator}{message}")?;
        let number = line.to_string();
        // Tabs stay tabs below the line too, so that the caret stands where it should.
        let indent: String =
            snippet.chars().take(caret - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, "  {number} | {snippet}")?;
        write!(f, "  {:width$} | {indent}^", "", width = number.len())
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, diagnostic) in self.0.iter().enumerate() {
            if position > 0 {
                writeln!(f)?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn severity<S: Serializer>(severity: &Severity, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    })
}
