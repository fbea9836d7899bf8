//! The part of BER (ITU-T X.690) that LDAP uses (RFC 4511, section 5.1): definite lengths, tags below 31.
//!
//! A reader borrows from the message and never recurses, so that no message can exhaust memory or the stack.

/// The tag of an octet string.
pub(super) const OCTET_STRING: u8 = 0x04;
/// The tag of a boolean.
pub(super) const BOOLEAN: u8 = 0x01;
/// The tag of an integer.
pub(super) const INTEGER: u8 = 0x02;
/// The tag of an enumeration.
pub(super) const ENUMERATED: u8 = 0x0a;
/// The tag of a sequence.
pub(super) const SEQUENCE: u8 = 0x30;
/// The tag of a set.
pub(super) const SET: u8 = 0x31;

/// Bytes that are not the expected BER.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// A sequence of elements, read from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the tag of the next element.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads an element: its tag and its content.
    pub(super) fn element(&mut self) -> Result<(u8, &'b [u8]), Malformed> {
        let (tag, length, header) = header(self.rest)?.ok_or(Malformed)?;
        let content = self.rest.get(header..).and_then(|rest| rest.get(..length)).ok_or(Malformed)?;
        self.rest = &self.rest[header + length..];
        Ok((tag, content))
    }

    /// Reads the content of an element with a tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'b [u8], Malformed> {
        match self.element()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(Malformed),
        }
    }

    /// Reads the content of the next element if it has a tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<&'b [u8]>, Malformed> {
        if self.peek() == Some(tag) { self.expect(tag).map(Some) } else { Ok(None) }
    }

    /// Reads the elements of a constructed element with a tag.
    pub(super) fn nested(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.expect(tag).map(Self::new)
    }

    /// Reads an integer or an enumeration that fits 64 bits.
    pub(super) fn integer(&mut self, tag: u8) -> Result<i64, Malformed> {
        let content = self.expect(tag)?;
        let first = *content.first().ok_or(Malformed)?;
        if content.len() > 8 {
            return Err(Malformed);
        }
        let sign = if first & 0x80 == 0 { 0 } else { -1 };
        Ok(content.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
    }
}

/// Reads the header of an element: its tag, the length of its content and the length of the header. `None` when more bytes
/// are needed.
///
/// A length may have leading zeros: Active Directory always writes four bytes.
pub(super) fn header(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, Malformed> {
    let Some((&tag, rest)) = bytes.split_first() else { return Ok(None) };
    // Tags above 30 occur nowhere in LDAP.
    if tag & 0x1f == 0x1f {
        return Err(Malformed);
    }
    let Some((&first, rest)) = rest.split_first() else { return Ok(None) };
    if first < 0x80 {
        return Ok(Some((tag, usize::from(first), 2)));
    }
    let count = usize::from(first & 0x7f);
    // Zero is an indefinite length, which LDAP forbids.
    if !(1..=8).contains(&count) {
        return Err(Malformed);
    }
    let Some(digits) = rest.get(..count) else { return Ok(None) };
    let length = digits.iter().fold(0_u64, |length, digit| length << 8 | u64::from(*digit));
    let length = usize::try_from(length).ok().filter(|length| *length < usize::MAX / 2).ok_or(Malformed)?;
    Ok(Some((tag, length, 2 + count)))
}

/// Builds a sequence of elements.
#[derive(Debug, Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends an element with a content.
    pub(super) fn element(&mut self, tag: u8, content: &[u8]) -> &mut Self {
        self.bytes.push(tag);
        match u8::try_from(content.len()) {
            Ok(short) if short < 0x80 => self.bytes.push(short),
            _ => {
                let digits = content.len().to_be_bytes();
                let zeros = digits.iter().take_while(|digit| **digit == 0).count();
                // At most eight digits.
                self.bytes.push(0x80 | (digits.len() - zeros) as u8);
                self.bytes.extend_from_slice(&digits[zeros..]);
            }
        }
        self.bytes.extend_from_slice(content);
        self
    }

    /// Appends a constructed element.
    pub(super) fn nested(&mut self, tag: u8, build: impl FnOnce(&mut Self)) -> &mut Self {
        let mut inner = Self::new();
        build(&mut inner);
        self.element(tag, &inner.bytes)
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.element(OCTET_STRING, text.as_bytes())
    }

    pub(super) fn boolean(&mut self, value: bool) -> &mut Self {
        self.element(BOOLEAN, &[if value { 0xff } else { 0 }])
    }

    /// Appends an integer or an enumeration.
    pub(super) fn integer(&mut self, tag: u8, value: i64) -> &mut Self {
        let digits = value.to_be_bytes();
        let redundant = |pair: &[u8]| matches!((pair[0], pair[1] & 0x80), (0, 0) | (0xff, 0x80));
        let skip = digits.windows(2).take_while(|pair| redundant(pair)).count();
        self.element(tag, &digits[skip..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(number: i64, short in ".{0,40}", length in 0usize..70_000, truth: bool) {
            let long = vec![7; length];
            let mut writer = Writer::new();
            writer.nested(SEQUENCE, |inner| {
                inner.integer(INTEGER, number).text(&short).element(OCTET_STRING, &long).boolean(truth);
            });
            let bytes = writer.into_bytes();
            let mut outer = Reader::new(&bytes);
            let mut inner = outer.nested(SEQUENCE).unwrap();
            prop_assert!(outer.is_empty());
            prop_assert_eq!(inner.integer(INTEGER).unwrap(), number);
            prop_assert_eq!(inner.expect(OCTET_STRING).unwrap(), short.as_bytes());
            prop_assert_eq!(inner.expect(OCTET_STRING).unwrap(), &long[..]);
            prop_assert_eq!(inner.expect(BOOLEAN).unwrap(), &[if truth { 0xff } else { 0 }]);
            prop_assert!(inner.is_empty());
            for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
                prop_assert!(Reader::new(&bytes[..cut]).element().is_err());
            }
        }

        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut reader = Reader::new(&bytes);
            while let Ok((_, content)) = reader.element() {
                let _ = Reader::new(content).integer(INTEGER);
            }
        }
    }

    #[test]
    fn integers_have_their_shortest_form() {
        let written = |value| {
            let mut writer = Writer::new();
            writer.integer(INTEGER, value);
            writer.into_bytes()
        };
        assert_eq!(written(0), [2, 1, 0]);
        assert_eq!(written(127), [2, 1, 127]);
        assert_eq!(written(128), [2, 2, 0, 128]);
        assert_eq!(written(-1), [2, 1, 0xff]);
        assert_eq!(written(-129), [2, 2, 0xff, 0x7f]);
    }

    #[test]
    fn lengths_may_have_leading_zeros_and_must_be_definite() {
        assert_eq!(header(&[0x30, 0x84, 0, 0, 0, 5]), Ok(Some((0x30, 5, 6))));
        assert_eq!(header(&[0x30, 0x84, 0, 0]), Ok(None));
        assert_eq!(header(&[0x30, 0x80]), Err(Malformed));
        assert_eq!(header(&[0x3f, 1]), Err(Malformed));
        assert_eq!(header(&[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Err(Malformed));
    }
}
