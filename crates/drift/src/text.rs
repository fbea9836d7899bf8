//! Names in sentences and in comments of SQL.

use std::fmt::Write;

/// Returns a name between backquotes, on one line: the names of a database may contain anything, and a line break would
/// end a comment of SQL.
pub(crate) fn name(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('`');
    for letter in text.chars() {
        if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
            let _ = write!(quoted, "{}", letter.escape_unicode());
        } else {
            quoted.push(letter);
        }
    }
    quoted.push('`');
    quoted
}

/// Joins the parts of a list in a sentence.
pub(crate) fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_on_one_line() {
        assert_eq!(name("a b"), "`a b`");
        assert_eq!(name("a\n; DROP\u{2028}\u{85}"), "`a\\u{a}; DROP\\u{2028}\\u{85}`");
    }

    #[test]
    fn lists_are_joined() {
        let parts = |count: usize| (0..count).map(|part| part.to_string()).collect::<Vec<_>>();
        assert_eq!([0, 1, 2, 3].map(|count| list(&parts(count))), ["", "0", "0 and 1", "0, 1 and 2"]);
    }
}
