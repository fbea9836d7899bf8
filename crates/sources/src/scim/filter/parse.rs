//! The parser of filters. Positions in errors count characters from 1.

use domesday_model::Excerpt;

use super::super::error::{ScimError, ScimErrorKind};
use super::super::path::{AttributePath, resolve_within};
use super::super::schema::{Attribute, DataType, ResourceSchema};
use super::ast::{Filter, Literal, Node, Operator};

/// The longest filter, in bytes.
const MAX_BYTES: usize = 16 << 10;

/// The deepest nesting of groups and negations.
const MAX_DEPTH: usize = 32;

const OPERATORS: [(&str, Operator); 9] = [
    ("eq", Operator::Eq),
    ("ne", Operator::Ne),
    ("co", Operator::Co),
    ("sw", Operator::Sw),
    ("ew", Operator::Ew),
    ("gt", Operator::Gt),
    ("ge", Operator::Ge),
    ("lt", Operator::Lt),
    ("le", Operator::Le),
];

/// Where the names of a filter are looked up.
#[derive(Clone, Copy)]
pub(in crate::scim) enum Scope<'s> {
    Resource(&'s ResourceSchema),
    /// The values of an attribute, for a filter in brackets.
    Element(&'s Attribute),
    /// Nothing is known: every name is one without a value.
    Unknown,
}

impl Filter {
    /// Parses a filter on resources of a kind.
    ///
    /// # Errors
    /// `invalidFilter` with the position of the mistake.
    pub fn parse(text: &str, schema: &ResourceSchema) -> Result<Self, ScimError> {
        let mut parser = Parser::new(text)?;
        let node = parser.alternatives(Scope::Resource(schema), 0)?;
        parser.skip_space();
        match parser.rest().chars().next() {
            None => Ok(Self(node)),
            Some(_) => Err(parser.expected("`and`, `or` or the end of the filter")),
        }
    }
}

/// Parses the filter in brackets at the start of a text, which begins after the opening bracket. Returns it with the rest
/// of the text behind the closing bracket.
pub(in crate::scim) fn parse_element_filter<'t>(
    text: &'t str,
    scope: Scope<'_>,
) -> Result<(Filter, &'t str), ScimError> {
    let mut parser = Parser::new(text)?;
    let node = parser.alternatives(scope, 0)?;
    parser.skip_space();
    if !parser.take(']') {
        return Err(parser.expected("`]`"));
    }
    Ok((Filter(node), &text[parser.at..]))
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Result<Self, ScimError> {
        if text.len() > MAX_BYTES {
            let detail = format!("the filter has {} bytes; at most {MAX_BYTES} are allowed", text.len());
            return Err(ScimError::new(ScimErrorKind::InvalidFilter, detail));
        }
        Ok(Self { text, at: 0 })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len_utf8();
        }
        found
    }

    /// Returns the next word: the characters of names, operators and numbers.
    fn peek_word(&self) -> &'t str {
        let rest = self.rest();
        let is_end = |c: char| c.is_whitespace() || "()[]\"".contains(c);
        &rest[..rest.find(is_end).unwrap_or(rest.len())]
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        self.skip_space();
        let found = self.peek_word().eq_ignore_ascii_case(keyword);
        if found {
            self.at += keyword.len();
        }
        found
    }

    fn error(&self, at: usize, message: &str) -> ScimError {
        let position = self.text[..at].chars().count() + 1;
        ScimError::new(ScimErrorKind::InvalidFilter, format!("filter, character {position}: {message}"))
    }

    fn expected(&self, expected: &str) -> ScimError {
        let word = self.peek_word();
        let found = match (word, self.rest().chars().next()) {
            ("", None) => "the end".to_owned(),
            ("", Some(other)) => format!("`{other}`"),
            (word, _) => format!("`{}`", Excerpt(word)),
        };
        self.error(self.at, &format!("expected {expected}, found {found}"))
    }

    fn alternatives(&mut self, scope: Scope<'_>, depth: usize) -> Result<Node, ScimError> {
        let mut parts = vec![self.conjunction(scope, depth)?];
        while self.take_keyword("or") {
            parts.push(self.conjunction(scope, depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::Or(parts) })
    }

    fn conjunction(&mut self, scope: Scope<'_>, depth: usize) -> Result<Node, ScimError> {
        let mut parts = vec![self.term(scope, depth)?];
        while self.take_keyword("and") {
            parts.push(self.term(scope, depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Node::And(parts) })
    }

    fn term(&mut self, scope: Scope<'_>, depth: usize) -> Result<Node, ScimError> {
        self.skip_space();
        if depth >= MAX_DEPTH {
            return Err(self.error(self.at, &format!("more than {MAX_DEPTH} levels are not supported")));
        }
        if self.peek_word().eq_ignore_ascii_case("not") {
            let start = self.at;
            self.at += "not".len();
            self.skip_space();
            // An attribute may have this name; only what follows tells.
            if self.rest().starts_with('(') {
                return Ok(Node::Not(Box::new(self.group(scope, depth)?)));
            }
            self.at = start;
        }
        if self.rest().starts_with('(') {
            return self.group(scope, depth);
        }
        self.attribute_expression(scope, depth)
    }

    fn group(&mut self, scope: Scope<'_>, depth: usize) -> Result<Node, ScimError> {
        self.take('(');
        let inner = self.alternatives(scope, depth + 1)?;
        self.skip_space();
        if self.take(')') { Ok(inner) } else { Err(self.expected("`and`, `or` or `)`")) }
    }

    fn attribute_expression(&mut self, scope: Scope<'_>, depth: usize) -> Result<Node, ScimError> {
        let (start, name) = (self.at, self.peek_word());
        let is_name_character = |c: char| c.is_ascii_alphanumeric() || "-_$.:".contains(c);
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$');
        if !begins || !name.chars().all(is_name_character) {
            return Err(self.expected("the name of an attribute, `not` or `(`"));
        }
        self.at += name.len();
        if self.rest().starts_with('[') {
            return self.element(scope, name, start, depth);
        }
        let path = match scope {
            Scope::Resource(schema) => AttributePath::parse(name, schema),
            Scope::Element(attribute) => resolve_within(name, attribute),
            Scope::Unknown => None,
        };
        self.skip_space();
        let (at, word) = (self.at, self.peek_word());
        if word.eq_ignore_ascii_case("pr") {
            self.at += word.len();
            return Ok(Node::Present(path));
        }
        let found = OPERATORS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        let Some((_, operator)) = found else {
            return Err(self.expected("`eq`, `ne`, `co`, `sw`, `ew`, `gt`, `ge`, `lt`, `le` or `pr`"));
        };
        self.at += word.len();
        let literal = self.literal()?;
        let operator = *operator;
        self.check_comparison(at, path.as_ref(), operator, &literal)?;
        Ok(Node::Compare { path, operator, literal })
    }

    fn element(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        start: usize,
        depth: usize,
    ) -> Result<Node, ScimError> {
        let Scope::Resource(schema) = scope else {
            return Err(self.error(self.at, "brackets cannot be nested"));
        };
        self.take('[');
        let path = AttributePath::parse(name, schema);
        let definition = path.as_ref().and_then(|path| path.definition(schema));
        let inner_scope = match definition {
            None => Scope::Unknown,
            Some(definition) if definition.is_multi_valued && !definition.sub_attributes.is_empty() => {
                Scope::Element(definition)
            }
            Some(_) => return Err(self.error(start, &format!("`{}` is no list of values", Excerpt(name)))),
        };
        let inner = self.alternatives(inner_scope, depth + 1)?;
        self.skip_space();
        if !self.take(']') {
            return Err(self.expected("`and`, `or` or `]`"));
        }
        Ok(Node::Element { path, inner: Box::new(inner) })
    }

    fn literal(&mut self) -> Result<Literal, ScimError> {
        self.skip_space();
        if self.rest().starts_with('"') {
            return self.text_literal();
        }
        let (at, word) = (self.at, self.peek_word());
        self.at += word.len();
        match word.to_ascii_lowercase().as_str() {
            "true" => Ok(Literal::Boolean(true)),
            "false" => Ok(Literal::Boolean(false)),
            "null" => Ok(Literal::Null),
            _ => match serde_json::from_str::<f64>(word) {
                Ok(number) => Ok(Literal::Number(number)),
                Err(_) => {
                    self.at = at;
                    Err(self.expected("a text in double quotes, a number, `true`, `false` or `null`"))
                }
            },
        }
    }

    /// Reads a text as JSON spells it.
    fn text_literal(&mut self) -> Result<Literal, ScimError> {
        let (start, mut is_escaped) = (self.at, false);
        for (offset, character) in self.rest().char_indices().skip(1) {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = true,
                '"' => {
                    self.at = start + offset + 1;
                    let text = serde_json::from_str(&self.text[start..self.at]);
                    return text
                        .map(Literal::Text)
                        .map_err(|_| self.error(start, "this is no text as JSON spells it"));
                }
                _ => {}
            }
        }
        Err(self.error(start, "the text has no closing quote"))
    }

    fn check_comparison(
        &self,
        at: usize,
        path: Option<&AttributePath>,
        operator: Operator,
        literal: &Literal,
    ) -> Result<(), ScimError> {
        let is_equality = matches!(operator, Operator::Eq | Operator::Ne);
        let is_order = matches!(operator, Operator::Gt | Operator::Ge | Operator::Lt | Operator::Le);
        let is_unordered =
            |path: &AttributePath| matches!(path.data_type, DataType::Boolean | DataType::Binary) && is_order;
        if path.is_some_and(is_unordered) {
            return Err(self.error(at, "values of this attribute have no order; use `eq` or `ne`"));
        }
        let is_orderless = matches!(literal, Literal::Boolean(_) | Literal::Null);
        if is_orderless && !is_equality {
            return Err(self.error(at, "`true`, `false` and `null` are compared with `eq` and `ne` only"));
        }
        if path.is_some_and(|path| path.data_type == DataType::DateTime)
            && let Literal::Text(text) = literal
            && (is_equality || is_order)
            && let Err(error) = text.parse::<domesday_model::Instant>()
        {
            return Err(self.error(at, &error.to_string()));
        }
        Ok(())
    }
}
