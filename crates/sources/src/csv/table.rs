//! A CSV text as a header and rows, each field with its place.

use domesday_model::validate::Severity;
use domesday_model::{Excerpt, is_control};

use super::layout::{Layout, Scanner};
use crate::diagnostic::{Collector, Diagnostic};
use crate::text::SourceText;

/// The largest file, in bytes.
pub(super) const MAX_BYTES: usize = 256 << 20;

/// A table whose header has been read.
pub(super) struct Table<'t> {
    file: &'static str,
    text: SourceText<'t>,
    reader: ::csv::Reader<&'t [u8]>,
    scanner: Scanner<'t>,
    row: Row,
    /// The names of the columns.
    header: Vec<String>,
}

/// How much of a row can be relied upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowState {
    /// It has a field for each column.
    Complete,
    /// It has too few fields or too many.
    Unequal,
    /// A quote in it is broken.
    Broken,
}

/// A record with the places of its fields.
#[derive(Default)]
pub(super) struct Row {
    fields: ::csv::StringRecord,
    layout: Layout,
}

impl Row {
    /// Returns a field by the number of its column.
    pub(super) fn field(&self, column: usize) -> &str {
        self.fields.get(column).unwrap_or_default()
    }
}

impl<'t> Table<'t> {
    /// Checks a file as a whole and reads its header. `None` when nothing else can be read, with the mistakes collected.
    pub(super) fn open(file: &'static str, bytes: &'t [u8], errors: &mut Collector) -> Option<Self> {
        let about_file = |message: String, errors: &mut Collector| {
            errors.add(Severity::Error, || Diagnostic::about_file(Severity::Error, file, message));
        };
        if bytes.len() > MAX_BYTES {
            about_file(format!("the file has more than {} MiB", MAX_BYTES >> 20), errors);
            return None;
        }
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            about_file("the file is in UTF-16; save it in UTF-8".to_owned(), errors);
            return None;
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let end = error.valid_up_to();
                let before = std::str::from_utf8(&bytes[..end]).unwrap_or_default();
                let byte = bytes.get(end).copied().unwrap_or_default();
                let message = format!("the byte 0x{byte:02X} is not UTF-8; save the file in UTF-8");
                let text = SourceText::new(before);
                let at = text.as_str().len();
                errors.add(Severity::Error, || error_at(file, &text, at, String::new(), message));
                return None;
            }
        };
        let text = SourceText::new(text);
        let content = text.as_str();
        for (at, _) in content.match_indices('\0') {
            let message = "the character U+0000 cannot be part of a field; remove it";
            errors.add(Severity::Error, || error_at(file, &text, at, String::new(), message.to_owned()));
        }
        let reader =
            ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(content.as_bytes());
        let scanner = Scanner::new(content);
        let mut table = Self { file, text, reader, scanner, row: Row::default(), header: Vec::new() };
        if !table.read() {
            about_file("the file is empty; its first line must name the columns".to_owned(), errors);
            return None;
        }
        table.header = table.row.fields.iter().map(str::to_owned).collect();
        if table.row.layout.broken.is_some() {
            table.report_broken(errors);
            return None;
        }
        let separator = [';', '\t', '|']
            .into_iter()
            .find(|separator| content.lines().next().is_some_and(|line| line.contains(*separator)));
        if let (Some(separator), [_]) = (separator, &table.header[..]) {
            let message = format!(
                "the columns are separated by `{}`; separate them by commas",
                separator.escape_default()
            );
            table.error(0, message, errors);
            return None;
        }
        Some(table)
    }

    /// Returns the names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Reads the next row, and collects what is wrong with it as a whole. `None` after the last one.
    pub(super) fn next(&mut self, errors: &mut Collector) -> Option<RowState> {
        if !self.read() {
            return None;
        }
        let (expected, found) = (self.header.len(), self.row.fields.len());
        if self.row.layout.broken.is_some() {
            self.report_broken(errors);
            return Some(RowState::Broken);
        }
        if expected == found {
            return Some(RowState::Complete);
        }
        let message = format!("expected {expected} fields as in the first line, found {found}");
        // At the first field that is too many, or at the last one.
        let column = expected.min(found.saturating_sub(1));
        let at = self.row.layout.fields.get(column).copied().unwrap_or_default();
        errors.add(Severity::Error, || error_at(self.file, &self.text, at, String::new(), message));
        Some(RowState::Unequal)
    }

    fn report_broken(&self, errors: &mut Collector) {
        if let Some((at, message)) = self.row.layout.broken {
            let rest = if self.row.layout.is_unclosed { "; what follows was not checked" } else { "" };
            let message = format!("{message}{rest}");
            errors.add(Severity::Error, || error_at(self.file, &self.text, at, String::new(), message));
        }
    }

    /// Reads the next record.
    fn read(&mut self) -> bool {
        let is_laid_out = self.scanner.next(&mut self.row.layout);
        // Reading from memory and text fails for no reason; the two agree on where records end.
        is_laid_out && self.reader.read_record(&mut self.row.fields).unwrap_or(false)
    }

    /// Collects a mistake in a column of the current row.
    pub(super) fn error(&self, column: usize, message: String, errors: &mut Collector) {
        errors.add(Severity::Error, || {
            let at = self.row.layout.fields.get(column).copied().unwrap_or_default();
            let name = self.header.get(column).map_or("", String::as_str);
            error_at(self.file, &self.text, at, shown(name), message)
        });
    }

    /// Collects a mistake in the first line, at a column.
    pub(super) fn header_error(&self, column: usize, message: String, errors: &mut Collector) {
        self.error(column, message, errors);
    }

    /// Returns the current row.
    pub(super) fn row(&self) -> &Row {
        &self.row
    }

    /// Returns the line of the current row, from 1.
    pub(super) fn line(&self) -> usize {
        self.text.position(self.row.layout.fields.first().copied().unwrap_or_default()).line
    }
}

/// The name of a column as a diagnostic shows it.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !is_control(*c)).take(80).collect()
}

fn error_at(file: &str, text: &SourceText<'_>, at: usize, field: String, message: String) -> Diagnostic {
    Diagnostic::new(Severity::Error, file, text, at, field, message)
}

/// Quotes a text in a message.
pub(super) fn quoted(text: &str) -> String {
    format!("`{}`", Excerpt(text))
}
