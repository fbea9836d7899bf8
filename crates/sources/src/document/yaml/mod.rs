//! YAML 1.2 with the core schema, built from the events of the parser.

mod offsets;
mod scalar;

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::node::{Key, MAX_DEPTH, Node, SyntaxError, Value, add_entry, storable};
use super::surrogates;
use offsets::ByteOffsets;
use scalar::{expect_tag, scalar};

/// How many nodes the aliases of one file may expand to: more than a catalog needs, and a bound on the memory of a small
/// file.
const MAX_ALIASED: usize = 1_000_000;

pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    if let Some((at, character)) = text.char_indices().find(|(_, character)| !is_printable(*character)) {
        let message = format!(
            "invalid YAML: the character U+{:04X} must be written as an escape in double quotes",
            u32::from(character)
        );
        return Err(SyntaxError::grammar(at, message));
    }
    let hidden = surrogates::hide(text);
    let (parsed, mark) = match &hidden {
        Some((hidden, mark)) => (hidden.as_str(), Some(*mark)),
        None => (text, None),
    };
    let offsets = ByteOffsets::new(text);
    let parser = Parser::new_from_str(parsed);
    let mut reader = Reader { parser, offsets, mark, anchors: HashMap::new(), aliased: 0 };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::Nothing | Event::DocumentEnd => {}
            Event::DocumentStart(_) if root.is_some() => {
                let message = "a second document begins here; a file contains one mapping";
                return Err(SyntaxError::content(reader.start(span), message));
            }
            Event::DocumentStart(_) => {}
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    // A file of comments and an empty document declare nothing.
    let root = root.filter(|root| root.value != Value::Null);
    Ok(root.unwrap_or_else(|| Node::new(0, Value::Mapping(Vec::new()))))
}

