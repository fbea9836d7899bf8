//! Scalars and tags in the core schema (YAML 1.2.2, section 10.3).

use domesday_model::Excerpt;
use saphyr_parser::{ScalarStyle, Span, Tag};

use crate::document::node::{Style, SyntaxError, Value};

/// Returns the name of a tag of the core schema. Other tags have no meaning in a catalog, and are errors.
fn core_tag(tag: Option<&Tag>, at: usize) -> Result<Option<&str>, SyntaxError> {
    match tag {
        None => Ok(None),
        Some(tag) if tag.is_yaml_core_schema() => Ok(Some(tag.suffix.as_str())),
        Some(tag) => Err(unknown_tag(&tag.suffix, at)),
    }
}

fn unknown_tag(suffix: &str, at: usize) -> SyntaxError {
    SyntaxError::content(at, format!("the tag `{}` has no meaning in a catalog", Excerpt(suffix)))
}

/// Rejects every tag but one of the core schema.
pub(super) fn expect_tag(tag: Option<&Tag>, expected: &str, at: usize) -> Result<(), SyntaxError> {
    match core_tag(tag, at)? {
        Some(suffix) if suffix != expected => Err(unknown_tag(suffix, at)),
        _ => Ok(()),
    }
}

/// Returns the value of a scalar.
pub(super) fn scalar(
    text: String,
    style: ScalarStyle,
    span: Span,
    tag: Option<&Tag>,
    at: usize,
) -> Result<Value, SyntaxError> {
    let one_line = span.start.line() == span.end.line();
    let shown = match style {
        ScalarStyle::Plain if one_line => Style::Plain,
        ScalarStyle::SingleQuoted if one_line => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted if one_line => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        _ => Style::Folded,
    };
    let tag = core_tag(tag, at)?;
    let is_plain = style == ScalarStyle::Plain;
    // With a tag of the core schema, a quoted text is resolved like a plain one (YAML 1.2.2, section 10.3.2).
    let value = match tag {
        Some("str") => return Ok(Value::Text(text, shown)),
        None if !is_plain => return Ok(Value::Text(text, shown)),
        _ => resolve(text, shown),
    };
    let (expected, fits) = match (tag, &value) {
        (Some("int"), Value::Number(text)) => ("a whole number", is_integer(text)),
        (Some("int"), _) => ("a whole number", false),
        (Some("float"), value) => ("a number", matches!(value, Value::Number(_))),
        (Some("bool"), value) => ("true or false", matches!(value, Value::Boolean(..))),
        (Some("null"), value) => ("nothing", *value == Value::Null),
        (Some(suffix), _) => return Err(unknown_tag(suffix, at)),
        (None, _) => return Ok(value),
    };
    if fits {
        return Ok(value);
    }
    Err(SyntaxError::content(at, format!("expected {expected} after this tag")))
}

/// Resolves a plain scalar in the core schema.
fn resolve(text: String, style: Style) -> Value {
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Boolean(true, text),
        "false" | "False" | "FALSE" => Value::Boolean(false, text),
        number if is_number(number) => Value::Number(text),
        _ => Value::Text(text, style),
    }
}

fn is_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E']) || text.starts_with("0x")
}

/// Whether a text is an integer or a float of the core schema (YAML 1.2.2, section 10.3.2).
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
