//! Globs of `appliesTo` and column selectors: `*` any run, `?` one character, over the whole text.

/// Whether `pattern` matches the whole of `text`, case-sensitively.
///
/// Linear in memory and, with one remembered star, at worst `pattern × text` in time.
///
/// ```
/// assert!(domesday_model::glob_matches("email*", "email_work"));
/// assert!(!domesday_model::glob_matches("email*", "work_email"));
/// assert!(domesday_model::glob_matches("l?dger", "ledger"));
/// ```
#[must_use]
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    let mut text = text.chars();
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before_text = text.clone();
        match (pattern.next(), text.next()) {
            (Some('*'), _) => {
                text = before_text;
                retry = Some((pattern.clone(), text.clone()));
            }
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {}
            (None | Some(_), _) => {
                // The last star takes one character more.
                let Some((after_star, mut from)) = retry.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                pattern = after_star.clone();
                text = from.clone();
                retry = Some((after_star, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn obvious(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| obvious(rest, &text[skip..])),
            Some((wanted, rest)) => {
                text.first().is_some_and(|c| *wanted == '?' || wanted == c) && obvious(rest, &text[1..])
            }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_obvious_recursion(pattern in "[ab*?]{0,7}", text in "[abé]{0,8}") {
            let (p, t): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(glob_matches(&pattern, &text), obvious(&p, &t));
        }
    }
}
