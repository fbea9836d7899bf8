//! Mistakes and warnings of a catalog, with their places in the files.

use std::path::Path;

use domesday_engine::{CatalogWarning, CatalogWarnings};
use domesday_model::validate::Severity;
use domesday_sources::{Diagnostic, Diagnostics, LoadError, Loaded};
use serde::Serialize;

use crate::output::{DIM, ERROR, Output, STRONG, WARNING};

/// How many mistakes, and how many warnings, are printed without `--all`.
const SHOWN: usize = 20;

/// How many are listed in a JSON document without `--all`.
const SHOWN_AS_DATA: usize = 1000;

/// How many are collected, so that the first in the order of files are among them.
const READ: usize = 10_000;

/// A catalog with errors.
#[derive(Debug, thiserror::Error)]
#[error("the catalog has {}", counted(.0.mistakes()))]
pub(crate) struct InvalidCatalog(Diagnostics);

impl InvalidCatalog {
    /// Loads a directory.
    ///
    /// # Errors
    /// With every mistake of the catalog, or when it cannot be read.
    pub(crate) fn load(dir: &Path, output: Output) -> anyhow::Result<Loaded> {
        let most = if output.shows_all() { usize::MAX } else { READ };
        match domesday_sources::load_listing(dir, most) {
            Ok(loaded) => Ok(loaded),
            Err(LoadError::Invalid(diagnostics)) => Err(Self(diagnostics).into()),
            Err(other) => Err(other.into()),
        }
    }

    /// Prints the first mistakes, or with `--all` every one.
    pub(crate) fn print(&self, output: Output) {
        let shown = shown(SHOWN, output);
        self.0.iter().take(shown).for_each(|diagnostic| print(diagnostic, output));
        print_rest(self.0.iter().count() + self.0.unlisted(), shown, output);
        output.note(format_args!("{ERROR}error:{ERROR:#} {self}; nothing was changed"));
        for hint in self.0.hints() {
            output.note(format_args!("help: {hint}"));
        }
    }

    /// Returns the mistakes as JSON.
    pub(crate) fn to_json(&self, output: Output) -> serde_json::Value {
        let list: Vec<_> = self.0.iter().take(shown(SHOWN_AS_DATA, output)).collect();
        serde_json::json!({
            "error": self.to_string(),
            "mistakes": self.0.mistakes(),
            "diagnostics": list,
            "help": self.0.hints(),
        })
    }
}

/// A warning in a JSON document.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Warning<'a> {
    OfFile(&'a Diagnostic),
    OfCatalog {
        severity: &'static str,
        #[serde(flatten)]
        notice: &'a CatalogWarning,
    },
}

/// Returns every warning: those of files first, then those of evaluation.
pub(crate) fn list_warnings<'a>(
    of_files: &'a [Diagnostic],
    notices: &'a CatalogWarnings,
) -> Vec<Warning<'a>> {
    let of_catalog = notices.list.iter().map(|notice| Warning::OfCatalog { severity: "warning", notice });
    of_files.iter().map(Warning::OfFile).chain(of_catalog).collect()
}

/// Prints the warnings of files.
pub(crate) fn print_warnings(warnings: &[Diagnostic], output: Output) {
    if !output.is_quiet() {
        let shown = shown(SHOWN, output);
        warnings.iter().take(shown).for_each(|warning| print(warning, output));
        print_rest(warnings.len(), shown, output);
    }
}

fn shown(most: usize, output: Output) -> usize {
    if output.shows_all() { usize::MAX } else { most }
}

fn print_rest(total: usize, shown: usize, output: Output) {
    if total > shown {
        output.note(format_args!("{DIM}… and {} more; --all prints every one{DIM:#}", total - shown));
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

fn counted(mistakes: usize) -> String {
    match mistakes {
        1 => "1 mistake".to_owned(),
        count => format!("{} mistakes", crate::output::grouped(count as u64)),
    }
}
