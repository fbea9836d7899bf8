//! The parser: recursive descent with one token of lookahead. Its functions are the rules of the grammar, in the order
//! of the module's documentation.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use super::error::hint;
use super::lex::{Lexer, Token};
use super::{Atom, Condition, ParseError, TagTarget, Template};

/// How many parentheses and `NOT`s may enclose an atom, so that no text can exhaust the stack: neither while it is
/// parsed nor when the condition is printed, compared or dropped.
pub const MAX_DEPTH: usize = 128;

const FUNCTIONS: [&str; 4] = ["isInGroups", "hasAttribute", "hasTagAsAttribute", "hasTagAsGroup"];

/// What a condition can begin with, as errors name it.
const FACTOR: &str = "a function such as `@isInGroups`, NOT or `(`";

impl FromStr for Condition {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { lexer: Lexer::new(text), depth: 0 };
        let condition = parser.disjunction()?;
        parser.expect(Token::End, "AND, OR or the end of the text")?;
        Ok(condition)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Condition;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a condition such as \"@isInGroups('Analysts')\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Condition, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn disjunction(&mut self) -> Result<Condition, ParseError> {
        let mut children = vec![self.conjunction()?];
        while self.takes_operator("OR") {
            children.push(self.conjunction()?);
        }
        Ok(Condition::or(children))
    }

    fn conjunction(&mut self) -> Result<Condition, ParseError> {
        let mut children = vec![self.factor()?];
        while self.takes_operator("AND") {
            children.push(self.factor()?);
        }
        Ok(Condition::and(children))
    }

    fn factor(&mut self) -> Result<Condition, ParseError> {
        match self.lexer.token {
            Token::Function(function) => self.atom(function).map(Condition::Atom),
            Token::Open => {
                let inner = self.deeper(Self::disjunction)?;
                self.expect(Token::Close, "AND, OR or `)`")?;
                Ok(inner)
            }
            Token::Word(word) if word.eq_ignore_ascii_case("NOT") => {
                self.deeper(Self::factor).map(Condition::not)
            }
            Token::Word(word) => Err(self.refuse_with(FACTOR, &hint(word, &FUNCTIONS, function_name))),
            _ => Err(self.refuse(FACTOR)),
        }
    }

    fn atom(&mut self, function: &str) -> Result<Atom, ParseError> {
        match function {
            "isInGroups" => self.arguments(Self::in_groups),
            "hasAttribute" => self.arguments(Self::has_attribute),
            "hasTagAsAttribute" => self.arguments(Self::has_tag_as_attribute),
            "hasTagAsGroup" => self.arguments(|parser| Ok(Atom::HasTagAsGroup { target: parser.target()? })),
            unknown => {
                let expected = format!("one of {}", FUNCTIONS.map(function_name).join(", "));
                Err(self.refuse_with(&expected, &hint(unknown, &FUNCTIONS, function_name)))
            }
        }
    }

    /// Consumes a `NOT` or `(` and parses its operand, unless that would be too deep.
    fn deeper(
        &mut self,
        rule: fn(&mut Self) -> Result<Condition, ParseError>,
    ) -> Result<Condition, ParseError> {
        if self.depth == MAX_DEPTH {
            let expected = format!("at most {MAX_DEPTH} parentheses and NOTs within each other");
            return Err(self.refuse_with(&expected, ", one too many"));
        }
        self.lexer.advance();
        self.depth += 1;
        let inner = rule(self)?;
        self.depth -= 1;
        Ok(inner)
    }

    /// Parses the arguments of a function.
    fn arguments(&mut self, rule: fn(&mut Self) -> Result<Atom, ParseError>) -> Result<Atom, ParseError> {
        self.lexer.advance();
        self.expect(Token::Open, "`(`")?;
        let atom = rule(self)?;
        self.expect(Token::Close, "`)`")?;
        Ok(atom)
    }

    fn in_groups(&mut self) -> Result<Atom, ParseError> {
        let mut names = vec![Template::new(self.string()?)];
        while self.lexer.token == Token::Comma {
            self.lexer.advance();
            names.push(Template::new(self.string()?));
        }
        if self.lexer.token != Token::Close {
            return Err(self.refuse("`,` or `)`"));
        }
        Ok(Atom::InGroups(names))
    }

    fn has_attribute(&mut self) -> Result<Atom, ParseError> {
        let key = self.string()?;
        self.expect(Token::Comma, "`,` and the attribute's value")?;
        Ok(Atom::HasAttribute { key, value: Template::new(self.string()?) })
    }

    fn has_tag_as_attribute(&mut self) -> Result<Atom, ParseError> {
        let key = self.string()?;
        self.expect(Token::Comma, "`,` and 'dataSource' or 'column'")?;
        Ok(Atom::HasTagAsAttribute { key, target: self.target()? })
    }

    fn target(&mut self) -> Result<TagTarget, ParseError> {
        const EXPECTED: &str = "'dataSource' or 'column'";
        let Token::String(written) = self.lexer.token else { return Err(self.refuse(EXPECTED)) };
        match TagTarget::ALL.into_iter().find(|target| target.as_str() == written) {
            Some(target) => {
                self.lexer.advance();
                Ok(target)
            }
            None => {
                let near = hint(written, &TagTarget::ALL.map(TagTarget::as_str), |name| format!("'{name}'"));
                Err(self.refuse_with(EXPECTED, &near))
            }
        }
    }

    fn string(&mut self) -> Result<String, ParseError> {
        let Token::String(written) = self.lexer.token else {
            return Err(self.refuse("a string in single quotes"));
        };
        self.lexer.advance();
        Ok(written.replace("''", "'"))
    }

    fn takes_operator(&mut self, operator: &str) -> bool {
        let found = matches!(self.lexer.token, Token::Word(word) if word.eq_ignore_ascii_case(operator));
        if found {
            self.lexer.advance();
        }
        found
    }

    fn expect(&mut self, token: Token<'static>, expected: &str) -> Result<(), ParseError> {
        if self.lexer.token != token {
            return Err(self.refuse(expected));
        }
        self.lexer.advance();
        Ok(())
    }

    fn refuse(&self, expected: &str) -> ParseError {
        let slip =
            if self.lexer.follows_string_closely() { " (a quote inside a string is doubled)" } else { "" };
        self.refuse_with(expected, slip)
    }

    fn refuse_with(&self, expected: &str, remark: &str) -> ParseError {
        let found = format!("{}{remark}", self.lexer.token);
        ParseError::at(self.lexer.text, self.lexer.start, expected, found)
    }
}

