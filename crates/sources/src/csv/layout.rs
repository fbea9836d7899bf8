//! Where the records and fields of a CSV text are, and where its quotes are broken (RFC 4180).
//!
//! The `csv` crate decodes the fields, and accepts quotes that RFC 4180 does not. This finds the place of each field, which
//! the crate does not report, and what it accepts without a word.

/// The places of the fields of one record.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The byte offset of each field, at its quote if it has one.
    pub(super) fields: Vec<usize>,
    /// The first broken quote: its byte offset and what is wrong.
    pub(super) broken: Option<(usize, &'static str)>,
    /// Whether a quoted field never ends, so that the rest of the text is part of it.
    pub(super) is_unclosed: bool,
}

/// Walks over the records of a text, skipping empty lines.
pub(super) struct Scanner<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    /// Finds the fields of the next record; false at the end of the text.
    pub(super) fn next(&mut self, layout: &mut Layout) -> bool {
        layout.fields.clear();
        layout.broken = None;
        layout.is_unclosed = false;
        while matches!(self.peek(), Some(b'\r' | b'\n')) {
            self.at += 1;
        }
        if self.peek().is_none() {
            return false;
        }
        loop {
            layout.fields.push(self.at);
            self.field(layout);
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return true,
            }
        }
    }

    /// Walks to the end of a field.
    fn field(&mut self, layout: &mut Layout) {
        let start = self.at;
        if self.peek() == Some(b'"') {
            self.at += 1;
            loop {
                match self.peek() {
                    None => {
                        layout.broken.get_or_insert((start, "the quote that begins here never ends"));
                        layout.is_unclosed = true;
                        return;
                    }
                    Some(b'"') if self.text.get(self.at + 1) == Some(&b'"') => self.at += 2,
                    Some(b'"') => break,
                    Some(_) => self.at += 1,
                }
            }
            self.at += 1;
            if !matches!(self.peek(), None | Some(b',' | b'\r' | b'\n')) {
                let message = "expected a comma or the end of the line after the closing quote; a quote inside quotes is doubled";
                layout.broken.get_or_insert((self.at, message));
            }
        }
        while let Some(byte) = self.peek().filter(|byte| !matches!(byte, b',' | b'\r' | b'\n')) {
            if byte == b'"' {
                let message = "a field that contains a quote must be in quotes, and the quote inside doubled";
                layout.broken.get_or_insert((self.at, message));
            }
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The crate and the scanner agree on every text, even a broken one.
        #[test]
        fn records_and_fields_are_those_that_are_decoded(text in "[ab\",\r\n]{0,40}") {
            let mut reader =
                ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let mut scanner = Scanner::new(&text);
            let mut layout = Layout::default();
            for record in reader.records() {
                prop_assert!(scanner.next(&mut layout));
                let record = record.unwrap();
                prop_assert_eq!(record.len(), layout.fields.len(), "{:?} {:?}", text, record);
            }
            prop_assert!(!scanner.next(&mut layout));
        }
    }

    #[test]
    fn broken_quotes_are_found_where_they_are() {
        let broken = |text: &str| {
            let mut layout = Layout::default();
            assert!(Scanner::new(text).next(&mut layout));
            (layout.broken.map(|(at, _)| at), layout.is_unclosed)
        };
        assert_eq!(broken("a,\"b \"\"c\"\" ,\nd\",e"), (None, false));
        assert_eq!(broken("a,b\"c\""), (Some(3), false));
        assert_eq!(broken("a,\"b\" ,c"), (Some(5), false));
        assert_eq!(broken("a,\"b,c\nd"), (Some(2), true));
    }
}
