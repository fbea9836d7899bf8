//! Mistakes of a catalog, shown where they stand.

use domesday_model::validate::Severity;
use domesday_sources::{Diagnostic, Diagnostics, LoadError, Loaded};

use crate::output::{DIM, ERROR, Output, STRONG, WARNING};

/// A catalog with errors, each with its place.
#[derive(Debug, thiserror::Error)]
#[error("the catalog has {}", counted(.0))]
pub(crate) struct InvalidCatalog(Diagnostics);

impl InvalidCatalog {
    /// What was loaded, or the error to end with.
    pub(crate) fn check(loaded: Result<Loaded, LoadError>) -> anyhow::Result<Loaded> {
        match loaded {
            Ok(loaded) => Ok(loaded),
            Err(LoadError::Invalid(diagnostics)) => Err(Self(diagnostics).into()),
            Err(other) => Err(other.into()),
        }
    }

    /// Every mistake on standard error.
    pub(crate) fn print(&self, output: Output) {
        self.0.iter().for_each(|diagnostic| print(diagnostic, output));
        output.note(format_args!("{ERROR}error:{ERROR:#} {self}; nothing was changed"));
    }

    /// Every mistake as data.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let list: Vec<_> = self.0.iter().collect();
        serde_json::json!({ "error": self.to_string(), "diagnostics": list })
    }
}

/// Prints warnings that stop nothing.
pub(crate) fn print_warnings(warnings: &[Diagnostic], output: Output) {
    if !output.is_quiet() {
        warnings.iter().for_each(|warning| print(warning, output));
    }
}

fn print(diagnostic: &Diagnostic, output: Output) {
    let text = diagnostic.to_string();
    let (style, word) = match diagnostic.severity {
        Severity::Error => (ERROR, "error"),
        Severity::Warning => (WARNING, "warning"),
    };
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    output.note(format_args!("{style}{word}:{style:#} {STRONG}{first}{STRONG:#}"));
    lines.for_each(|line| output.note(format_args!("{DIM}{line}{DIM:#}")));
}

fn counted(diagnostics: &Diagnostics) -> String {
    match diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count() {
        1 => "1 mistake".to_owned(),
        count => format!("{count} mistakes"),
    }
}
