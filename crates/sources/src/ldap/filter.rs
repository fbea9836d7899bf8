//! Search filters as texts (RFC 4515, RFC 4526).

use domesday_model::Excerpt;

use super::ber::{OCTET_STRING, SEQUENCE, Writer};

/// The longest filter, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// How deep the parts of a filter can be nested.
const MAX_DEPTH: usize = 32;

/// A search filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    /// All parts match.
    And(Vec<Filter>),
    /// Any part matches.
    Or(Vec<Filter>),
    /// The part does not match.
    Not(Box<Filter>),
    /// A value is equal to, at least, at most or similar to a value.
    Compare(Comparison, String, Vec<u8>),
    /// The attribute has a value.
    Present(String),
    /// A value consists of parts with anything between them.
    Substrings { attribute: String, initial: Vec<u8>, any: Vec<Vec<u8>>, last: Vec<u8> },
    /// A value matches by a rule of its own.
    Extensible { rule: Option<String>, attribute: Option<String>, value: Vec<u8>, uses_dn: bool },
}

/// How a value is compared; the number is the tag of the filter's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal = 0xa3,
    AtLeast = 0xa5,
    AtMost = 0xa6,
    Similar = 0xa8,
}

/// Why a text is not a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {position} expected {expected}, found {found}")]
pub(super) struct FilterError {
    /// In characters, from 1.
    position: usize,
    expected: &'static str,
    found: String,
}

impl Filter {
    /// Parses a filter. White space is allowed around its parts, since files fold long texts.
    ///
    /// # Errors
    /// When the text is not a filter; says where.
    pub(super) fn parse(text: &str) -> Result<Self, FilterError> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        if text.len() > MAX_BYTES {
            return Err(parser.error("a filter of at most 16 KiB"));
        }
        parser.skip_white_space();
        let filter = parser.filter()?;
        parser.skip_white_space();
        if parser.at < text.len() { Err(parser.error("the end of the filter")) } else { Ok(filter) }
    }

    /// Matches every entry that has an object class, which all have.
    pub(super) fn any() -> Self {
        Self::Present("objectClass".to_owned())
    }

    /// Writes the filter as a search request contains it.
    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::And(parts) => {
                writer.nested(0xa0, |inner| parts.iter().for_each(|part| part.write(inner)));
            }
            Self::Or(parts) => {
                writer.nested(0xa1, |inner| parts.iter().for_each(|part| part.write(inner)));
            }
            Self::Not(part) => {
                writer.nested(0xa2, |inner| part.write(inner));
            }
            Self::Compare(comparison, attribute, value) => {
                writer.nested(*comparison as u8, |inner| {
                    inner.text(attribute).element(OCTET_STRING, value);
                });
            }
            Self::Present(attribute) => {
                writer.element(0x87, attribute.as_bytes());
            }
            Self::Substrings { attribute, initial, any, last } => {
                writer.nested(0xa4, |inner| {
                    inner.text(attribute).nested(SEQUENCE, |parts| {
                        if !initial.is_empty() {
                            parts.element(0x80, initial);
                        }
                        for part in any {
                            parts.element(0x81, part);
                        }
                        if !last.is_empty() {
                            parts.element(0x82, last);
                        }
                    });
                });
            }
            Self::Extensible { rule, attribute, value, uses_dn } => {
                writer.nested(0xa9, |inner| {
                    if let Some(rule) = rule {
                        inner.element(0x81, rule.as_bytes());
                    }
                    if let Some(attribute) = attribute {
                        inner.element(0x82, attribute.as_bytes());
                    }
                    inner.element(0x83, value);
                    if *uses_dn {
                        inner.element(0x84, &[0xff]);
                    }
                });
            }
        }
    }
}

