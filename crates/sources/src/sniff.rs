//! Detects files that look like part of a catalog, among those that are not read or cannot be parsed.

use domesday_model::Kind;

/// Whether bytes contain a key of the catalog format where a top-level key would be: at the beginning of a line, or after
/// `{` or `,`.
pub(crate) fn looks_like_catalog(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    text.lines().any(|line| has_key(line) && !line.starts_with([' ', '\t']))
        || text.trim_start().starts_with('{') && text.split(['{', ',']).any(|part| has_key(part.trim_start()))
}

/// Whether a text begins with a key of the catalog format and `:`.
fn has_key(text: &str) -> bool {
    let text = text.strip_prefix(['"', '\'']).unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (key, rest) = text.split_at(end);
    let rest = rest.strip_prefix(['"', '\'']).unwrap_or(rest);
    Kind::of_key(key).is_some() && rest.trim_start().starts_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_top_level_keys_of_a_catalog_are_found() {
        for text in [
            "users: []",
            "# x\npolicies :\n- name: a",
            "\u{feff}tenant: {}",
            "{\"users\": []}",
            "{ \"a\": 1,\n \"dataPolicies\" : []",
            "'groups': []",
            "{users: []}",
            "a: [\nusers:\n",
        ] {
            assert!(looks_like_catalog(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "a:\n  users: []",
            "Users: []",
            "users",
            "see users: all",
            "{\"a\": \"users\"}",
            "- users: []",
        ] {
            assert!(!looks_like_catalog(text.as_bytes()), "{text}");
        }
    }
}
