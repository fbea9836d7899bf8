//! Errors in the text of a condition, with their position.

/// A syntax error: its position, what was expected there and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
#[error("expected {expected} but found {found} at line {line}, column {column} of the condition")]
pub struct ParseError {
    /// The position in bytes; always between two characters, and at most the text's length.
    pub offset: usize,
    /// The line, from 1; lines end at `\n`.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What was expected.
    pub expected: String,
    /// What was found, with a hint where a typo explains it.
    pub found: String,
}

impl ParseError {
    /// Creates the error at `offset` of `text`, which must be between two characters.
    pub(super) fn at(
        text: &str,
        offset: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Self {
            offset,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// Returns ` (did you mean …?)` with the candidate that differs from `word` by case or by at most two letters, or
/// nothing.
pub(super) fn hint(word: &str, candidates: &[&str], quoted: impl Fn(&str) -> String) -> String {
    let word = word.to_lowercase();
    let distance = |candidate: &&&str| edits(&word, &candidate.to_lowercase());
    match candidates.iter().min_by_key(distance) {
        Some(nearest) if distance(&nearest) <= 2 => format!(" (did you mean {}?)", quoted(nearest)),
        _ => String::new(),
    }
}

/// Returns the number of single-character insertions, deletions and replacements from `a` to `b`; any large number when
/// it is large.
fn edits(a: &str, b: &str) -> usize {
    if a.len().abs_diff(b.len()) > 8 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_bytes_lines_and_characters() {
        let text = "é\r\nab\n\nç→x";
        let table = [
            (0, 1, 1),
            (2, 1, 2),
            (3, 1, 3),
            (4, 2, 1),
            (6, 2, 3),
            (7, 3, 1),
            (8, 4, 1),
            (13, 4, 3),
            (14, 4, 4),
        ];
        for (offset, line, column) in table {
            let error = ParseError::at(text, offset, "", "");
            assert_eq!((error.line, error.column), (line, column), "offset {offset}");
        }
    }

    #[test]
    fn hints_are_given_only_when_near() {
        let table =
            [("COLUMN", "column"), ("colums", "column"), ("datsource", "dataSource"), ("xyz", ""), ("", "")];
        for (word, near) in table {
            let expected = if near.is_empty() { String::new() } else { format!(" (did you mean {near}?)") };
            assert_eq!(hint(word, &["dataSource", "column"], str::to_owned), expected, "{word:?}");
        }
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
