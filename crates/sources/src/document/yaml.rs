//! YAML 1.2 with the core schema, from the parser's events.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::{Key, MAX_DEPTH, Node, Position, Style, SyntaxError, Value, add_entry};

/// What aliases may expand to in one file, in nodes: far more than a catalog repeats, and a bound on what a
/// small file can make of itself.
const MAX_ALIASED: usize = 1_000_000;

pub(super) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), aliased: 0 };
    let mut root = None;
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::Nothing | Event::DocumentEnd => {}
            Event::DocumentStart(_) if root.is_some() => {
                let message = "a second document begins here; a file holds one mapping";
                return Err(SyntaxError::new(start(span), message));
            }
            Event::DocumentStart(_) => {}
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    // A file of comments only declares nothing.
    Ok(root.unwrap_or_else(|| Node::new(Position { line: 1, column: 1 }, Value::Mapping(Vec::new()))))
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), SyntaxError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = Position { line: error.marker().line(), column: error.marker().col() + 1 };
                Err(SyntaxError::new(at, format!("this is no YAML: {}", reason(&error.to_string()))))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, SyntaxError> {
        let at = start(span);
        if depth > MAX_DEPTH {
            return Err(SyntaxError::new(at, format!("values are nested deeper than {MAX_DEPTH} levels")));
        }
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.alias(anchor, at),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, Node::new(at, scalar(text.into_owned(), style, span, tag.as_deref(), at)?))
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                (anchor, Node::new(at, Value::List(items)))
            }
            Event::MappingStart(anchor, _) => {
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
            _ => return Err(SyntaxError::new(at, "expected a value")),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn key(&mut self, event: Event<'t>, span: Span) -> Result<Key, SyntaxError> {
        let at = start(span);
        match event {
            Event::Scalar(text, ScalarStyle::Plain, _, _) if text == "<<" => {
                Err(SyntaxError::new(at, "merge keys (`<<`) are not supported; write the entries out"))
            }
            Event::Scalar(text, ..) => Ok(Key { text: text.into_owned(), at }),
            _ => Err(SyntaxError::new(at, "expected a text as key")),
        }
    }

    /// A copy of what an anchor names. Sizes are known before anything is copied, so what aliases of aliases
    /// would grow to is refused, not built.
    fn alias(&mut self, anchor: usize, at: Position) -> Result<Node, SyntaxError> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(SyntaxError::new(at, "this alias names a value that contains it"));
        };
        self.aliased = self.aliased.saturating_add(node.size);
        if self.aliased > MAX_ALIASED {
            let message = format!("the aliases of this file expand to more than {MAX_ALIASED} values");
            return Err(SyntaxError::new(at, message));
        }
        Ok(Node { at, ..node.clone() })
    }
}

fn start(span: Span) -> Position {
    Position { line: span.start.line(), column: span.start.col() + 1 }
}

/// The parser's message without the place it repeats.
fn reason(message: &str) -> &str {
    message.split(" at byte ").next().unwrap_or(message).trim_end_matches(" at char")
}

fn scalar(
    text: String,
    style: ScalarStyle,
    span: Span,
    tag: Option<&Tag>,
    at: Position,
) -> Result<Value, SyntaxError> {
    let one_line = span.start.line() == span.end.line();
    let shown = match style {
        ScalarStyle::Plain if one_line => Style::Plain,
        ScalarStyle::SingleQuoted if one_line => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted if one_line => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        _ => Style::Folded,
    };
    let tag = tag.map(|tag| (tag.is_yaml_core_schema(), tag.suffix.as_str()));
    match tag {
        Some((true, "str")) => return Ok(Value::Text(text, shown)),
        Some((true, "int" | "float" | "bool" | "null")) | None => {}
        Some((_, suffix)) => {
            return Err(SyntaxError::new(at, format!("the tag `{suffix}` means nothing in a catalog")));
        }
    }
    if style != ScalarStyle::Plain {
        return Ok(Value::Text(text, shown));
    }
    Ok(match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Boolean(true, text),
        "false" | "False" | "FALSE" => Value::Boolean(false, text),
        number if is_number(number) => Value::Number(text),
        _ => Value::Text(text, shown),
    })
}

/// Integers and floats of the core schema (YAML 1.2.2, section 10.3.2).
fn is_number(text: &str) -> bool {
    let digits = |text: &str, radix: u32| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, 16);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent), 10))
}
