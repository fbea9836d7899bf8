//! What a service said when it refused, made fit for messages and logs.

use std::fmt;

/// The longest text of a service that is quoted, in characters.
const MAX_QUOTED_CHARS: usize = 500;

/// What a service said when it refused. Every text is one line of bounded length without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// `S3`, `STS` or another service.
    pub service: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Its own code, such as `AccessDenied`; empty when it gave none.
    pub code: String,
    /// Its own message.
    pub message: String,
    /// The id of the request, for whoever operates the service.
    pub request_id: String,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answers {}", self.service, self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message.trim_end_matches('.'))?;
        }
        if !self.request_id.is_empty() {
            write!(f, "; request id {}", self.request_id)?;
        }
        Ok(())
    }
}

/// A service's text on one line, of bounded length and without characters that a terminal or a log acts upon.
pub(crate) fn quoted(text: &str) -> String {
    quoted_up_to(text, MAX_QUOTED_CHARS)
}

/// The same for texts that are short by nature, such as codes and ids.
pub(crate) fn quoted_short(text: &str) -> String {
    quoted_up_to(text, 128)
}

fn quoted_up_to(text: &str, max: usize) -> String {
    let mut quoted = String::new();
    let mut is_gap = false;
    let mut count = 0;
    for c in text.trim_start().chars() {
        if c.is_whitespace() {
            is_gap = true;
            continue;
        }
        if c.is_control() || is_invisible(c) {
            continue;
        }
        if count >= max {
            quoted.push('…');
            break;
        }
        if std::mem::take(&mut is_gap) {
            quoted.push(' ');
        }
        quoted.push(c);
        count += 1;
    }
    quoted
}

/// Characters that show nothing, or change the direction of what follows.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_are_one_bounded_line_without_control_characters() {
        assert_eq!(quoted(" a \r\n\t b\u{1b}[31mred\u{0}\u{202e}x\u{9b} "), "a b[31mredx");
        let long = quoted(&"é".repeat(1_000_000));
        assert_eq!(long.chars().count(), MAX_QUOTED_CHARS + 1);
        assert!(long.ends_with('…'));
        assert_eq!(quoted_short(&"x ".repeat(500)).chars().filter(|c| *c == 'x').count(), 128);
    }
}
