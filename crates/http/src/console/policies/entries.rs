//! Lists of names in one field: separated by commas or line breaks, in quotes where a name contains one.

/// Reads the entries of a field. An entry in double quotes ends at the next quote that is not doubled.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut entries = Vec::new();
    let mut rest = text.trim_start_matches(is_separator);
    while !rest.is_empty() {
        let (entry, after) = match rest.strip_prefix('"') {
            Some(quoted) => split_quoted(quoted),
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                (rest[..end].trim_end().to_owned(), &rest[end..])
            }
        };
        entries.push(entry);
        rest = after.trim_start_matches(is_separator);
    }
    entries
}

/// Returns the entry that begins after a quote, and what follows it.
fn split_quoted(text: &str) -> (String, &str) {
    let mut entry = String::new();
    let mut rest = text;
    loop {
        let Some(end) = rest.find('"') else { return (entry + rest, "") };
        entry.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                entry.push('"');
                rest = after;
            }
            None => return (entry, rest),
        }
    }
}

fn is_separator(character: char) -> bool {
    character == ',' || character.is_whitespace()
}

/// Writes entries so that [`split`] reads them.
pub(super) fn join<'e>(entries: impl IntoIterator<Item = &'e str>) -> String {
    let quote = |entry: &str| {
        let is_plain = !entry.is_empty()
            && !entry.contains([',', '\n'])
            && !entry.starts_with('"')
            && entry.trim() == entry;
        if is_plain { entry.to_owned() } else { format!("\"{}\"", entry.replace('"', "\"\"")) }
    };
    entries.into_iter().map(quote).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_are_written() {
        let lists: [&[&str]; 6] = [
            &[],
            &["Service"],
            &["Service.Tickets", "People & Culture"],
            &["Berlin, Germany", "6\" screens", "\"quoted\"", " spaces ", ""],
            &["a\"b", "\"", ",", "\"\""],
            &["ü, ö", "\u{202e}right to left"],
        ];
        for list in lists {
            assert_eq!(split(&join(list.iter().copied())), list, "{}", join(list.iter().copied()));
        }
    }

    #[test]
    fn separators_are_commas_and_line_breaks() {
        assert_eq!(split(" a , b,,c\nd\r\n , "), ["a", "b", "c", "d"]);
        assert_eq!(split("\"not closed, b"), ["not closed, b"]);
        assert!(split(" , \n").is_empty());
    }
}
