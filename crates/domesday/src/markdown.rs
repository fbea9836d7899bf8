//! Escaping, and tables, in Markdown.

/// Escapes a text for a paragraph or a table cell.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '&' => {
                escaped.push('\\');
                escaped.push(character);
            }
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Returns the head of a table.
pub(crate) fn table_head(columns: &[&str]) -> String {
    format!("| {} |\n| {} |", columns.join(" | "), vec!["---"; columns.len()].join(" | "))
}

/// Returns a row of a table.
pub(crate) fn table_row(cells: &[&str]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| escaped(cell)).collect();
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        assert_eq!(table_head(&["one", "two"]), "| one | two |\n| --- | --- |");
        assert_eq!(table_row(&["a|b", "*x*\n`y`"]), "| a\\|b | \\*x\\* \\`y\\` |");
    }
}
