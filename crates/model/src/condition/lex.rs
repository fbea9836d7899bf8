//! The tokens of the language, and their names in errors.

use std::fmt;

use super::template::leading_name;

/// A token. Invalid characters are tokens too, so that only the parser reports errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    Comma,
    /// A string: the text between the quotes, with quotes in it still doubled.
    String(&'a str),
    /// A string that is not closed: the rest of the text.
    Unclosed,
    /// A name: an operator, or a mistake.
    Word(&'a str),
    /// The name after an `@`; empty when none follows.
    Function(&'a str),
    /// A character that begins no token.
    Stray(char),
    End,
}

/// A text and its current token.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) token: Token<'a>,
    /// Where the token begins, in bytes.
    pub(super) start: usize,
    /// Where it ends.
    end: usize,
    after_string: bool,
}

impl<'a> Lexer<'a> {
    /// Creates a lexer at the first token of `text`.
    pub(super) fn new(text: &'a str) -> Self {
        let mut lexer = Self { text, token: Token::End, start: 0, end: 0, after_string: false };
        lexer.advance();
        lexer
    }

    /// Advances to the next token; at the end it stays there.
    pub(super) fn advance(&mut self) {
        let rest = self.text[self.end..].trim_start();
        let start = self.text.len() - rest.len();
        self.after_string = matches!(self.token, Token::String(_)) && start == self.end;
        let (token, length) = first_token(rest);
        self.token = token;
        self.start = start;
        self.end = start + length;
    }

    /// Whether the token touches the string before it, as the `Brien` of `'O'Brien'` does: the sign of a
    /// quote that should have been doubled.
    pub(super) fn follows_string_closely(&self) -> bool {
        self.after_string && matches!(self.token, Token::Word(_) | Token::Stray(_) | Token::Unclosed)
    }
}

/// Returns the first token of `rest`, and its length in bytes.
fn first_token(rest: &str) -> (Token<'_>, usize) {
    match rest.chars().next() {
        None => (Token::End, 0),
        Some('(') => (Token::Open, 1),
        Some(')') => (Token::Close, 1),
        Some(',') => (Token::Comma, 1),
        Some('\'') => match string_length(&rest[1..]) {
            Some(length) => (Token::String(&rest[1..=length]), length + 2),
            None => (Token::Unclosed, rest.len()),
        },
        Some('@') => {
            let name = leading_name(&rest[1..]);
            (Token::Function(name), name.len() + 1)
        }
        Some(other) => match leading_name(rest) {
            "" => (Token::Stray(other), other.len_utf8()),
            word => (Token::Word(word), word.len()),
        },
    }
}

/// Returns the distance to the quote that closes the string, without doubled ones.
fn string_length(text: &str) -> Option<usize> {
    let mut searched = 0;
    loop {
        let quote = searched + text[searched..].find('\'')?;
        if !text[quote + 1..].starts_with('\'') {
            return Some(quote);
        }
        searched = quote + 2;
    }
}

/// The name of a token in an error.
impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Open => f.write_str("`(`"),
            Token::Close => f.write_str("`)`"),
            Token::Comma => f.write_str("`,`"),
            Token::String(text) => write!(f, "the string '{}'", Short(text)),
            Token::Unclosed => f.write_str("a string that is never closed"),
            Token::Word(word) => write!(f, "`{}`", Short(word)),
            Token::Function("") => f.write_str("`@` without a name"),
            Token::Function(name) => write!(f, "`@{}`", Short(name)),
            Token::Stray(character) if character.is_control() => write!(f, "the character {character:?}"),
            Token::Stray(character) => write!(f, "`{character}`"),
            Token::End => f.write_str("the end of the text"),
        }
    }
}

/// A text shortened to fit into a message, on one line.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 40;
        for (index, character) in self.0.chars().enumerate() {
            match character {
                _ if index == LONGEST => return f.write_str("…"),
                _ if character.is_control() => write!(f, "{}", character.escape_default())?,
                _ => write!(f, "{character}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_need_no_space_between_them() {
        let mut lexer = Lexer::new("\u{a0}NOT@isInGroups('it''s',\n'')and(é_1&");
        let mut seen = Vec::new();
        while lexer.token != Token::End {
            seen.push((lexer.token, lexer.start));
            lexer.advance();
        }
        let expected = [
            (Token::Word("NOT"), 2),
            (Token::Function("isInGroups"), 5),
            (Token::Open, 16),
            (Token::String("it''s"), 17),
            (Token::Comma, 24),
            (Token::String(""), 26),
            (Token::Close, 28),
            (Token::Word("and"), 29),
            (Token::Open, 32),
            (Token::Word("é_1"), 33),
            (Token::Stray('&'), 37),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn quotes_end_a_string_only_when_single() {
        let table = [
            ("''", Token::String("")),
            ("''''", Token::String("''")),
            ("'a'''x", Token::String("a''")),
            ("'", Token::Unclosed),
            ("'''", Token::Unclosed),
            ("'a''", Token::Unclosed),
        ];
        for (text, expected) in table {
            assert_eq!(Lexer::new(text).token, expected, "{text}");
        }
    }

    #[test]
    fn messages_stay_short_and_on_one_line() {
        let long = "x".repeat(41);
        assert_eq!(Token::Word(&long).to_string(), format!("`{}…`", &long[1..]));
        assert_eq!(Token::String("a\nb").to_string(), "the string 'a\\nb'");
        assert_eq!(Token::Stray('\u{0}').to_string(), "the character '\\0'");
    }
}
