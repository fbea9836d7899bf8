//! From a text to the address of a destination: a directory, or a bucket and a path.

use std::path::PathBuf;

use domesday_model::{has_url_query, url_scheme};

use crate::DeliveryError;

/// Where a destination is, as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationAddress {
    /// A directory.
    Directory(PathBuf),
    /// A prefix of an S3 bucket.
    Bucket {
        /// The bucket.
        bucket: String,
        /// The path in it; empty for all of it.
        path: String,
    },
}

impl DestinationAddress {
    /// Reads a path, `file:///PATH` or `s3://BUCKET/PATH`. Every character of a path stands for itself: `%20` is
    /// not decoded.
    ///
    /// ```
    /// use domesday_delivery::DestinationAddress;
    ///
    /// assert!(matches!(DestinationAddress::parse("./out"), Ok(DestinationAddress::Directory(_))));
    /// assert!(DestinationAddress::parse("s3://acme-audit/access").is_ok());
    /// assert!(DestinationAddress::parse("s3:/acme-audit/access").is_err());
    /// ```
    ///
    /// # Errors
    /// When the text looks like a URL and is none that is supported. Nothing between the scheme and the path is
    /// repeated, since it may contain a password.
    pub fn parse(text: &str) -> Result<Self, DeliveryError> {
        if text.trim().is_empty() {
            return wrong("the destination is empty; write a directory such as ./out, or s3://BUCKET/PATH");
        }
        let Some(scheme) = url_scheme(text) else { return Ok(Self::Directory(text.into())) };
        if let Some(address) = text.strip_prefix("s3://") {
            return bucket(address);
        }
        if let Some(path) = text.strip_prefix("file://") {
            return directory(path);
        }
        let hint = match scheme.trim().to_ascii_lowercase().as_str() {
            "s3" | "s3a" | "s3n" => "write s3://BUCKET/PATH",
            "file" => "write file:///PATH with an absolute path, or a plain path",
            "http" | "https" => "write s3://BUCKET/PATH, and name the server with --endpoint",
            _ => {
                "write a directory, file:///PATH or s3://BUCKET/PATH; a directory whose name contains `:` is \
                 written ./NAME"
            }
        };
        wrong(&format!("`{scheme}:` looks like a URL and is no destination that is supported; {hint}"))
    }
}

fn bucket(address: &str) -> Result<DestinationAddress, DeliveryError> {
    let (bucket, path) = address.split_once('/').unwrap_or((address, ""));
    if bucket.is_empty() {
        return wrong("the URL names no bucket; write s3://BUCKET/PATH");
    }
    if bucket.contains('@') {
        return wrong(
            "the URL contains a user; write s3://BUCKET/PATH, and set credentials in the environment or the \
             files of the AWS tools",
        );
    }
    if bucket.contains(':') {
        return wrong("the URL contains a port; write s3://BUCKET/PATH, and name the server with --endpoint");
    }
    if has_url_query(address) {
        return wrong(
            "the URL ends in a query; write s3://BUCKET/PATH, and settings such as the region as options",
        );
    }
    if address.contains('#') {
        return wrong("the URL contains a fragment, the part after `#`; write s3://BUCKET/PATH");
    }
    if path.starts_with('/') || path.contains("//") {
        return wrong("the path in the bucket contains an empty part; write single slashes");
    }
    Ok(DestinationAddress::Bucket { bucket: bucket.to_owned(), path: path.to_owned() })
}

fn directory(path: &str) -> Result<DestinationAddress, DeliveryError> {
    if !path.starts_with('/') || path.starts_with("//") {
        return wrong("the file URL has no absolute path; write file:///srv/summary, or a plain path");
    }
    // In a file URL each of them would mean something else than itself.
    if let Some(special) = path.chars().find(|c| "%?#".contains(*c)) {
        return wrong(&format!("the file URL contains `{special}`; write the plain path"));
    }
    Ok(DestinationAddress::Directory(path.into()))
}

fn wrong(message: &str) -> Result<DestinationAddress, DeliveryError> {
    Err(DeliveryError::Configuration { message: message.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let bucket = |path: &str| DestinationAddress::Bucket { bucket: "acme".into(), path: path.into() };
        for (text, path) in [
            ("s3://acme", ""),
            ("s3://acme/", ""),
            ("s3://acme/a/b", "a/b"),
            ("s3://acme/it's 100% [new]?", "it's 100% [new]?"),
            ("s3://acme/a%20b", "a%20b"),
        ] {
            assert_eq!(DestinationAddress::parse(text).unwrap(), bucket(path), "{text}");
        }
        for (text, path) in [
            ("out", "out"),
            ("./a:b", "./a:b"),
            ("file:///srv/a b", "/srv/a b"),
            ("/srv/s3:/x", "/srv/s3:/x"),
        ] {
            assert_eq!(DestinationAddress::parse(text).unwrap(), DestinationAddress::Directory(path.into()));
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
            let error = DestinationAddress::parse(text).expect_err(text).to_string();
            assert!(!error.contains("secret"), "{error}");
        }
        let error = DestinationAddress::parse("https://h/acme").unwrap_err().to_string();
        assert!(error.contains("--endpoint"), "{error}");
        let error = DestinationAddress::parse("a:b").unwrap_err().to_string();
        assert!(error.contains("./NAME"), "{error}");
    }
}
