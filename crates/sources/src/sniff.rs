//! Whether a file that is not read, or could not be, looks like part of a catalog.

use domesday_model::Kind;

/// Whether some bytes have a key of the catalog format where a top-level key would stand: at the beginning of a line, or
/// in quotes after `{` or `,`.
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
    fn keys_of_a_catalog_are_found_at_the_top_only() {
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
