//! The address of a server: scheme and host.

use crate::DeliveryError;
use crate::aws_partition::is_aws_host;
use crate::http::is_authority;
use crate::text::excerpt_short;

/// An address: scheme and host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: String,
    /// Host, and port where one was given.
    host: String,
}

impl Endpoint {
    /// Parses `https://host:port`; a path is refused, since signatures of servers behind one do not agree.
    pub(crate) fn parse(url: &str) -> Result<Self, DeliveryError> {
        let wrong = || {
            // What precedes an @ may be a password.
            let shown = url.rsplit('@').next().unwrap_or_default();
            let hidden = if shown.len() < url.len() { "…@" } else { "" };
            DeliveryError::Configuration {
                message: format!(
                    "`{hidden}{}` is no endpoint; write scheme and host, such as https://s3.example.com:9000",
                    excerpt_short(shown)
                ),
            }
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let host = rest.trim_end_matches('/');
        if !matches!(scheme, "http" | "https") || !is_authority(host) {
            return Err(wrong());
        }
        // The scheme's default port is not part of the `Host` header, and so not of the signature.
        let default_port = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(default_port).unwrap_or(host).to_ascii_lowercase();
        Ok(Self { scheme: scheme.to_owned(), host })
    }

    /// Creates the endpoint of a host of AWS.
    pub(super) fn from_aws_host(host: String) -> Self {
        Self { scheme: "https".to_owned(), host }
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns the address of a path, both encoded.
    pub(crate) fn url(&self, path: &str, query: &str) -> String {
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}://{}{path}{mark}{query}", self.scheme, self.host)
    }

    /// Whether the server belongs to AWS.
    pub(super) fn is_aws(&self) -> bool {
        is_aws_host(self.host.split(':').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for url in [
            "",
            "localhost:9000",
            "ftp://x",
            "https://",
            "https://host/path",
            "https://user:pw@host",
            "http://a b",
            "http://host:0",
            "http://host:65536",
            "http://host:",
            "http://host:+80",
            "http://:9000",
            "http://a..b",
            "http://.a",
            "http://-a",
            "http://[::1",
            "http://[::1]x",
            "http://[zz]:1",
            "http://a:1:2",
            "http://a\n",
            "http://h\u{f6}st",
            "http://host?x",
            "http://host#x",
        ] {
            assert!(Endpoint::parse(url).is_err(), "{url}");
        }
        let long = format!("https://{}", "a".repeat(64));
        assert!(Endpoint::parse(&long).is_err());
        let message = Endpoint::parse("https://user:planted-word@host").unwrap_err().to_string();
        assert!(!message.contains("planted-word") && message.contains("…@host"), "{message}");
        assert!(Endpoint::parse("HTTPS://x").is_err());
        assert_eq!(Endpoint::parse("https://[::1]:9000").unwrap().url("/", "a=b"), "https://[::1]:9000/?a=b");
    }
}
