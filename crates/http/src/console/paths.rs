//! The addresses of single pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is not encoded in a segment of a path (RFC 3986, section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The page that asks for access to a data source.
pub(super) const ASK: &str = "/console/ask";

fn segment(name: &str) -> String {
    match name {
        // Browsers take these for parts of the path.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        name => utf8_percent_encode(name, UNRESERVED).to_string(),
    }
}

/// The page of an object by its name, below the list of its kind.
pub(super) fn named_path(list: &str, name: &str) -> String {
    format!("{list}/{}", segment(name))
}

/// The page of a request.
pub(super) fn request_path(id: &str) -> String {
    format!("/console/requests/{}", segment(id))
}

/// The page of a data product.
pub(super) fn product_path(id: i64) -> String {
    format!("/console/products/{id}")
}

/// The page of a domain.
pub(super) fn domain_path(name: &str) -> String {
    format!("/console/domains/{}", segment(name))
}

/// Returns an address with a query; empty values are left out.
pub(super) fn with_query<'f>(path: &str, fields: impl IntoIterator<Item = (&'f str, &'f str)>) -> String {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let fields: Vec<_> =
        fields.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, UNRESERVED))).collect();
    if fields.is_empty() { path.to_owned() } else { format!("{path}?{}", fields.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_in_paths_and_queries() {
        assert_eq!(request_path("REQ-1/ä?"), "/console/requests/REQ-1%2F%C3%A4%3F");
        assert_eq!(domain_path(".."), "/console/domains/%2E%2E");
        assert_eq!(with_query("/x", [("a", ""), ("b", "1&2")]), "/x?b=1%262");
        assert_eq!(with_query("/x", [("a", "")]), "/x");
    }
}
