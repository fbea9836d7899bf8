//! Where S3 and STS are, and how a bucket is addressed there.
//!
//! On AWS the bucket is part of the host, elsewhere the first part of the path: the one form that every server
//! understands. STS is the one of the region that was configured, never another; a server that is not AWS is
//! asked itself, so that its keys go nowhere else.

use std::net::Ipv6Addr;

use crate::answer::quoted_short;
use crate::{DeliveryError, Environment};

/// An address: scheme and host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: String,
    /// Host, and port where one was given.
    host: String,
}

impl Endpoint {
    /// Reads `https://host:port`; a path is refused, since signatures of servers behind one do not agree.
    pub(crate) fn parse(url: &str) -> Result<Self, DeliveryError> {
        let wrong = || {
            // What stands before an @ may be a password.
            let shown = url.rsplit('@').next().unwrap_or_default();
            let hidden = if shown.len() < url.len() { "…@" } else { "" };
            DeliveryError::Configuration {
                message: format!(
                    "`{hidden}{}` is no endpoint; write scheme and host, such as https://s3.example.com:9000",
                    quoted_short(shown)
                ),
            }
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
        let host = rest.trim_end_matches('/');
        if !matches!(scheme, "http" | "https") || !is_authority(host) {
            return Err(wrong());
        }
        // A port that is the scheme's own is not part of the `Host` header, and so not of the signature.
        let own_port = if scheme == "https" { ":443" } else { ":80" };
        let host = host.strip_suffix(own_port).unwrap_or(host).to_ascii_lowercase();
        Ok(Self { scheme: scheme.to_owned(), host })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The address of a path, both encoded.
    pub(crate) fn url(&self, path: &str, query: &str) -> String {
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}://{}{path}{mark}{query}", self.scheme, self.host)
    }

    fn of_aws(host: String) -> Self {
        Self { scheme: "https".to_owned(), host }
    }

    fn is_aws(&self) -> bool {
        let name = self.host.split(':').next().unwrap_or_default();
        name.ends_with(".amazonaws.com") || name.ends_with(".amazonaws.com.cn")
    }
}

/// Whether a text is a host, or a host and a port.
fn is_authority(text: &str) -> bool {
    let (is_host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            let port = if rest.is_empty() { Some(None) } else { rest.strip_prefix(':').map(Some) };
            let Some(port) = port else { return false };
            (address.parse::<Ipv6Addr>().is_ok(), port)
        }
        None => {
            let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
            (name.len() <= 253 && name.split('.').all(is_label), port)
        }
    };
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    is_host && port.is_none_or(is_port)
}

/// Whether a text is a part of a host's name.
fn is_label(text: &str) -> bool {
    let in_label = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=63).contains(&text.len())
        && text.chars().all(in_label)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Where a bucket is, and the path that its keys begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketAddress {
    pub(crate) endpoint: Endpoint,
    /// `/` or `/bucket/`.
    pub(crate) path: String,
}

/// The endpoints that a configuration and an environment name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoints {
    s3: Option<Endpoint>,
    pub(crate) sts: Endpoint,
}

impl Endpoints {
    pub(crate) fn new(
        configured: Option<&str>,
        region: &str,
        environment: &Environment,
    ) -> Result<Self, DeliveryError> {
        let general = environment.get("AWS_ENDPOINT_URL");
        let s3 = configured.or_else(|| environment.get("AWS_ENDPOINT_URL_S3")).or(general);
        let s3 = s3.map(Endpoint::parse).transpose()?;
        let sts = match environment.get("AWS_ENDPOINT_URL_STS").or(general) {
            Some(url) => Endpoint::parse(url)?,
            None => match s3.clone().filter(|s3| !s3.is_aws()) {
                Some(other) => other,
                None => Endpoint::of_aws(format!("sts.{region}.{}", aws_domain(region))),
            },
        };
        Ok(Self { s3, sts })
    }

    /// Whether S3 is a server that is not AWS.
    pub(crate) fn is_compatible_store(&self) -> bool {
        self.s3.as_ref().is_some_and(|s3| !s3.is_aws())
    }

    /// How a bucket is addressed. A name with a dot in it does not fit the certificates of AWS as a host.
    pub(crate) fn bucket(&self, bucket: &str, region: &str) -> BucketAddress {
        let in_path = format!("/{bucket}/");
        match &self.s3 {
            Some(endpoint) => BucketAddress { endpoint: endpoint.clone(), path: in_path },
            None => {
                let host = format!("s3.{region}.{}", aws_domain(region));
                if bucket.contains('.') {
                    return BucketAddress { endpoint: Endpoint::of_aws(host), path: in_path };
                }
                BucketAddress { endpoint: Endpoint::of_aws(format!("{bucket}.{host}")), path: "/".to_owned() }
            }
        }
    }
}

/// The domain of AWS in a region's partition.
pub(crate) fn aws_domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

/// The partition in ARNs of a region.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(
        configured: Option<&str>,
        environment: &[(&str, &str)],
        region: &str,
        bucket: &str,
    ) -> (String, String) {
        let environment = Environment::of(environment.iter().copied());
        let endpoints = Endpoints::new(configured, region, &environment).unwrap();
        let address = endpoints.bucket(bucket, region);
        (address.endpoint.url(&format!("{}k", address.path), ""), endpoints.sts.url("/", ""))
    }

    #[test]
    fn aws_has_the_bucket_in_the_host_and_sts_in_the_region() {
        let (s3, sts) = url(None, &[], "eu-central-1", "acme");
        assert_eq!(s3, "https://acme.s3.eu-central-1.amazonaws.com/k");
        assert_eq!(sts, "https://sts.eu-central-1.amazonaws.com/");
        let (s3, sts) = url(None, &[], "cn-north-1", "a.b");
        assert_eq!(s3, "https://s3.cn-north-1.amazonaws.com.cn/a.b/k");
        assert_eq!(sts, "https://sts.cn-north-1.amazonaws.com.cn/");
    }

    #[test]
    fn other_servers_have_it_in_the_path_and_are_asked_for_roles_themselves() {
        let (s3, sts) = url(Some("http://127.0.0.1:9000/"), &[], "eu-central-1", "acme");
        assert_eq!((s3.as_str(), sts.as_str()), ("http://127.0.0.1:9000/acme/k", "http://127.0.0.1:9000/"));
        let named =
            [("AWS_ENDPOINT_URL_S3", "https://s3.test"), ("AWS_ENDPOINT_URL_STS", "https://sts.test:443")];
        let (s3, sts) = url(None, &named, "r", "acme");
        assert_eq!((s3.as_str(), sts.as_str()), ("https://s3.test/acme/k", "https://sts.test/"));
        let (s3, sts) = url(None, &[("AWS_ENDPOINT_URL", "https://all.test")], "r", "acme");
        assert_eq!((s3.as_str(), sts.as_str()), ("https://all.test/acme/k", "https://all.test/"));
        // An endpoint in a private network of AWS is AWS.
        let (_, sts) =
            url(Some("https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com"), &[], "eu-west-1", "acme");
        assert_eq!(sts, "https://sts.eu-west-1.amazonaws.com/");
    }

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
