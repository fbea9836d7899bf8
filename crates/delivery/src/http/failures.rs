//! Calls without a response, classified by whether another attempt can help.

use std::fmt;
use std::io;

use crate::DeliveryError;
use crate::text::excerpt;

/// The body of a request could not be read: a fault of this machine, not of the server.
#[derive(Debug)]
pub(super) struct BodyReadFailed(pub(super) io::Error);

impl fmt::Display for BodyReadFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for BodyReadFailed {}

/// Returns scheme and host of an address; the rest of it may be confidential.
pub(super) fn host_of(url: &str) -> String {
    url.split('/').take(3).collect::<Vec<_>>().join("/")
}

/// Classifies a failure.
pub(super) fn classify(url: &str, error: ureq::Error) -> DeliveryError {
    use ureq::Error;

    let host = host_of(url);
    let unreachable = |reason: &dyn fmt::Display| DeliveryError::Unreachable {
        host: host.clone(),
        reason: excerpt(&reason.to_string()),
    };
    let configuration = |message: String| DeliveryError::Configuration { message: excerpt(&message) };
    match error {
        // The request cannot be sent because of its configuration.
        Error::Http(error) => configuration(format!(
            "the request to {host} cannot be built: {error}; a name, key or token has a character that HTTP does not \
             allow"
        )),
        Error::BadUri(error) => configuration(format!("`{host}` is no address of a server: {error}")),
        Error::InvalidProxyUrl => {
            configuration("the proxy that the environment names is no address".to_owned())
        }
        Error::Pem(error) => configuration(format!("a certificate cannot be read: {error:?}")),
        Error::RequireHttpsOnly(_) | Error::TlsRequired => {
            configuration(format!("{host} is only reached over https"))
        }
        Error::BodyExceedsLimit(bytes) => {
            configuration(format!("a file changed while it was sent: it has more than {bytes} bytes"))
        }
        // The server.
        Error::Rustls(reason) => tls(host, &reason.to_string()),
        Error::Tls(reason) => tls(host, reason),
        Error::Io(source) => io_failed(host, source),
        Error::HostNotFound => DeliveryError::HostNotFound { host },
        Error::Timeout(timeout) => unreachable(&format_args!("it took too long ({timeout})")),
        Error::ConnectionFailed | Error::BodyStalled => unreachable(&error),
        Error::ConnectProxyFailed(ref reason) => {
            // The proxy itself refuses, and would refuse again.
            if reason.split_ascii_whitespace().any(|word| word.starts_with('4') && word.contains('/')) {
                return configuration(format!("the proxy refuses the way to {host}: {reason}"));
            }
            unreachable(&error)
        }
        Error::LargeResponseHeader(_, limit) => {
            let what = format!("the head of the answer of {host} exceeds the limit of {limit} bytes");
            DeliveryError::LimitExceeded { what }
        }
        Error::TooManyRedirects | Error::RedirectFailed => configuration(format!(
            "{host} redirects, which is not followed; name the address that it leads to"
        )),
        Error::Protocol(reason) => {
            DeliveryError::InvalidResponse { host, reason: excerpt(&reason.to_string()) }
        }
        other => DeliveryError::InvalidResponse { host, reason: excerpt(&other.to_string()) },
    }
}

fn io_failed(host: String, source: io::Error) -> DeliveryError {
    if source.get_ref().is_some_and(|inner| inner.is::<BodyReadFailed>()) {
        return DeliveryError::Io { path: "the file to be sent".into(), source };
    }
    // The standard library has no error kind for it.
    let text = source.to_string();
    if text.contains("failed to lookup address information") && !text.contains("Temporary failure") {
        return DeliveryError::HostNotFound { host };
    }
    match source.kind() {
        // Errors of rustls have this kind.
        io::ErrorKind::InvalidData => tls(host, &source.to_string()),
        io::ErrorKind::InvalidInput => DeliveryError::Configuration {
            message: format!("`{host}` is no address of a server: {}", excerpt(&source.to_string())),
        },
        _ => DeliveryError::Unreachable { host, reason: excerpt(&source.to_string()) },
    }
}

/// A certificate that is not trusted is no transient error; any other failure of TLS may be one.
fn tls(host: String, reason: &str) -> DeliveryError {
    let reason = excerpt(reason);
    if reason.contains("certificate") || reason.contains("CertNotValid") || reason.contains("UnknownIssuer") {
        return DeliveryError::Untrusted { host, reason };
    }
    DeliveryError::TlsFailed { host, reason }
}

#[cfg(test)]
mod tests {
    use ureq::{Error, Timeout, http};

    use super::*;
    use crate::RetryClass;

    fn io(kind: io::ErrorKind, text: &str) -> Error {
        Error::Io(io::Error::new(kind, text.to_owned()))
    }

