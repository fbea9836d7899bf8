//! A JSON parser (RFC 8259) with the position of each value and each error.

use std::collections::HashSet;

use domesday_model::Excerpt;

use super::node::{Key, MAX_DEPTH, Node, Style, SyntaxError, Value, add_entry, storable};
use super::surrogates::{self, Unit};

/// Parses a text of at most `most` values: a value of two bytes takes fifty times the memory.
pub(crate) fn parse(text: &str, most: usize) -> Result<Node, SyntaxError> {
    Reader { text, at: 0, left: most, is_kept: true }.root()
}

/// Checks a text as [`parse`] does, without building a tree.
pub(crate) fn check(text: &str) -> Result<(), SyntaxError> {
    Reader { text, at: 0, left: usize::MAX, is_kept: false }.root().map(|_| ())
}

struct Reader<'t> {
    text: &'t str,
    /// The byte offset, on the boundary of a character.
    at: usize,
    /// How many more values are allowed.
    left: usize,
    /// Whether the tree is built.
    is_kept: bool,
}

impl Reader<'_> {
    fn root(&mut self) -> Result<Node, SyntaxError> {
        let root = self.node(0)?;
        self.skip_space();
        if self.at < self.text.len() {
            return Err(self.expected("the end of the text"));
        }
        Ok(root)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips a byte if it is the next.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expected(&self, expected: &str) -> SyntaxError {
        let found = match self.text[self.at..].chars().next() {
            None => "the end of the text".to_owned(),
            Some(character) => format!("`{}`", Excerpt(character.encode_utf8(&mut [0; 4]))),
        };
        SyntaxError::grammar(self.at, format!("invalid JSON: expected {expected}, found {found}"))
    }

    fn node(&mut self, depth: usize) -> Result<Node, SyntaxError> {
        self.skip_space();
        let at = self.at;
        if depth > MAX_DEPTH {
            return Err(SyntaxError::too_deep(at));
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Err(SyntaxError::content(at, "this text contains too many values; split it"));
        };
        self.left = left;
        let value = match self.peek() {
            Some(b'"') => Value::Text(self.string()?, Style::DoubleQuoted),
            Some(b'[') => self.list(depth)?,
            Some(b'{') => self.mapping(depth)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node::new(at, value))
    }

    fn list(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.at += 1;
        self.skip_space();
        let mut items = Vec::new();
        if self.takes(b']') {
            return Ok(Value::List(items));
        }
        loop {
            let item = self.node(depth + 1)?;
            if self.is_kept {
                items.push(item);
            }
            self.skip_space();
            if self.takes(b']') {
                return Ok(Value::List(items));
            }
            if !self.takes(b',') {
                return Err(self.expected("`,` or `]`"));
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Value, SyntaxError> {
        self.at += 1;
        self.skip_space();
        let (mut entries, mut seen) = (Vec::new(), HashSet::new());
        if self.takes(b'}') {
            return Ok(Value::Mapping(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.expected("a key in double quotes"));
            }
            let at = self.at;
            let key = Key { text: self.string()?, at };
            self.skip_space();
            if !self.takes(b':') {
                return Err(self.expected("`:`"));
            }
            let value = self.node(depth + 1)?;
            add_entry(&mut entries, &mut seen, key, value)?;
            if !self.is_kept {
                entries.clear();
            }
            self.skip_space();
            if self.takes(b'}') {
                return Ok(Value::Mapping(entries));
            }
            if !self.takes(b',') {
                return Err(self.expected("`,` or `}`"));
            }
        }
    }

    /// Reads a string, from its opening quote.
    fn string(&mut self) -> Result<String, SyntaxError> {
        let start = self.at;
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let stop = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
            let Some(stop) = stop else {
                let message = "invalid JSON: this string is not terminated";
                return Err(SyntaxError::grammar(start, message));
            };
            string.push_str(&rest[..stop]);
            self.at += stop;
            match rest.as_bytes()[stop] {
                b'"' => {
                    self.at += 1;
                    return storable(string, start);
                }
                b'\\' => string.push(self.escape()?),
                control => {
                    let message = format!(
                        "invalid JSON: the control character U+{control:04X} must be written as \\u{control:04x} in a string"
                    );
                    return Err(SyntaxError::grammar(self.at, message));
                }
            }
        }
    }

    /// Reads an escape sequence, from its backslash.
    fn escape(&mut self) -> Result<char, SyntaxError> {
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let plain = match rest.get(1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(*byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let character = match surrogates::unit(rest) {
                    Some(Unit::Scalar(character)) => {
                        self.at += surrogates::LENGTH;
                        character
                    }
                    Some(Unit::Pair(character)) => {
                        self.at += 2 * surrogates::LENGTH;
                        character
                    }
                    Some(Unit::Lone) => return Err(surrogates::lone(start)),
                    None => {
                        let message = "invalid JSON: expected four hexadecimal digits after `\\u`";
                        return Err(SyntaxError::grammar(start, message));
                    }
                };
                return Ok(character);
            }
            _ => {
                let message =
                    "invalid JSON: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u after a backslash";
                return Err(SyntaxError::grammar(start, message));
            }
        };
        self.at += 2;
        Ok(plain)
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let start = self.at;
        self.takes(b'-');
        if self.takes(b'0') {
            if matches!(self.peek(), Some(b'0'..=b'9')) {
                let message = "invalid JSON: a number does not begin with 0";
                return Err(SyntaxError::grammar(start, message));
            }
        } else {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Ok(Value::Number(self.text[start..self.at].to_owned()))
    }

    fn digits(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("a digit")) } else { Ok(()) }
    }

    fn word(&mut self) -> Result<Value, SyntaxError> {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let value = match &rest[..end] {
            "null" => Value::Null,
            word @ "true" => Value::Boolean(true, word.to_owned()),
            word @ "false" => Value::Boolean(false, word.to_owned()),
            "" => return Err(self.expected("a value")),
            word => {
                let message = format!("invalid JSON: expected a value, found `{}`", Excerpt(word));
                return Err(SyntaxError::grammar(self.at, message));
            }
        };
        self.at += end;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn to_json(node: &Node) -> serde_json::Value {
        match &node.value {
            Value::Null => serde_json::Value::Null,
            Value::Boolean(value, _) => (*value).into(),
            Value::Number(text) => serde_json::from_str(text).unwrap(),
            Value::Text(text, _) => text.clone().into(),
            Value::List(items) => items.iter().map(to_json).collect(),
            Value::Mapping(entries) => {
                entries.iter().map(|(key, value)| (key.text.clone(), to_json(value))).collect()
            }
        }
    }

    /// serde_json is the oracle. What only a catalog rejects is an error of the content.
    fn agrees_with_serde(text: &str) {
        let theirs = serde_json::from_str::<serde_json::Value>(text);
        assert_eq!(check(text).is_ok(), parse(text, usize::MAX).is_ok(), "{text:?}");
        match parse(text, usize::MAX) {
            Ok(node) => assert_eq!(to_json(&node), theirs.unwrap(), "{text:?}"),
            Err(error) if error.is_grammar => assert!(theirs.is_err(), "{text:?}: {}", error.message),
            Err(error) => assert!(text.is_char_boundary(error.at), "{text:?}"),
        }
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let texts = [
            "",
            " ",
            "null",
            "nul",
            "nulls",
            "true",
            "falsey",
            "0",
            "-0",
            "-",
            "00",
            "01",
            "-01",
            "1.",
            ".5",
            "1.5e",
            "1e5",
            "1E+05",
            "1e-",
            "[1,2]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[",
            "]",
            "{}",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{a:1}",
            "{\"a\" 1}",
            "{\"a\":}",
            "\"\"",
            "\"a",
            "\"\\",
            "\"\\q\"",
            "\"\\u12\"",
            "\"\\u12G4\"",
            "\"\t\"",
            "\"\u{7f}\"",
            "\"\\u00e9é\"",
            "\"\\ud83d\\ude00\"",
            "\"\\uD83D\\uDE00x\"",
            "\"\\/\\b\\f\\n\\r\\t\\\"\\\\\"",
            "1 2",
            "[1] x",
            "NaN",
            "Infinity",
            "'a'",
            "// x\n1",
            "\u{a0}1",
            "\u{feff}1",
            "\"\\u+123\"",
            "-a",
            "1.2.3",
            "+1",
            "0x10",
            "[[[[]]]]",
            "\"\\u0000\"",
        ];
        texts.into_iter().for_each(agrees_with_serde);
    }

    #[test]
    fn what_cannot_be_represented_is_refused_at_its_place() {
        let table = [
            (r#""A \ud800 B""#, 3),
            (r#""\udc00\ud800""#, 1),
            (r#"["é", "\ud83d"]"#, 8),
            (r#""\ud83d\ud83d\ude00""#, 1),
            (r#""\ud83dx\ude00""#, 1),
            (r#""\ud83d\\ude00""#, 1),
            (r#"{"\udfff": 1}"#, 2),
            (r#""a\u0000""#, 0),
            (r#"{"a": 1, "a": 2}"#, 9),
            (r#"{"a": 1, "\u0061": 2}"#, 9),
        ];
        for (text, at) in table {
            let error = parse(text, usize::MAX).unwrap_err();
            assert_eq!((error.at, error.is_grammar), (at, false), "{text}: {}", error.message);
        }
        for depth in [MAX_DEPTH + 2, 1_000_000] {
            assert!(!parse(&"[".repeat(depth), usize::MAX).unwrap_err().is_grammar);
        }
        assert!(parse(&("[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH)), usize::MAX).is_ok());
        assert!(parse("[1, {\"a\": 2}]", 4).is_ok());
        assert_eq!(parse("[1, {\"a\": 2}]", 3).unwrap_err().at, 10);
    }

    proptest! {
        #[test]
        fn agrees_on_any_text(text in r#"([\[\]{},:"\\ue0-2.+\- nultr]|\\ud8|3d|\\ude00|"a"|\n){0,16}"#) {
            agrees_with_serde(&text);
        }

        #[test]
        fn agrees_on_strings(text in "\\PC{0,12}", pretty in any::<bool>()) {
            let value = serde_json::json!({ &text: [text, { "n": 1.5 }], "b": null });
            let printed = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let printed = printed.unwrap();
            // Escaped as other writers do it, in UTF-16.
            let escaped: String = printed.encode_utf16().map(|unit| match u8::try_from(unit) {
                Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
                _ => format!("\\u{unit:04x}"),
            }).collect();
            prop_assert_eq!(&to_json(&parse(&printed, usize::MAX).unwrap()), &value);
            prop_assert_eq!(to_json(&parse(&escaped, usize::MAX).unwrap()), value);
        }
    }
}
