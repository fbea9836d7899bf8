//! What is printed and where: results on standard output, everything about the work on standard error.

use std::fmt::Display;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use domesday_delivery::DeliveryError;
use domesday_run::RunError;
use serde::Serialize;

use crate::cli::{Color, Format, Global};

/// Style of errors.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Style of warnings.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Style of what went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Style of what stands out.
pub(crate) const STRONG: Style = Style::new().bold();
/// Style of what is there to be looked past.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Whether some of the result was not written. Of the process, as standard output is.
static INCOMPLETE: AtomicBool = AtomicBool::new(false);

/// How this invocation prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    quiet: bool,
    all: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        match global.color {
            Color::Auto => {}
            Color::Always => anstream::ColorChoice::Always.write_global(),
            Color::Never => anstream::ColorChoice::Never.write_global(),
        }
        Self { format: global.format.into(), quiet: global.quiet, all: global.all }
    }

    /// Whether a progress bar has somebody to look at it.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && self.format != Format::Json && std::io::stderr().is_terminal()
    }

    /// Whether summaries are wanted.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Whether lists are printed to their end.
    pub(crate) fn shows_all(self) -> bool {
        self.all
    }

    /// Prints a result on standard output.
    pub(crate) fn result(self, text: impl Display) {
        self.printed(writeln!(anstream::stdout(), "{text}"));
    }

    /// Prints a result that must not be lost on standard output.
    ///
    /// # Errors
    /// When it cannot be written, as to a reader that stopped reading.
    pub(crate) fn try_result(self, text: impl Display) -> std::io::Result<()> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Prints a result as JSON on standard output, as it is made: a document may be larger than memory.
    pub(crate) fn json(self, value: &impl Serialize) {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let written = serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from);
        self.printed(written.and_then(|()| writeln!(out)).and_then(|()| out.flush()));
    }

    fn printed(self, written: std::io::Result<()>) {
        match written {
            Ok(()) => {}
            // A reader that stopped reading (`| head`) is no failure.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            Err(error) => {
                if !INCOMPLETE.swap(true, Ordering::Relaxed) {
                    self.note(format_args!("{ERROR}error:{ERROR:#} the result is incomplete: {error}"));
                }
            }
        }
    }

    /// Whether some of the result could not be printed, which was said already.
    pub(crate) fn is_incomplete(self) -> bool {
        INCOMPLETE.load(Ordering::Relaxed)
    }

    /// Prints a line about the work on standard error.
    pub(crate) fn note(self, text: impl Display) {
        let _ = writeln!(anstream::stderr(), "{text}");
    }

    /// Prints a warning on standard error.
    pub(crate) fn warning(self, text: impl Display) {
        self.note(format_args!("{WARNING}warning:{WARNING:#} {text}"));
    }

    /// Prints why the work failed, with what lies behind it.
    pub(crate) fn failure(self, error: &anyhow::Error) {
        if self.format == Format::Json {
            // The checks have been told as a document of their own.
            if error.is::<crate::commands::destination::ChecksFailed>() {
                return;
            }
            if let Some(report) = error.downcast_ref::<crate::diagnostics::InvalidCatalog>() {
                self.json(&report.to_json(self));
                return;
            }
            let mut told = serde_json::json!({ "error": causes(error).join(": ") });
            if let Some(kind) = kind_of_delivery(error) {
                told["kind"] = kind.into();
            }
            self.json(&told);
            return;
        }
        if let Some(report) = error.downcast_ref::<crate::diagnostics::InvalidCatalog>() {
            report.print(self);
            return;
        }
        for (depth, cause) in causes(error).iter().enumerate() {
            match depth {
                0 => self.note(format_args!("{ERROR}error:{ERROR:#} {cause}")),
                _ => self.note(format_args!("  caused by: {cause}")),
            }
        }
    }
}

/// An error and what is behind it, each once: many a message repeats its cause.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if !causes.iter().any(|known| known.contains(cause.as_str())) {
            causes.push(cause);
        }
    }
    causes
}

/// By which programs tell failures of a delivery apart.
fn kind_of_delivery(error: &anyhow::Error) -> Option<&'static str> {
    match error.downcast_ref::<RunError>() {
        Some(RunError::Delivery(error)) => Some(error.kind()),
        Some(RunError::Cancelled { reason }) => Some(DeliveryError::Cancelled { reason: *reason }.kind()),
        Some(_) => None,
        None => error.downcast_ref::<DeliveryError>().map(DeliveryError::kind),
    }
}

/// A count with thousands set apart: `106,512,003`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size in bytes as people read it, in powers of 1024.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_says_is_said_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read the catalog: {source}")]
        struct Outer {
            source: std::io::Error,
        }
        let source = std::io::Error::other("No such file or directory (os error 2)");
        let error = anyhow::Error::from(Outer { source }).context("loading failed");
        let expected = ["loading failed", "cannot read the catalog: No such file or directory (os error 2)"];
        assert_eq!(causes(&error), expected);
    }

    #[test]
    fn counts_and_sizes_read_well() {
        assert_eq!([0, 999, 1000, 106_512_003].map(grouped), ["0", "999", "1,000", "106,512,003"]);
        assert_eq!([0, 1023, 1024, 1_572_864].map(size), ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]);
    }
}