    /// Every kind of failure that the HTTP client has, with what becomes of it.
    #[test]
    fn failures_are_retried_only_where_that_can_help() {
        let header = http::HeaderValue::from_str("a\nb").unwrap_err();
        let method = http::Method::from_bytes(b"\n").unwrap_err();
        let uri = http::Request::builder().uri("http://a b/").body(()).unwrap_err();
        for (error, kind, retry) in [
            (Error::Http(header.into()), "configuration", RetryClass::Never),
            (Error::Http(method.into()), "configuration", RetryClass::Never),
            (Error::Http(uri), "configuration", RetryClass::Never),
            (Error::BadUri("x".into()), "configuration", RetryClass::Never),
            (Error::InvalidProxyUrl, "configuration", RetryClass::Never),
            (Error::RequireHttpsOnly("x".into()), "configuration", RetryClass::Never),
            (Error::TlsRequired, "configuration", RetryClass::Never),
            (Error::BodyExceedsLimit(7), "configuration", RetryClass::Never),
            (Error::TooManyRedirects, "configuration", RetryClass::Never),
            (Error::RedirectFailed, "configuration", RetryClass::Never),
            (Error::LargeResponseHeader(70_000, 65_536), "limit-exceeded", RetryClass::Never),
            (io(io::ErrorKind::InvalidInput, "invalid argument"), "configuration", RetryClass::Never),
            (
                io(io::ErrorKind::InvalidData, "invalid peer certificate: UnknownIssuer"),
                "untrusted",
                RetryClass::Never,
            ),
            (
                io(io::ErrorKind::InvalidData, "invalid peer certificate: certificate expired: …"),
                "untrusted",
                RetryClass::Never,
            ),
            (
                io(
                    io::ErrorKind::InvalidData,
                    "invalid peer certificate: certificate not valid for name \"x\"",
                ),
                "untrusted",
                RetryClass::Never,
            ),
            (Error::Tls("no certificate"), "untrusted", RetryClass::Never),
            (
                Error::ConnectProxyFailed("proxy server responded 407/407".into()),
                "configuration",
                RetryClass::Never,
            ),
            (Error::HostNotFound, "host-not-found", RetryClass::Few),
            (
                io(io::ErrorKind::Other, "failed to lookup address information: Name or service not known"),
                "host-not-found",
                RetryClass::Few,
            ),
            (
                io(
                    io::ErrorKind::Other,
                    "failed to lookup address information: Temporary failure in name resolution",
                ),
                "unreachable",
                RetryClass::Often,
            ),
            (Error::Tls("handshake"), "tls-failed", RetryClass::Few),
            (
                io(io::ErrorKind::InvalidData, "received corrupt message of type InvalidContentType"),
                "tls-failed",
                RetryClass::Few,
            ),
            (Error::StatusCode(500), "invalid-response", RetryClass::Few),
            (Error::Other("x".into()), "invalid-response", RetryClass::Few),
            (
                Error::ConnectProxyFailed("proxy server responded 503/503".into()),
                "unreachable",
                RetryClass::Often,
            ),
            (Error::ConnectionFailed, "unreachable", RetryClass::Often),
            (Error::BodyStalled, "unreachable", RetryClass::Often),
            (io(io::ErrorKind::ConnectionRefused, "refused"), "unreachable", RetryClass::Often),
            (io(io::ErrorKind::ConnectionReset, "reset"), "unreachable", RetryClass::Often),
            (io(io::ErrorKind::UnexpectedEof, "eof"), "unreachable", RetryClass::Often),
            (io(io::ErrorKind::NetworkUnreachable, "no route"), "unreachable", RetryClass::Often),
            (io(io::ErrorKind::TimedOut, "timed out"), "unreachable", RetryClass::Often),
            (Error::Timeout(Timeout::Global), "unreachable", RetryClass::Often),
            (Error::Timeout(Timeout::Connect), "unreachable", RetryClass::Often),
            (Error::Timeout(Timeout::PerRead), "unreachable", RetryClass::Often),
        ] {
            let text = error.to_string();
            let sorted = classify("https://h:1/p?q=secret", error);
            assert_eq!((sorted.kind(), sorted.retry_class()), (kind, retry), "{text}");
            assert!(!sorted.to_string().contains("secret"));
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_is_no_fault_of_the_server() {
        let inner = BodyReadFailed(io::Error::new(io::ErrorKind::PermissionDenied, "denied"));
        let error = classify("http://h/", io::Error::new(io::ErrorKind::PermissionDenied, inner).into());
        assert_eq!((error.kind(), error.retry_class()), ("io", RetryClass::Never));
    }

    #[test]
    fn what_a_server_says_is_quoted_within_bounds() {
        let reason = "x\u{1b}[31m".repeat(10_000);
        let text = classify("http://h/", io(io::ErrorKind::ConnectionReset, &reason)).to_string();
        assert!(text.len() < 1_000 && !text.contains('\u{1b}'), "{}", text.len());
    }
}
