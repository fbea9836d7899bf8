//! The INI dialect of the files `~/.aws/config` and `~/.aws/credentials`.
//!
//! The AWS command line reads them with Python's `configparser` and one level of nesting on top. This parser follows
//! the same rules: keys end at the first `=` or `:`, comments are whole lines, a deeper indented line continues the
//! value before it, and a section or key that occurs twice is an error. A value of indented `key = value` lines only
//! is nested.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// A section's keys, in lower case, with their values.
pub(crate) type Section = BTreeMap<String, Value>;

/// The value of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text; continuation lines follow after line breaks.
    Text(String),
    /// Keys with values of their own.
    Nested(BTreeMap<String, String>),
}

impl Value {
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Nested(_) => None,
        }
    }
}

/// Why a file cannot be read. The text of the line is not part of it, since it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IniError {
    /// Counted from 1.
    line: usize,
    reason: &'static str,
}

impl fmt::Display for IniError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} {}", self.line, self.reason)
    }
}

/// The section whose keys every other section inherits.
const DEFAULT_SECTION: &str = "DEFAULT";

/// A key with the lines of its value, as they are read.
struct Entry {
    key: String,
    lines: Vec<String>,
    /// Where it begins.
    line: usize,
}

/// Reads a file into its sections, in order, each by its whole name between the brackets.
///
/// # Errors
/// When a line is neither a section, a key, a comment nor a continuation, or a name occurs twice.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, Section)>, IniError> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut sections: Vec<(String, Vec<Entry>)> = Vec::new();
    let mut names = HashSet::new();
    let mut keys = HashSet::new();
    let mut indent_of_key = 0;
    let mut has_key = false;
    for (number, line) in text.split('\n').enumerate() {
        let fail = |reason| Err(IniError { line: number + 1, reason });
        let content = line.trim();
        if content.starts_with(['#', ';']) {
            continue;
        }
        let open = sections.last_mut().and_then(|(_, options)| options.last_mut()).filter(|_| has_key);
        if content.is_empty() {
            if let Some(open) = open {
                open.lines.push(String::new());
            }
            continue;
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if let Some(open) = open.filter(|_| indent > indent_of_key) {
            open.lines.push(content.to_owned());
            continue;
        }
        indent_of_key = indent;
        if let Some(name) = section_name(content) {
            if !names.insert(name.to_owned()) {
                return fail("opens a section that is there already");
            }
            sections.push((name.to_owned(), Vec::new()));
            keys.clear();
            has_key = false;
            continue;
        }
        let Some((_, options)) = sections.last_mut() else {
            return fail("is outside of a section");
        };
        let Some(end) = content.find(['=', ':']) else {
            return fail("is no `key = value`");
        };
        let (key, value) = (content[..end].trim_end().to_lowercase(), content[end + 1..].trim());
        if key.is_empty() {
            return fail("has no key before the `=`");
        }
        if !keys.insert(key.clone()) {
            return fail("repeats a key of its section");
        }
        options.push(Entry { key, lines: vec![value.to_owned()], line: number + 1 });
        has_key = true;
    }
    with_defaults(sections)
}

/// Returns the name of a section that a line opens: everything up to the last bracket.
fn section_name(content: &str) -> Option<&str> {
    let rest = content.strip_prefix('[')?;
    let end = rest.rfind(']').filter(|end| *end > 0)?;
    Some(&rest[..end])
}

/// Parses the values, and adds the default section's to those of every other.
fn with_defaults(sections: Vec<(String, Vec<Entry>)>) -> Result<Vec<(String, Section)>, IniError> {
    let mut parsed = Vec::new();
    let mut defaults = Section::new();
    for (name, options) in sections {
        let mut section = Section::new();
        for option in options {
            section.insert(option.key, value(&option.lines, option.line)?);
        }
        if name == DEFAULT_SECTION {
            defaults = section;
        } else {
            parsed.push((name, section));
        }
    }
    for (_, section) in &mut parsed {
        for (key, value) in &defaults {
            section.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    Ok(parsed)
}

/// Joins the lines of a value. One that begins with an empty line is nested.
fn value(lines: &[String], line: usize) -> Result<Value, IniError> {
    let text = lines.join("\n").trim_end().to_owned();
    if !text.starts_with('\n') {
        return Ok(Value::Text(text));
    }
    let mut nested = BTreeMap::new();
    for inner in text.lines().map(str::trim).filter(|inner| !inner.is_empty()) {
        let reason = "has an indented line below it that is no `key = value`";
        let (key, value) = inner.split_once('=').ok_or(IniError { line, reason })?;
        nested.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(Value::Nested(nested))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match parse(text) {
            Err(error) => error.to_string(),
            Ok(sections) => {
                let show = |(name, section): &(String, Section)| {
                    let keys = section.iter().map(|(key, value)| match value {
                        Value::Text(text) => format!("{key}={text:?}"),
                        Value::Nested(nested) => format!("{key}={nested:?}"),
                    });
                    format!("[{name}] {}", keys.collect::<Vec<_>>().join(" "))
                };
                sections.iter().map(show).collect::<Vec<_>>().join("; ")
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(shown(text), expected, "{text}");
    }

    #[test]
    fn keys_values_and_comments() {
        check("", "");
        check("# a\n; b\n[x]\nKey : v = w\n", "[x] key=\"v = w\"");
        check("[x]\na = b # c ; d\n", "[x] a=\"b # c ; d\"");
        check("[x]\r\na=1\r\n\r\nb=2\r\n", "[x] a=\"1\" b=\"2\"");
        check("[x]\n  a = 1\n  b = 2\n", "[x] a=\"1\" b=\"2\"");
        check("[profile \"a b\"] rest\na=", "[profile \"a b\"] a=\"\"");
        check("[a] b]\n", "[a] b] ");
    }

    #[test]
    fn indented_lines_continue_a_value_or_nest() {
        check("[x]\na = 1\n  2\n\n  3\nb = 4\n", "[x] a=\"1\\n2\\n\\n3\" b=\"4\"");
        check(
            "[x]\ns3 =\n  Endpoint_Url = u\n  # c\n  p=q\n",
            "[x] s3={\"Endpoint_Url\": \"u\", \"p\": \"q\"}",
        );
        check("[x]\ns3 =\n  broken\n", "line 2 has an indented line below it that is no `key = value`");
        check("[x]\na = 1\n\n\n", "[x] a=\"1\"");
    }

    #[test]
    fn the_default_section_is_inherited() {
        check("[x]\na=1\n[DEFAULT]\na=2\nb=3\n", "[x] a=\"1\" b=\"3\"");
    }

    #[test]
    fn what_cannot_be_read_names_the_line_and_repeats_nothing() {
        check("secret\n", "line 1 is outside of a section");
        check("[x]\nsecret\n", "line 2 is no `key = value`");
        check("[x]\n= secret\n", "line 2 has no key before the `=`");
        check("[x]\na=1\nA=2\n", "line 3 repeats a key of its section");
        check("[x]\n[x]\n", "line 2 opens a section that is there already");
        check("[]\n", "line 1 is outside of a section");
        check("\u{feff}[x]\n", "line 1 is outside of a section");
    }
}
