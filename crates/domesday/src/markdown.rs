//! Texts as parts of a Markdown document.

/// A text that stands for itself, in a paragraph or a cell of a table.
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

/// The head of a table of these columns.
pub(crate) fn table_head(columns: &[&str]) -> String {
    format!("| {} |\n| {} |", columns.join(" | "), vec!["---"; columns.len()].join(" | "))
}

/// A row of a table.
pub(crate) fn table_row(cells: &[&str]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| escaped(cell)).collect();
    format!("| {} |", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_themselves() {
        assert_eq!(table_head(&["one", "two"]), "| one | two |\n| --- | --- |");
        assert_eq!(table_row(&["a|b", "*x*\n`y`"]), "| a\\|b | \\*x\\* \\`y\\` |");
    }
}
