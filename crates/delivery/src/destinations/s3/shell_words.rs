//! Splitting a line into words as a POSIX shell quotes them: names of profiles and command lines in the files of the
//! AWS tools are written so. Nothing is expanded.

/// Why a line cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SplitError {
    /// A quote is not closed.
    OpenQuote,
    /// The line ends in a backslash.
    OpenEscape,
}

impl std::fmt::Display for SplitError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OpenQuote => "a quote is not closed",
            Self::OpenEscape => "it ends in a backslash",
        })
    }
}

/// Splits a line into words. Single quotes keep everything, double quotes all but an escaped quote or backslash, and
/// a backslash outside of quotes keeps the next character.
///
/// # Errors
/// When a quote is not closed, or the line ends in a backslash.
pub(super) fn split(line: &str) -> Result<Vec<String>, SplitError> {
    let mut words = Vec::new();
    // A word may be empty, in quotes.
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => {
                let next = characters.next().ok_or(SplitError::OpenEscape)?;
                word.get_or_insert_default().push(next);
            }
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(SplitError::OpenQuote)? {
                        '\'' => break,
                        inner => word.push(inner),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next().ok_or(SplitError::OpenQuote)? {
                        '"' => break,
                        '\\' => match characters.next().ok_or(SplitError::OpenEscape)? {
                            escaped @ ('"' | '\\') => word.push(escaped),
                            other => word.extend(['\\', other]),
                        },
                        inner => word.push(inner),
                    }
                }
            }
            character => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together() {
        for (line, words) in [
            ("", &[][..]),
            ("a \"b c\"  d\"\" \"\"", &["a", "b c", "d", ""]),
            ("a 'b \"c' \\\"d e\\ f", &["a", "b \"c", "\"d", "e f"]),
            (r#"x "a\"b\\c\d" 'a\b'"#, &["x", r#"a"b\c\d"#, r"a\b"]),
            ("\ta\nb\r\nc ", &["a", "b", "c"]),
            ("pre'fix'\"ed\" #no comment", &["prefixed", "#no", "comment"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        assert_eq!(split("a 'b"), Err(SplitError::OpenQuote));
        assert_eq!(split("\""), Err(SplitError::OpenQuote));
        assert_eq!(split("a\\"), Err(SplitError::OpenEscape));
    }
}
