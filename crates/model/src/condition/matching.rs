//! The comparisons of the language. Both are case-sensitive and compare whole dotted parts, so `acme.f` is no ancestor
//! of `acme.fin`.

/// Whether a value of a user satisfies the value in an `@hasAttribute`: it is equal, or `*`, or ends in
/// `.*` and the rest is a proper dotted ancestor of `wanted`.
///
/// ```
/// use domesday_model::condition::value_matches;
///
/// assert!(value_matches("acme.*", "acme.fin"));
/// assert!(!value_matches("acme.*", "acme"));
/// ```
pub fn value_matches(held: &str, wanted: &str) -> bool {
    held == wanted
        || held == "*"
        || held.strip_suffix(".*").is_some_and(|ancestor| is_proper_ancestor(ancestor, wanted))
}

/// Whether a dotted name is `ancestor` or below it: `PII` reaches `PII.Contact`, not `PIIs`.
pub fn is_same_or_ancestor(ancestor: &str, name: &str) -> bool {
    ancestor == name || is_proper_ancestor(ancestor, name)
}

fn is_proper_ancestor(ancestor: &str, name: &str) -> bool {
    name.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_values_and_what_they_reach() {
        let table = [
            ("acme", "acme", true),
            ("acme", "acme.fin", false),
            ("acme", "Acme", false),
            ("*", "acme", true),
            ("*", "", true),
            ("acme.*", "acme", false),
            ("acme.*", "acme.", true),
            ("acme.*", "acme.fin", true),
            ("acme.*", "acme.fin.gl", true),
            ("acme.*", "acme.*", true),
            ("acme.*", "acme.fin.*", true),
            ("acme.*", "acmeX.fin", false),
            ("acme.*", "Acme.fin", false),
            ("acme.fin.*", "acme.fin", false),
            ("acme.fin.*", "acme.fin.*", true),
            ("acme.fin.*", "acme.*", false),
            ("acme*", "acme.fin", false),
            ("ac*e", "acme", false),
            ("*.fin", "acme.fin", false),
            ("", "acme", false),
            (".*", "acme", false),
            ("é.*", "é.à", true),
        ];
        for (held, wanted, expected) in table {
            assert_eq!(value_matches(held, wanted), expected, "{held:?} against {wanted:?}");
        }
    }

    #[test]
    fn ancestors_are_whole_dotted_parts() {
        let table = [
            ("PII", "PII", true),
            ("PII", "PII.Contact", true),
            ("PII", "PII.Contact.Email", true),
            ("PII.Contact", "PII.Contact.Email", true),
            ("PII.Contact", "PII", false),
            ("PII", "PIIs", false),
            ("PII", "pii.Contact", false),
            ("PII.", "PII.Contact", false),
            ("PII.*", "PII.Contact", false),
            ("", "PII", false),
        ];
        for (ancestor, name, expected) in table {
            assert_eq!(is_same_or_ancestor(ancestor, name), expected, "{ancestor:?} above {name:?}");
        }
    }
}
