//! The kinds of destination, a folder for each.

pub(crate) mod local;
pub(crate) mod s3;

#[cfg(test)]
mod conformance;

use std::sync::Arc;

use domesday_model::url_scheme;

use crate::{DeliveryError, DestinationConfig, DestinationKind, DestinationOptions, Environment};

/// Every kind. A new one is a folder beside these and a line here.
const KINDS: [&dyn DestinationKind; 2] = [&s3::S3Kind, &local::LocalKind];

/// Makes a destination of an address: a path, `file:///PATH` or `s3://BUCKET/PATH`. Every character of a path stands
/// for itself: `%20` is not decoded.
///
/// ```
/// use domesday_delivery::{DestinationOptions, Environment, configure_destination};
///
/// let configure = |address, options: &DestinationOptions| {
///     configure_destination(address, options, &Environment::default())
/// };
/// let region = DestinationOptions::default().with("region", Some("eu-central-1"));
/// assert!(configure("./out", &DestinationOptions::default()).is_ok());
/// assert!(configure("s3://acme-audit/access", &region).is_ok());
/// assert!(configure("s3:/acme-audit/access", &region).is_err());
/// ```
///
/// # Errors
/// When the address looks like a URL that is not supported, or an option is invalid. Nothing between the scheme and the
/// path is repeated, since it may contain a password.
pub fn configure_destination(
    address: &str,
    options: &DestinationOptions,
    environment: &Environment,
) -> Result<Arc<dyn DestinationConfig>, DeliveryError> {
    let wrong = |message: String| Err(DeliveryError::Configuration { message });
    if address.trim().is_empty() {
        return wrong(
            "the destination is empty; write a directory such as ./out, or s3://BUCKET/PATH".to_owned(),
        );
    }
    if let Some(kind) = KINDS.into_iter().find(|kind| kind.has_address(address)) {
        return kind.configure(address, options, environment);
    }
    let scheme = url_scheme(address).unwrap_or_default();
    let lower = scheme.trim().to_ascii_lowercase();
    let hint = KINDS.into_iter().find_map(|kind| kind.hint(&lower)).unwrap_or(
        "write a directory, file:///PATH or s3://BUCKET/PATH; a directory whose name contains `:` is written ./NAME",
    );
    wrong(format!("`{scheme}:` looks like a URL and is no destination that is supported; {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configure(address: &str) -> Result<String, String> {
        let options = DestinationOptions::default();
        let environment = Environment::from_variables([("AWS_REGION", "eu-central-1")]);
        let configured = configure_destination(address, &options, &environment);
        configured.map(|destination| destination.address()).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_paths_and_urls() {
        for (address, expected) in [
            ("out", "out"),
            ("./a:b", "./a:b"),
            ("file:///srv/a b", "/srv/a b"),
            ("/srv/s3:/x", "/srv/s3:/x"),
            ("s3://acme-audit/a/b", "s3://acme-audit/a/b"),
        ] {
            assert_eq!(configure(address).as_deref(), Ok(expected), "{address}");
        }
    }

    #[test]
    fn what_looks_like_a_url_and_is_none_is_refused() {
        for text in [
            "",
            " ",
            "s3:",
            "s3:/",
            "s3:/acme/x",
            "s3:acme",
            "s3//acme/x",
            "S3://acme",
            "s3a://acme",
            " s3://acme",
            "s3 ://acme",
            "s3:\\\\acme",
            "s3://",
            "s3:///x",
            "s3://acme//x",
            "s3://acme/x//y",
            "s3://u:secret@acme/x",
            "s3://acme:9000/x",
            "s3://acme/x?region=eu",
            "s3://acme/x#y",
            "gs://acme",
            "az://acme",
            "hdfs://h/x",
            "https://acme.s3.amazonaws.com/x",
            "http:/h",
            "ftp://h",
            "file:out",
            "file:/srv/x",
            "file://host/x",
            "file:////srv/x",
            "FILE:///srv/x",
            "file:///a%20b",
            "file:///a?b",
            "a:b",
            "unknown:x",
            "://x",
        ] {
            let error = configure(text).expect_err(text);
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(configure("https://h/acme").unwrap_err().contains("--endpoint"));
        assert!(configure("a:b").unwrap_err().contains("./NAME"));
    }
}