struct Parser<'t> {
    text: &'t str,
    /// Byte offset.
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn filter(&mut self) -> Result<Filter, FilterError> {
        self.expect('(', "`(`")?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("a filter of at most 32 levels"));
        }
        let filter = match self.peek() {
            Some('&') => Filter::And(self.list()?),
            Some('|') => Filter::Or(self.list()?),
            Some('!') => {
                self.at += 1;
                self.skip_white_space();
                let part = self.filter()?;
                self.skip_white_space();
                Filter::Not(Box::new(part))
            }
            _ => self.item()?,
        };
        self.expect(')', "`)`")?;
        self.depth -= 1;
        Ok(filter)
    }

    fn list(&mut self) -> Result<Vec<Filter>, FilterError> {
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            self.skip_white_space();
            if self.peek() != Some('(') {
                return Ok(parts);
            }
            parts.push(self.filter()?);
        }
    }

    fn item(&mut self) -> Result<Filter, FilterError> {
        let attribute = self.attribute();
        let comparison = match self.rest() {
            rest if rest.starts_with(':') => return self.extensible(attribute),
            _ if attribute.is_empty() => return Err(self.error("the name of an attribute")),
            rest if rest.starts_with('=') => Comparison::Equal,
            rest if rest.starts_with(">=") => Comparison::AtLeast,
            rest if rest.starts_with("<=") => Comparison::AtMost,
            rest if rest.starts_with("~=") => Comparison::Similar,
            _ => return Err(self.error("`=`, `>=`, `<=`, `~=` or `:=`")),
        };
        self.at += if comparison == Comparison::Equal { 1 } else { 2 };
        let mut parts = vec![self.value()?];
        while comparison == Comparison::Equal && self.peek() == Some('*') {
            self.at += 1;
            parts.push(self.value()?);
        }
        Ok(match <[Vec<u8>; 1]>::try_from(parts) {
            Ok([value]) => Filter::Compare(comparison, attribute, value),
            Err(parts) if parts.iter().all(Vec::is_empty) => Filter::Present(attribute),
            Err(mut parts) => {
                let last = parts.pop().unwrap_or_default();
                let initial = parts.remove(0);
                parts.retain(|part| !part.is_empty());
                Filter::Substrings { attribute, initial, any: parts, last }
            }
        })
    }

    /// The rest of `attr[:dn][:rule]:=value` or `[:dn]:rule:=value`.
    fn extensible(&mut self, attribute: String) -> Result<Filter, FilterError> {
        let (mut rule, mut uses_dn) = (None, false);
        while !self.rest().starts_with(":=") {
            self.expect(':', "`:=`")?;
            let name = self.attribute();
            if name.is_empty() {
                return Err(self.error("`dn` or the name of a matching rule"));
            }
            if name.eq_ignore_ascii_case("dn") && !uses_dn && rule.is_none() {
                uses_dn = true;
            } else if rule.is_none() {
                rule = Some(name);
            } else {
                return Err(self.error("`:=`"));
            }
        }
        if attribute.is_empty() && rule.is_none() {
            return Err(self.error("the name of an attribute or of a matching rule"));
        }
        self.at += 2;
        let value = self.value()?;
        let attribute = Some(attribute).filter(|attribute| !attribute.is_empty());
        Ok(Filter::Extensible { rule, attribute, value, uses_dn })
    }

    /// An attribute description: a name or an object identifier, with options.
    fn attribute(&mut self) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';');
        let length = self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
        let name = self.rest()[..length].to_owned();
        self.at += length;
        name
    }

    /// A value up to `*`, `)` or the end.
    fn value(&mut self) -> Result<Vec<u8>, FilterError> {
        let mut value = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.error("`)`")),
                Some('(') => return Err(self.error("a value, in which `(` is written `\\28`")),
                Some('\0') => return Err(self.error("a value, in which U+0000 is written `\\00`")),
                Some(')' | '*') => return Ok(value),
                Some('\\') => {
                    let digits =
                        self.rest().get(1..3).filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
                    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                    let Some(byte) = byte else {
                        return Err(
                            self.error("two hexadecimal digits after `\\`; a backslash is written `\\5c`")
                        );
                    };
                    value.push(byte);
                    self.at += 3;
                }
                Some(character) => {
                    let length = character.len_utf8();
                    value.extend_from_slice(&self.rest().as_bytes()[..length]);
                    self.at += length;
                }
            }
        }
    }

    fn expect(&mut self, character: char, expected: &'static str) -> Result<(), FilterError> {
        if self.peek() != Some(character) {
            return Err(self.error(expected));
        }
        self.at += character.len_utf8();
        Ok(())
    }

    fn skip_white_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn error(&self, expected: &'static str) -> FilterError {
        let found = match self.rest() {
            "" => "the end of the filter".to_owned(),
            rest => format!("`{}`", Excerpt(first_characters(rest))),
        };
        FilterError { position: self.text[..self.at].chars().count() + 1, expected, found }
    }
}

/// The first characters of a text, enough to recognise the place.
fn first_characters(text: &str) -> &str {
    text.char_indices().nth(20).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests;