/// Whether a character may occur unescaped (YAML 1.2.2, `c-printable`).
fn is_printable(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' | '\u{85}' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => !character.is_control(),
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    offsets: ByteOffsets<'t>,
    /// The character that replaces the backslash of a hidden escape.
    mark: Option<char>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), SyntaxError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = self.offsets.find(error.marker());
                Err(self.bad_escape(at).unwrap_or_else(|| {
                    SyntaxError::grammar(at, format!("invalid YAML: {}", reason(&error.to_string())))
                }))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// Finds the invalid escape in a text in double quotes, for which the parser reports only the beginning of the text.
    fn bad_escape(&self, at: usize) -> Option<SyntaxError> {
        let source = self.offsets.text().get(at..)?.strip_prefix('"')?;
        let mut rest = source;
        loop {
            let next = rest.find(['"', '\\'])?;
            let escape = rest.get(next..)?;
            if escape.starts_with('"') {
                return None;
            }
            let length = match escape.as_bytes().get(1)? {
                b'x' => 2,
                b'u' => 4,
                b'U' => 8,
                _ => 0,
            };
            let start = at + 1 + source.len() - escape.len();
            let digits = escape.get(2..2 + length)?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                let message = format!("invalid YAML: expected {length} hexadecimal digits in this escape");
                return Some(SyntaxError::grammar(start, message));
            }
            let code = u32::from_str_radix(digits, 16).unwrap_or(0);
            if length == 8 && char::from_u32(code).is_none() {
                let message = format!("this escape is not a character: there is no U+{code:04X}");
                return Some(SyntaxError::content(start, message));
            }
            rest = escape.get(2..)?;
        }
    }

    fn start(&mut self, span: Span) -> usize {
        self.offsets.find(&span.start)
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, SyntaxError> {
        let at = self.start(span);
        if depth > MAX_DEPTH {
            return Err(SyntaxError::too_deep(at));
        }
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at, depth),
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.text(text.into_owned(), style, at, span)?;
                (anchor, Node::new(at, scalar(text, style, span, tag.as_deref(), at)?))
            }
            Event::SequenceStart(anchor, tag) => {
                expect_tag(tag.as_deref(), "seq", at)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (anchor, Node::new(at, Value::List(items)))
            }
            Event::MappingStart(anchor, tag) => {
                expect_tag(tag.as_deref(), "map", at)?;
                let (mut entries, mut seen) = (Vec::new(), HashSet::new());
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        break;
                    }
                    let key = self.key(event, span)?;
                    let (event, span) = self.next()?;
                    let value = self.node(event, span, depth + 1)?;
                    add_entry(&mut entries, &mut seen, key, value)?;
                }
                (anchor, Node::new(at, Value::Mapping(entries)))
            }
            _ => return Err(SyntaxError::grammar(at, "invalid YAML: expected a value")),
        };
        self.anchor(anchor, &node);
        Ok(node)
    }

    fn anchor(&mut self, anchor: usize, node: &Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
    }

    fn key(&mut self, event: Event<'t>, span: Span) -> Result<Key, SyntaxError> {
        let at = self.start(span);
        let node = match event {
            Event::Scalar(text, ScalarStyle::Plain, _, _) if text == "<<" => {
                let message = "merge keys (`<<`) are not supported; write the entries out";
                return Err(SyntaxError::content(at, message));
            }
            Event::Scalar(..) | Event::Alias(_) => self.node(event, span, 0)?,
            _ => return Err(SyntaxError::content(at, "expected a text as key")),
        };
        match node.value {
            Value::Text(text, _) | Value::Number(text) | Value::Boolean(_, text) => Ok(Key { text, at }),
            Value::Null => {
                Err(SyntaxError::content(at, "expected a text as key, found nothing; put it in quotes"))
            }
            _ => Err(SyntaxError::content(at, "expected a text as key")),
        }
    }

    /// Returns the text of a scalar, with surrogate pairs decoded.
    fn text(
        &mut self,
        text: String,
        style: ScalarStyle,
        at: usize,
        span: Span,
    ) -> Result<String, SyntaxError> {
        let text = match self.mark {
            Some(mark) if text.contains(mark) => {
                if style == ScalarStyle::DoubleQuoted {
                    let end = self.offsets.find(&span.end);
                    let source = self.offsets.text().get(at..end).unwrap_or_default();
                    if let Some(lone) = surrogates::first_lone(source) {
                        return Err(surrogates::lone(at + lone));
                    }
                    surrogates::reveal(&text, mark)
                } else {
                    text.replace(mark, "\\")
                }
            }
            _ => text,
        };
        storable(text, at)
    }

    /// Returns a copy of the anchored value. Its size is checked before it is copied, so that aliases of aliases cannot
    /// exhaust the memory.
    fn alias(&mut self, anchor: usize, at: usize, depth: usize) -> Result<Node, SyntaxError> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(SyntaxError::content(at, "this alias refers to a value that contains it"));
        };
        if depth + node.height > MAX_DEPTH {
            return Err(SyntaxError::too_deep(at));
        }
        self.aliased = self.aliased.saturating_add(node.size);
        if self.aliased > MAX_ALIASED {
            let message = format!("the aliases of this file expand to more than {MAX_ALIASED} values");
            return Err(SyntaxError::content(at, message));
        }
        Ok(Node { at, ..node.clone() })
    }
}

