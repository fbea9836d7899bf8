//! Reserved names, which no user and no group may have.

use crate::ALL_USERS;

/// The reserved names: they have a meaning in the audit log, the API and conditions.
const RESERVED: [&str; 6] = ["*", "administrator", "scheduler", "command line", "cli", ALL_USERS];

/// Returns the reserved name that a name is or looks like: case, repeated white space and invisible characters are
/// ignored.
///
/// ```
/// use domesday_model::reserved_name;
///
/// assert_eq!(reserved_name("Command  Line "), Some("command line"));
/// assert_eq!(reserved_name("ada"), None);
/// ```
#[must_use]
pub fn reserved_name(name: &str) -> Option<&'static str> {
    let visible: String = name.chars().filter(|c| !is_invisible(*c)).collect();
    let words: Vec<String> = visible.split_whitespace().map(str::to_lowercase).collect();
    let name = words.join(" ");
    RESERVED.into_iter().find(|reserved| reserved.to_lowercase() == name)
}

/// Whether a character is invisible and not white space.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_name_is_found_however_it_is_written() {
        for name in
            ["*", "scheduler", "Administrator", " ADMINISTRATOR\t", "command\u{a0}line", "all users", "cli"]
        {
            assert!(reserved_name(name).is_some(), "{name:?}");
        }
        for name in ["admin\u{200b}istrator", "\u{feff}scheduler", "sched\u{ad}uler"] {
            assert!(reserved_name(name).is_some(), "{name:?}");
        }
        for name in ["", "**", "administrators", "commandline", "all", "scheduler.x", "ada"] {
            assert_eq!(reserved_name(name), None, "{name:?}");
        }
    }
}
