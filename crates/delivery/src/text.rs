//! Texts of others, made fit for messages and logs.

/// The longest excerpt, in characters.
const MAX_QUOTED_CHARS: usize = 500;

/// Returns a text on one line, of bounded length and without characters that a terminal or a log acts upon.
pub(crate) fn excerpt(text: &str) -> String {
    excerpt_up_to(text, MAX_QUOTED_CHARS)
}

/// Returns the same for texts that are short by nature, such as codes and ids.
pub(crate) fn excerpt_short(text: &str) -> String {
    excerpt_up_to(text, 128)
}

fn excerpt_up_to(text: &str, max: usize) -> String {
    let mut excerpt = String::new();
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
            excerpt.push('…');
            break;
        }
        if std::mem::take(&mut is_gap) {
            excerpt.push(' ');
        }
        excerpt.push(c);
        count += 1;
    }
    excerpt
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
        assert_eq!(excerpt(" a \r\n\t b\u{1b}[31mred\u{0}\u{202e}x\u{9b} "), "a b[31mredx");
        let long = excerpt(&"é".repeat(1_000_000));
        assert_eq!(long.chars().count(), MAX_QUOTED_CHARS + 1);
        assert!(long.ends_with('…'));
        assert_eq!(excerpt_short(&"x ".repeat(500)).chars().filter(|c| *c == 'x').count(), 128);
    }
}
