//! The operator's list of endpoints: what keeps an export's `endpoint` out of the internal network.
//!
//! Whoever may configure an export must not thereby reach services that only the operator's network can. So an
//! endpoint other than AWS's own has to be on the operator's list, compared by origin: scheme, host and port.

/// The origin of an address as `scheme://host:port`, in lower case; `None` when it is none, or more than that
/// and a slash: an origin with user names, queries or paths is not one that anybody meant.
#[must_use]
pub(crate) fn origin(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_');
    if authority.is_empty() || !authority.chars().all(plain) {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, default_port),
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() || port == 0 || (host.contains([':', '[', ']']) && !bracketed) {
        return None;
    }
    Some(format!("{scheme}://{}:{port}", host.to_ascii_lowercase()))
}

/// Whether the operator allows an endpoint.
#[must_use]
pub(crate) fn is_allowed(endpoint: &str, allowed: &[String]) -> bool {
    origin(endpoint).is_some_and(|origin| allowed.contains(&origin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        assert_eq!(origin("HTTP://Store.Example/").as_deref(), Some("http://store.example:80"));
        assert_eq!(origin("https://[::1]:9000").as_deref(), Some("https://[::1]:9000"));
        assert_eq!(origin("https://[::1]").as_deref(), Some("https://[::1]:443"));
        for text in [
            "",
            "store",
            "ftp://store",
            "http://",
            "http://u@store",
            "http://store/path",
            "http://store?x",
            "http://store:port",
            "http://store:0",
            "http://a:1:2",
            "http://store#f",
            "file:///etc/passwd",
            "http://store\\@other",
            "http://store:80@other",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_listed_is_not_allowed() {
        let allowed = [origin("http://127.0.0.1:9000").unwrap()];
        assert!(is_allowed("http://127.0.0.1:9000/", &allowed));
        for text in [
            "http://127.0.0.1:9001",
            "https://127.0.0.1:9000",
            "http://localhost:9000",
            "http://169.254.169.254",
        ] {
            assert!(!is_allowed(text, &allowed), "{text}");
        }
    }
}