/// Returns the message of the parser without its position.
fn reason(message: &str) -> &str {
    message.split(" at byte ").next().unwrap_or(message).trim_end_matches(" at char")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(yaml: &str) -> String {
        match parse(yaml).map(|root| root.value) {
            Ok(Value::Mapping(mut entries)) => match entries.remove(0).1.value {
                Value::Text(text, _) => text,
                other => panic!("{yaml}: {other:?}"),
            },
            other => panic!("{yaml}: {other:?}"),
        }
    }

    #[test]
    fn surrogate_pairs_are_one_character_in_double_quotes_only() {
        let table = [
            (r#"a: "\uD83D\uDE00""#, "\u{1f600}"),
            (r#"a: "x \ud83d\ude00\ud83d\ude01 é""#, "x \u{1f600}\u{1f601} é"),
            (r#"a: "\U0001F600""#, "\u{1f600}"),
            (r#"a: "\\uD83D\\uDE00""#, r"\uD83D\uDE00"),
            (r#"a: "\\\uD83D\uDE00""#, "\\\u{1f600}"),
            (r"a: '\uD83D\uDE00'", r"\uD83D\uDE00"),
            (r"a: \uD83D", r"\uD83D"),
            ("a: |\n  \\uDE00\n", "\\uDE00\n"),
            ("a: \"\\uD83D\\uDE00\\\n  b\"", "\u{1f600}b"),
            ("a: \"é\" # \\ud800", "é"),
        ];
        for (yaml, expected) in table {
            assert_eq!(text(yaml), expected, "{yaml}");
        }
        let many = r"\uD83D\uDE00".repeat(100_000);
        assert_eq!(text(&format!("a: \"{many}\"")).chars().count(), 100_000);
    }

    #[test]
    fn what_cannot_be_represented_is_refused_at_its_place() {
        let table = [
            (r#"a: "A \ud800 B""#, 6),
            (r#"a: "é\udc00""#, 6),
            (r#"a: "\ud83d\ud83d\ude00""#, 4),
            (r#"a: "\ud83d \ude00""#, 4),
            ("a: \"\\ud83d\\\n \\ude00\"", 4),
            (r#""\udfff": 1"#, 1),
            (r#"a: "é\U00110000""#, 6),
            (r#"a: "\U0000D800""#, 4),
            (r#"a: "\u12G4""#, 4),
            (r#"a: "\xé1""#, 4),
            (r#"a: "b\0""#, 3),
            ("a: b\u{0}c", 4),
            ("a: \u{1b}[31m", 3),
            ("a: \"\u{7}\"", 4),
            ("a: \u{7f}", 3),
            ("a: é\u{80}", 5),
            ("a: \u{ffff}", 3),
        ];
        for (yaml, at) in table {
            let error = parse(yaml).unwrap_err();
            assert_eq!(error.at, at, "{yaml}: {}", error.message);
        }
    }

    #[test]
    fn tags_mean_what_they_say_or_are_refused() {
        assert_eq!(text("a: !!str 12"), "12");
        let value = |yaml: &str| parse(yaml).map(|root| root.get("a").map(|(_, node)| node.value.clone()));
        assert_eq!(value("a: !!int \"5\"").unwrap(), Some(Value::Number("5".to_owned())));
        assert_eq!(value("a: !!seq [b]\n").unwrap().map(|value| matches!(value, Value::List(_))), Some(true));
        for yaml in [
            "a: !!int 1.5",
            "a: !!int b",
            "a: !!bool yes",
            "a: !!null b",
            "a: !!float b",
            "a: !!binary aGk=",
            "a: !mine [b]",
            "a: !!set {b}",
            "a: !!omap [b: 1]",
            "!!map []",
            "!Ref a: b",
            "a: !!timestamp 2026-01-01",
        ] {
            assert!(!parse(yaml).unwrap_err().is_grammar, "{yaml}");
        }
    }

    #[test]
    fn keys_are_texts_and_may_be_named_by_an_alias() {
        let root = parse("&k name: &v b\nc: *v\n? *k\n: d\n");
        assert!(root.unwrap_err().message.contains("`name` occurs twice"));
        for yaml in ["? [a]\n: b", "~: b", ": b", "null: b", "? {a: b}\n: c", "<<: {a: b}"] {
            assert!(parse(yaml).is_err(), "{yaml}");
        }
        assert!(parse("1: b\ntrue: c\n\"null\": d\n").is_ok());
    }

    #[test]
    fn aliases_do_not_nest_deeper_than_values_may() {
        let deep =
            |levels: usize, inner: &str| format!("{}{inner}{}", "[".repeat(levels), "]".repeat(levels));
        let mut yaml = format!("a0: &a0 {}\n", deep(30, "x"));
        for level in 1..5 {
            yaml += &format!("a{level}: &a{level} {}\n", deep(30, &format!("*a{}", level - 1)));
        }
        assert!(parse(&yaml).unwrap_err().message.contains("nested"));
    }

    #[test]
    fn a_file_is_one_document() {
        for (yaml, fits) in
            [("---\n", true), ("# a\n---\n...\n", true), ("", true), ("---\na: b\n---\n", false)]
        {
            assert_eq!(parse(yaml).is_ok(), fits, "{yaml}");
        }
    }
}
