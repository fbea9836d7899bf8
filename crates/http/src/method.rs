//! The HTTP methods that may become a label: a closed set, since a client can send any token as a method.

use axum::http::Method;

/// The label of every method that is not standard.
pub(crate) const OTHER: &str = "OTHER";

/// Returns the name of a standard method, else none.
pub(crate) fn standard_name(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET => Some("GET"),
        Method::HEAD => Some("HEAD"),
        Method::POST => Some("POST"),
        Method::PUT => Some("PUT"),
        Method::PATCH => Some("PATCH"),
        Method::DELETE => Some("DELETE"),
        Method::OPTIONS => Some("OPTIONS"),
        Method::CONNECT => Some("CONNECT"),
        Method::TRACE => Some("TRACE"),
        _ => None,
    }
}

/// Returns the name of a method for metrics and logs: one of ten.
pub(crate) fn label(method: &Method) -> &'static str {
    standard_name(method).unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_standard_methods_keep_their_name() {
        assert_eq!(label(&Method::PUT), "PUT");
        let long = "X".repeat(300_000);
        for other in ["get", "GETT", "PROPFIND", "QUERY", long.as_str()] {
            assert_eq!(label(&Method::from_bytes(other.as_bytes()).unwrap()), OTHER);
        }
    }
}
