//! Distinguished names as texts (RFC 4514), in a form in which equal names are equal.

/// Returns the form in which two spellings of a name are the same text: types and values in lower case, without white space
/// around them and with single spaces inside, escapes resolved. `None` for a text that is not a name.
///
/// Every value is compared as a directory string that ignores case, as those of names nearly always are.
pub(super) fn normalize(dn: &str) -> Option<String> {
    let mut normal = String::with_capacity(dn.len());
    for rdn in split(dn.trim(), &[',', ';']) {
        // The parts of a relative name have no order.
        let mut parts = Vec::new();
        for part in split(rdn, &['+']) {
            let (kind, value) = part.split_once('=')?;
            let kind = kind.trim().to_lowercase();
            let kind = kind.trim_start_matches("oid.");
            if kind.is_empty() || !kind.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.'))
            {
                return None;
            }
            parts.push(format!("{kind}={}", escape(&fold(&unescape(value.trim_start_matches(' '))?))));
        }
        parts.sort_unstable();
        if !normal.is_empty() {
            normal.push(',');
        }
        normal.push_str(&parts.join("+"));
    }
    Some(normal).filter(|normal| !normal.is_empty())
}

/// Returns the values of the first relative name by attribute, the attribute in lower case.
pub(super) fn first_rdn(dn: &str) -> Vec<(String, String)> {
    let Some(rdn) = split(dn.trim(), &[',', ';']).into_iter().next() else { return Vec::new() };
    let parts = split(rdn, &['+']).into_iter().filter_map(|part| {
        let (kind, value) = part.split_once('=')?;
        let value = unescape(value.trim_start_matches(' '))?;
        Some((kind.trim().to_lowercase(), String::from_utf8(value).ok()?))
    });
    parts.collect()
}

/// Removes the unique identifier that a member of a `groupOfUniqueNames` may end in: `#'0101'B` (RFC 4517, section
/// 3.3.21).
pub(super) fn without_uid(value: &str) -> &str {
    let bits = value.strip_suffix("'B").and_then(|rest| rest.rsplit_once("#'"));
    match bits {
        Some((dn, bits)) if bits.bytes().all(|bit| matches!(bit, b'0' | b'1')) => dn,
        _ => value,
    }
}

/// Splits at separators that are neither escaped nor in quotes.
fn split<'d>(text: &'d str, separators: &[char]) -> Vec<&'d str> {
    let (mut parts, mut start, mut is_escaped, mut is_quoted) = (Vec::new(), 0, false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if !is_quoted && separators.contains(&character) => {
                parts.push(&text[start..at]);
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Resolves escapes, quotes and the hexadecimal form of a value. Unescaped spaces at the end are removed.
fn unescape(text: &str) -> Option<Vec<u8>> {
    if let Some(digits) = text.trim_end().strip_prefix('#') {
        return hexadecimal(digits);
    }
    let (mut value, mut kept) = (Vec::with_capacity(text.len()), 0);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = character.len_utf8();
        match character {
            '\\' => {
                let digits = rest.get(1..3).filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
                if let Some(digits) = digits {
                    value.push(u8::from_str_radix(digits, 16).ok()?);
                    rest = &rest[3..];
                } else {
                    let escaped = rest[1..].chars().next()?;
                    value.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = &rest[1 + escaped.len_utf8()..];
                }
                kept = value.len();
                continue;
            }
            '"' => {}
            _ => value.extend_from_slice(&rest.as_bytes()[..length]),
        }
        if character != ' ' {
            kept = value.len();
        }
        rest = &rest[length..];
    }
    value.truncate(kept);
    Some(value)
}

/// Returns the content of a value that is written as its BER encoding.
fn hexadecimal(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2);
    let bytes: Option<Vec<u8>> = pairs.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok()).collect();
    let bytes = bytes?;
    let (_, content) = super::ber::Reader::new(&bytes).element().ok()?;
    Some(content.to_vec())
}

/// Lower case with single spaces; bytes that are not UTF-8 stay as they are.
fn fold(value: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(value) else { return value.to_vec() };
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ").into_bytes()
}

/// Escapes what separates the parts of a name.
fn escape(value: &[u8]) -> String {
    let mut escaped = String::with_capacity(value.len());
    for part in value.utf8_chunks() {
        for character in part.valid().chars() {
            if matches!(character, ',' | ';' | '+' | '\\' | '=' | '"' | '#') {
                escaped.push('\\');
            }
            escaped.push(character);
        }
        for byte in part.invalid() {
            escaped.push_str(&format!("\\{byte:02x}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_name_are_equal() {
        let same = [
            ("uid=ada,ou=People,dc=acme", " UID = Ada , ou=people;DC=acme "),
            ("cn=a+sn=b,dc=x", "SN=B + CN=A,dc=x"),
            ("cn=Lu\\C4\\8Di\\C4\\87", "cn=Lučić"),
            ("cn=James \\\"Jim\\\" Smith\\, III", "cn=James \\22Jim\\22 smith\\2c III"),
            ("cn=\"Smith, Jim\",dc=x", "cn=smith\\, jim,dc=x"),
            ("1.3.6.1.4.1.1466.0=#04024869", "OID.1.3.6.1.4.1.1466.0=Hi"),
            ("cn=two  spaces", "cn=two spaces"),
        ];
        for (left, right) in same {
            assert_eq!(normalize(left), normalize(right), "{left}");
            assert!(normalize(left).is_some(), "{left}");
        }
        let different =
            [("cn=a\\,b", "cn=a,cn=b"), ("cn=a\\+sn\\=b", "cn=a+sn=b"), ("uid=a,dc=x", "uid=a,dc=y")];
        for (left, right) in different {
            assert_ne!(normalize(left), normalize(right), "{left}");
        }
        for wrong in ["", "ada", "=x", "cn=#zz", "c n=x", "cn=a,,dc=x", "cn=\\"] {
            assert_eq!(normalize(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_first_part_and_unique_identifiers_are_found() {
        assert_eq!(first_rdn("UID=Ada\\, B,dc=x"), [("uid".to_owned(), "Ada, B".to_owned())]);
        assert_eq!(without_uid("cn=a,dc=x#'0101'B"), "cn=a,dc=x");
        assert_eq!(without_uid("cn=a#'2'B"), "cn=a#'2'B");
        assert_eq!(without_uid("cn=a"), "cn=a");
    }

    proptest! {
        #[test]
        fn any_text_is_normalized_to_a_fixed_point(text in "[a-cA-C=,+;\\\\\"# é0-9]{0,24}") {
            if let Some(normal) = normalize(&text) {
                prop_assert_eq!(normalize(&normal), Some(normal), "{}", text);
            }
        }
    }
}
