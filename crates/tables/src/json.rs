//! JSON inside String fields: arrays and objects without whitespace.

use std::fmt::Display;

/// Formats an array of strings.
pub(crate) fn strings<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    array(items.into_iter().map(quoted))
}

/// Formats an array of numbers.
pub(crate) fn numbers(items: impl IntoIterator<Item = i64>) -> String {
    array(items)
}

/// Formats an object of arrays of strings, from pairs of key and value in which equal keys are adjacent.
pub(crate) fn multimap<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::from("{");
    let mut open: Option<&str> = None;
    for (key, value) in pairs {
        match open {
            Some(same) if same == key => text.push(','),
            before => {
                text.push_str(if before.is_some() { "]," } else { "" });
                text.push_str(&quoted(key));
                text.push_str(":[");
                open = Some(key);
            }
        }
        text.push_str(&quoted(value));
    }
    text.push_str(if open.is_some() { "]}" } else { "}" });
    text
}

fn array(items: impl IntoIterator<Item = impl Display>) -> String {
    let mut text = String::from("[");
    for (position, item) in items.into_iter().enumerate() {
        let separator = if position > 0 { "," } else { "" };
        text.push_str(&format!("{separator}{item}"));
    }
    text.push(']');
    text
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays() {
        assert_eq!(strings([]), "[]");
        assert_eq!(strings(["a", "say \"b\"", "ü\n"]), r#"["a","say \"b\"","ü\n"]"#);
        assert_eq!(numbers([1, -2, 30]), "[1,-2,30]");
    }

    #[test]
    fn objects_of_arrays() {
        assert_eq!(multimap([]), "{}");
        assert_eq!(multimap([("a", "1"), ("a", "2"), ("b", "\"")]), r#"{"a":["1","2"],"b":["\""]}"#);
    }
}