fn function_name(name: &str) -> String {
    format!("`@{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Condition {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refused(text: &str) -> ParseError {
        text.parse::<Condition>().expect_err(text)
    }

    fn group(name: &str) -> Condition {
        Atom::InGroups(vec![Template::new(name)]).into()
    }

    #[test]
    fn every_atom() {
        let table = [
            (
                "@isInGroups('a', 'it''s @schema')",
                Atom::InGroups(vec![Template::new("a"), Template::new("it's @schema")]),
            ),
            (
                "@hasAttribute('k @x', '@@')",
                Atom::HasAttribute { key: "k @x".into(), value: Template::new("@@") },
            ),
            (
                "@hasTagAsAttribute('', 'dataSource')",
                Atom::HasTagAsAttribute { key: String::new(), target: TagTarget::DataSource },
            ),
            (" @hasTagAsGroup\n(\t'column'\r\n) ", Atom::HasTagAsGroup { target: TagTarget::Column }),
        ];
        for (text, atom) in table {
            assert_eq!(parsed(text), atom.into(), "{text}");
        }
    }

    #[test]
    fn not_binds_before_and_before_or() {
        let [x, y, z] = ["x", "y", "z"].map(group);
        let not = Condition::not;
        let table = [
            ("NOT X AND Y OR Z", Condition::or([Condition::and([not(x.clone()), y.clone()]), z.clone()])),
            ("X or Y and not Z", Condition::or([x.clone(), Condition::and([y.clone(), not(z.clone())])])),
            ("NOT (X AnD Y)", not(Condition::and([x.clone(), y.clone()]))),
            ("nOT NoT X", not(not(x.clone()))),
            ("(X OR Y) AND Z", Condition::and([Condition::or([x.clone(), y.clone()]), z.clone()])),
            ("(X AND Y) AND Z", Condition::And(vec![x.clone(), y.clone(), z.clone()])),
            ("X OR (Y OR Z)", Condition::Or(vec![x.clone(), y.clone(), z])),
            ("(X)AND(NOT(Y))", Condition::and([x, not(y)])),
        ];
        for (sketch, expected) in table {
            let text = sketch
                .replace('X', "@isInGroups('x')")
                .replace('Y', "@isInGroups('y')")
                .replace('Z', "@isInGroups('z')");
            assert_eq!(parsed(&text), expected, "{sketch}");
        }
    }

    #[test]
    fn errors_say_what_and_where() {
        // The place is the `^` before the token; it is taken out before parsing.
        let table = [
            ("^", FACTOR, "the end of the text"),
            (" \n ^", FACTOR, "the end of the text"),
            ("^AND @isInGroups('a')", FACTOR, "`AND`"),
            ("^isInGroups('a')", FACTOR, "`isInGroups` (did you mean `@isInGroups`?)"),
            ("^'a'", FACTOR, "the string 'a'"),
            ("(^)", FACTOR, "`)`"),
            ("^! @isInGroups('a')", FACTOR, "`!`"),
            ("NOT^", FACTOR, "the end of the text"),
            ("@isInGroups('a') OR ^OR", FACTOR, "`OR`"),
            ("@isInGroups('é') AND ^", FACTOR, "the end of the text"),
            ("(@isInGroups('a')^", "AND, OR or `)`", "the end of the text"),
            ("(@isInGroups('a') ^, ", "AND, OR or `)`", "`,`"),
            ("@isInGroups('a')^)", "AND, OR or the end of the text", "`)`"),
            ("@isInGroups('a')\n  ^&& @isInGroups('b')", "AND, OR or the end of the text", "`&`"),
            ("@isInGroups('a') ^@isInGroups('b')", "AND, OR or the end of the text", "`@isInGroups`"),
            ("@isInGroups('a') ^NOT @isInGroups('b')", "AND, OR or the end of the text", "`NOT`"),
            ("@isInGroups('a') ^XOR @isInGroups('b')", "AND, OR or the end of the text", "`XOR`"),
            ("@isInGroups ^'a')", "`(`", "the string 'a'"),
            ("@isInGroups^", "`(`", "the end of the text"),
            ("@isInGroups(^)", "a string in single quotes", "`)`"),
            ("@isInGroups('a',\n^)", "a string in single quotes", "`)`"),
            ("@isInGroups(^\"a\")", "a string in single quotes", "`\"`"),
            ("@isInGroups(^Analysts)", "a string in single quotes", "`Analysts`"),
            ("@isInGroups('a', ^'b)", "a string in single quotes", "a string that is never closed"),
            ("@isInGroups('a' ^'b')", "`,` or `)`", "the string 'b'"),
            ("@isInGroups('O'^Brien')", "`,` or `)`", "`Brien` (a quote inside a string is doubled)"),
            ("@isInGroups('a'^", "`,` or `)`", "the end of the text"),
            ("@hasAttribute('k'^)", "`,` and the attribute's value", "`)`"),
            (
                "@hasAttribute('k'^s', 'v')",
                "`,` and the attribute's value",
                "`s` (a quote inside a string is doubled)",
            ),
            ("@hasAttribute('k', ^)", "a string in single quotes", "`)`"),
            ("@hasAttribute('k', 'v'^, 'w')", "`)`", "`,`"),
            ("@hasTagAsAttribute('k'^)", "`,` and 'dataSource' or 'column'", "`)`"),
            ("@hasTagAsGroup(^)", "'dataSource' or 'column'", "`)`"),
            ("@hasTagAsGroup(^'table')", "'dataSource' or 'column'", "the string 'table'"),
            (
                "@hasTagAsGroup(^'Column')",
                "'dataSource' or 'column'",
                "the string 'Column' (did you mean 'column'?)",
            ),
            (
                "@hasTagAsAttribute('k', ^'datasource')",
                "'dataSource' or 'column'",
                "the string 'datasource' (did you mean 'dataSource'?)",
            ),
        ];
        for (marked, expected, found) in table {
            let offset = marked.find('^').unwrap();
            let error = refused(&marked.replace('^', ""));
            assert_eq!(
                (error.offset, &*error.expected, &*error.found),
                (offset, expected, found),
                "{marked}"
            );
        }
    }

    #[test]
    fn functions_are_exact_and_near_ones_hinted() {
        let table = [
            ("@isingroups", "`@isingroups` (did you mean `@isInGroups`?)"),
            ("@isInGroup", "`@isInGroup` (did you mean `@isInGroups`?)"),
            ("@hasAtribute", "`@hasAtribute` (did you mean `@hasAttribute`?)"),
            ("@HASTAGASGROUP", "`@HASTAGASGROUP` (did you mean `@hasTagAsGroup`?)"),
            ("@isOwner", "`@isOwner`"),
            ("@ isInGroups", "`@` without a name"),
        ];
        for (function, found) in table {
            let error = refused(&format!("NOT {function}('a')"));
            assert_eq!((error.offset, &*error.found), (4, found));
            assert_eq!(
                error.expected,
                "one of `@isInGroups`, `@hasAttribute`, `@hasTagAsAttribute`, `@hasTagAsGroup`"
            );
        }
    }

    #[test]
    fn lines_and_columns_count_characters() {
        let error = refused("@isInGroups('é')\r\nAND @hasAttribute('ü', →)");
        assert_eq!((error.line, error.column), (2, 24));
        assert_eq!(
            error.to_string(),
            "expected a string in single quotes but found `→` at line 2, column 24 of the condition"
        );
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |open: &str, depth: usize, close: &str| {
            format!("{}@isInGroups('a'){}", open.repeat(depth), close.repeat(depth))
        };
        for (open, close) in [("(", ")"), ("NOT ", ""), ("NOT(", ")")] {
            let deepest = MAX_DEPTH / if open == "NOT(" { 2 } else { 1 };
            parsed(&nested(open, deepest, close));
            for depth in [deepest + 1, 200_000] {
                let error = refused(&nested(open, depth, close));
                assert_eq!(error.offset, open.len() * deepest);
                assert_eq!(error.expected, "at most 128 parentheses and NOTs within each other");
                assert!(error.found.ends_with(", one too many"), "{error}");
            }
        }
        let beside = vec![nested("(", MAX_DEPTH, ")"); 1000].join(" OR ");
        assert_eq!(parsed(&beside).atoms().count(), 1000);

        let alternating = format!(
            "{}@isInGroups('a'){}",
            "@isInGroups('a') OR @isInGroups('b') AND (".repeat(128),
            ")".repeat(128)
        );
        let deepest = parsed(&alternating);
        assert_eq!(parsed(&deepest.to_string()), deepest);
    }
}
