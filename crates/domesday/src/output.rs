//! What is printed where: results on standard output, everything about the work on standard error.

use std::fmt::Display;
use std::io::{BufWriter, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::{Color, Format, Global};
use crate::terminal::without_progress;

/// Style of errors.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Style of warnings.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Style of success.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// Style of emphasis.
pub(crate) const STRONG: Style = Style::new().bold();
/// Style of secondary text.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Whether a part of the result could not be written. Global, as standard output is.
static INCOMPLETE: AtomicBool = AtomicBool::new(false);

/// How this process prints.
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
        Self { format: global.format(), quiet: global.quiet, all: global.all }
    }

    /// Whether to show a progress bar: somebody is looking at a terminal.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && self.format != Format::Json && std::io::stderr().is_terminal()
    }

    /// Whether `--quiet` was given.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Whether `--all` was given: lists are printed in full.
    pub(crate) fn shows_all(self) -> bool {
        self.all
    }

    /// Prints a result on standard output.
    pub(crate) fn result(self, text: impl Display) {
        self.check_written(without_progress(|| writeln!(anstream::stdout(), "{text}")));
    }

    /// Prints a result on standard output, and reports a failure to do so.
    ///
    /// # Errors
    /// When standard output cannot be written, such as to a reader that stopped reading.
    pub(crate) fn try_result(self, text: impl Display) -> std::io::Result<()> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// Prints a result as JSON on standard output, streaming: a document may be larger than memory.
    pub(crate) fn json(self, value: &impl Serialize) {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let written = serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from);
        self.check_written(written.and_then(|()| writeln!(out)).and_then(|()| out.flush()));
    }

    /// Reports a result that could not be written.
    pub(crate) fn check_written(self, written: std::io::Result<()>) {
        match written {
            Ok(()) => {}
            // A reader that stopped reading (`| head`) is not a failure.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            Err(error) => {
                if !INCOMPLETE.swap(true, Ordering::Relaxed) {
                    self.note(format_args!("{ERROR}error:{ERROR:#} the result is incomplete: {error}"));
                }
            }
        }
    }

    /// Whether a part of the result could not be printed; the error was printed then.
    pub(crate) fn is_incomplete(self) -> bool {
        INCOMPLETE.load(Ordering::Relaxed)
    }

    /// Prints a line about the work on standard error.
    pub(crate) fn note(self, text: impl Display) {
        let _ = without_progress(|| writeln!(anstream::stderr(), "{text}"));
    }

    /// Prints a warning on standard error.
    pub(crate) fn warning(self, text: impl Display) {
        self.note(format_args!("{WARNING}warning:{WARNING:#} {text}"));
    }
}

/// Formats a count with thousands separators: `106,512,003`.
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

/// Formats a size in bytes with a binary unit: `1.5 MiB`.
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
    fn counts_and_sizes_are_formatted() {
        assert_eq!([0, 999, 1000, 106_512_003].map(grouped), ["0", "999", "1,000", "106,512,003"]);
        assert_eq!([0, 1023, 1024, 1_572_864].map(size), ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]);
    }
}
