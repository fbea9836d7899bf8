//! Bounds of names, texts and numbers. Files, the HTTP API and the configuration use the same constants and functions.

use std::ops::RangeInclusive;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::nearest_names;

/// The longest name, in characters. A character is at most four bytes, so every name fits an index entry of every
/// database (PostgreSQL: about 2,700 bytes).
pub const MAX_NAME_CHARS: usize = 255;

/// The longest value of an attribute, in characters.
pub const MAX_VALUE_CHARS: usize = 1_000;

/// The longest free text, such as a description, a reason or the text of an agreement, in characters. Bodies of
/// requests are bounded far below; this bounds files.
pub const MAX_TEXT_CHARS: usize = 10_000_000;

/// The longest answer to a question of a request form, and the longest reason of a decision, in characters, as a client
/// may send them.
pub const MAX_ANSWER_CHARS: usize = 10_000;

/// The longest condition, in characters of its canonical text.
pub const MAX_CONDITION_CHARS: usize = 1_000_000;

/// The longest type of a column, in characters: nested types spell out every field.
pub const MAX_TYPE_CHARS: usize = 100_000;

/// The days that an approval can be valid: up to a hundred years.
pub const DURATION_DAYS: RangeInclusive<i64> = 1..=36_500;

/// Versions of agreements and request forms.
pub const VERSIONS: RangeInclusive<i64> = 1..=2_147_483_647;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing but white space.
    #[error("expected a name, found an empty text")]
    Empty,
    /// It is longer than [`MAX_NAME_CHARS`].
    #[error("the name has {0} characters; at most {MAX_NAME_CHARS} are allowed")]
    TooLong(usize),
    /// It contains a control character, such as a line break.
    #[error("the name contains the control character U+{0:04X}; remove it")]
    Control(u32),
}

/// Checks a name of any object: a user, a group, a tag, a data source, a column, a policy and so on.
///
/// ```
/// use domesday_model::limits::check_name;
///
/// assert!(check_name("Müller & Söhne").is_ok());
/// assert!(check_name(&"x".repeat(256)).is_err());
/// assert!(check_name("two\nlines").is_err());
/// ```
///
/// # Errors
/// When the name is empty, too long, or contains a control character.
pub fn check_name(name: &str) -> Result<(), NameError> {
    if name.trim().is_empty() {
        return Err(NameError::Empty);
    }
    if let Some(count) = chars_beyond(name, MAX_NAME_CHARS) {
        return Err(NameError::TooLong(count));
    }
    match control_character(name) {
        Some(found) => Err(NameError::Control(u32::from(found))),
        None => Ok(()),
    }
}

/// Returns the first control character or line separator of a text.
pub(crate) fn control_character(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
}

/// Returns the number of characters of a text that has more than `most`.
pub(crate) fn chars_beyond(text: &str, most: usize) -> Option<usize> {
    // No text has more characters than bytes.
    if text.len() <= most {
        return None;
    }
    Some(text.chars().count()).filter(|count| *count > most)
}

/// Why a text is not a time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an IANA time zone such as Europe/Berlin, found `{found}`{}", hint(near.as_deref()))]
pub struct TimeZoneError {
    /// The text.
    pub found: String,
    /// The time zone that may have been meant.
    pub near: Option<String>,
}

fn hint(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// Returns the time zone of an IANA name, in its exact spelling. The names are those of the tz database that this program contains,
/// so that the same name is accepted on every machine.
///
/// `Factory` and `Etc/Unknown` are refused: they mean that no time zone was chosen.
///
/// # Errors
/// When the name is not one of the tz database.
pub fn time_zone(name: &str) -> Result<TimeZone, TimeZoneError> {
    let database = TimeZoneDatabase::bundled();
    let is_listed = |name: &str| {
        !name.eq_ignore_ascii_case("Factory") && database.available().any(|known| known.as_str() == name)
    };
    if is_listed(name)
        && let Ok(zone) = database.get(name)
    {
        return Ok(zone);
    }
    let names: Vec<String> = database
        .available()
        .map(|known| known.as_str().to_owned())
        .filter(|known| is_listed(known))
        .collect();
    let near = names
        .iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .map(String::as_str)
        .or_else(|| nearest_names(name, names.iter().map(String::as_str), 1).first().copied());
    Err(TimeZoneError { found: name.chars().take(MAX_NAME_CHARS).collect(), near: near.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_in_characters_and_hold_no_control_character() {
        assert_eq!(check_name(&"é".repeat(255)), Ok(()));
        assert_eq!(check_name(&"🏰".repeat(256)), Err(NameError::TooLong(256)));
        assert_eq!(check_name(" \u{a0}"), Err(NameError::Empty));
        for text in ["a\0b", "a\nb", "a\tb", "a\u{7f}", "a\u{85}b", "a\u{2028}b", "\u{1b}[31mred"] {
            assert!(matches!(check_name(text), Err(NameError::Control(_))), "{text:?}");
        }
        for text in ["a b", "ada@acme.example", "O'Brien", "名前", "a\u{200d}b", "`x`"] {
            assert_eq!(check_name(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn time_zones_are_the_names_of_the_tz_database_and_nothing_else() {
        for name in
            ["Europe/Berlin", "UTC", "Etc/UTC", "America/Argentina/Buenos_Aires", "EST5EDT", "Asia/Calcutta"]
        {
            assert!(time_zone(name).is_ok(), "{name}");
        }
        for (name, near) in [
            ("europe/berlin", Some("Europe/Berlin")),
            ("EUROPE/BERLIN", Some("Europe/Berlin")),
            ("Europe/Berlni", Some("Europe/Berlin")),
            ("utc", Some("UTC")),
            ("Etc/Unknown", None),
            ("Factory", None),
            ("factory", None),
            ("Local", None),
            ("localtime", None),
            ("posix/Europe/Berlin", Some("Europe/Berlin")),
            ("right/Europe/Berlin", Some("Europe/Berlin")),
            ("CET-1CEST,M3.5.0,M10.5.0/3", None),
            ("+02:00", None),
            ("Europe/Berlin ", Some("Europe/Berlin")),
            ("../Europe/Berlin", Some("Europe/Berlin")),
            ("", None),
        ] {
            let error = time_zone(name).expect_err(name);
            if near.is_some() {
                assert_eq!(error.near.as_deref(), near, "{name}");
            }
        }
    }
}
