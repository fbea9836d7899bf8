//! Where in S3 a summary goes, and how it is encrypted there.

use super::endpoint::Endpoint;
use crate::DeliveryError;
use crate::aws_partition::AwsPartition;
use crate::text::excerpt_short;

const ONE_ENCRYPTION: &str = "name a KMS key or the encryption AES256, not both";

/// Whether a text is a valid name of a bucket.
fn is_bucket(name: &str) -> bool {
    let in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.chars().all(in_name)
        && name.starts_with(is_alphanumeric)
        && name.ends_with(is_alphanumeric)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

/// Whether a text is a valid name of a region, which becomes part of hosts and signatures.
pub(crate) fn is_region(name: &str) -> bool {
    let in_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=40).contains(&name.len())
        && name.chars().all(in_region)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
}

/// Where in S3 a summary goes. Nothing here is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Settings {
    /// The bucket's name.
    pub bucket: String,
    /// The prefix of every key, without a slash at either end; empty for the whole bucket.
    pub path: String,
    /// The bucket's region; requests are signed for it, and STS is the one there.
    pub region: String,
    /// A server other than AWS, as scheme and host.
    pub endpoint: Option<String>,
    /// The KMS key that encrypts objects; without it, the bucket's default encryption applies.
    pub kms_key_id: Option<String>,
    /// The encryption that puts ask for where no KMS key is named.
    pub encryption: Option<Encryption>,
    /// The account that must own the bucket.
    pub bucket_owner: Option<String>,
}

/// An encryption at rest that puts ask for, as `x-amz-server-side-encryption`. Some bucket policies refuse puts that
/// ask for none, although the bucket encrypts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// With keys that S3 manages (SSE-S3).
    Aes256,
}

impl Encryption {
    /// Returns the name in the header, the API and the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
        }
    }
}

impl std::str::FromStr for Encryption {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::Aes256.as_str() {
            return Ok(Self::Aes256);
        }
        let hint = if text.starts_with("aws:kms") { "; for KMS, name the key" } else { "" };
        Err(format!("there is no encryption `{text}`; the only one is AES256{hint}"))
    }
}

impl S3Settings {
    /// Creates settings for a bucket and a path, validated as far as that is possible without a call.
    ///
    /// # Errors
    /// When a name is invalid; the message says what to write.
    pub fn new(bucket: &str, path: &str, region: &str) -> Result<Self, DeliveryError> {
        let wrong = |message: String| Err(DeliveryError::Configuration { message });
        if !is_bucket(bucket) {
            return wrong(format!(
                "`{}` is no name of a bucket; it has 3 to 63 lower-case letters, digits, dots and hyphens, begins and \
                 ends with a letter or digit, and is no IP address",
                excerpt_short(bucket)
            ));
        }
        let path = path.trim_matches('/');
        if path.split('/').any(|part| matches!(part, "." | ".."))
            || path.contains("//")
            || path.chars().any(char::is_control)
            || path.len() > 512
        {
            return wrong(format!(
                "the path `{}` is no prefix of keys; write words with single slashes between",
                excerpt_short(path)
            ));
        }
        if !is_region(region) {
            return wrong(format!(
                "`{}` is no region; write one such as eu-central-1",
                excerpt_short(region)
            ));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            path: path.to_owned(),
            region: region.to_owned(),
            endpoint: None,
            kms_key_id: None,
            encryption: None,
            bucket_owner: None,
        })
    }

    /// Sets the server, the key and the owner, each validated.
    ///
    /// # Errors
    /// When one of them is invalid.
    pub fn with(
        mut self,
        endpoint: Option<&str>,
        kms_key_id: Option<&str>,
        bucket_owner: Option<&str>,
    ) -> Result<Self, DeliveryError> {
        let wrong = |message: String| Err(DeliveryError::Configuration { message });
        if let Some(endpoint) = endpoint {
            Endpoint::parse(endpoint)?;
        }
        if bucket_owner.is_some_and(|owner| owner.len() != 12 || !owner.bytes().all(|b| b.is_ascii_digit())) {
            return wrong("the bucket's owner is an account's id of 12 digits".to_owned());
        }
        if let Some(key) = kms_key_id {
            self.check_kms_key(key, endpoint, bucket_owner)?;
        }
        self.endpoint = endpoint.map(str::to_owned);
        self.kms_key_id = kms_key_id.map(str::to_owned);
        self.bucket_owner = bucket_owner.map(str::to_owned);
        Ok(self)
    }

    fn check_kms_key(
        &self,
        key: &str,
        endpoint: Option<&str>,
        bucket_owner: Option<&str>,
    ) -> Result<(), DeliveryError> {
        let wrong = |message: String| Err(DeliveryError::Configuration { message });
        if self.encryption.is_some() {
            return wrong(ONE_ENCRYPTION.to_owned());
        }
        // It is sent in a header.
        if key.is_empty() || key.len() > 2048 || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong(
                "the KMS key is empty, too long, or has blanks or other characters that no key has"
                    .to_owned(),
            );
        }
        let is_managed = key == "alias/aws/s3" || key.ends_with(":alias/aws/s3");
        if is_managed && bucket_owner.is_some() {
            return wrong(
                "alias/aws/s3 is every account's own key and cannot encrypt for a bucket of another; \
                 name a key of the bucket's account by its ARN, or none"
                    .to_owned(),
            );
        }
        let partition = AwsPartition::from_region(&self.region).name;
        if !key.starts_with("arn:") {
            return match bucket_owner {
                None => Ok(()),
                Some(owner) => wrong(format!(
                    "`{key}` would be looked up in the account that puts; name a key of the bucket's account by its \
                     ARN, arn:{partition}:kms:{}:{owner}:key/…",
                    self.region
                )),
            };
        }
        let parts: Vec<_> = key.splitn(6, ':').collect();
        if parts.len() < 5 || parts[3] != self.region {
            return wrong(format!(
                "`{key}` is no key of the region {}; a key serves buckets of its own",
                self.region
            ));
        }
        // Stores other than AWS may have partitions of their own.
        if endpoint.is_none() && parts[1] != partition {
            return wrong(format!(
                "`{key}` is a key of the partition {}; the region {} belongs to {partition}",
                parts[1], self.region
            ));
        }
        Ok(())
    }

    /// Sets the encryption that puts ask for.
    ///
    /// # Errors
    /// When a KMS key is set, too.
    pub fn with_encryption(mut self, encryption: Option<Encryption>) -> Result<Self, DeliveryError> {
        if encryption.is_some() && self.kms_key_id.is_some() {
            return Err(DeliveryError::Configuration { message: ONE_ENCRYPTION.to_owned() });
        }
        self.encryption = encryption;
        Ok(self)
    }

    /// Returns the bucket and path as an address.
    #[must_use]
    pub fn url(&self) -> String {
        let slash = if self.path.is_empty() { "" } else { "/" };
        format!("s3://{}{slash}{}", self.bucket, self.path)
    }

    /// Returns the key in the bucket of a key that is relative to the destination.
    pub(crate) fn full_key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}/{key}", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kms_key_belongs_to_the_region_and_its_partition() {
        let check = |region: &str, key: &str, endpoint: Option<&str>| {
            let settings = S3Settings::new("acme-audit", "", region).unwrap();
            settings.with(endpoint, Some(key), None).map_err(|error| error.problem())
        };
        for (region, key) in [
            ("eu-central-1", "arn:aws:kms:eu-central-1:111122223333:key/1"),
            ("cn-north-1", "arn:aws-cn:kms:cn-north-1:111122223333:alias/x"),
            ("eusc-de-east-1", "arn:aws-eusc:kms:eusc-de-east-1:111122223333:key/1"),
            ("us-iso-east-1", "arn:aws-iso:kms:us-iso-east-1:111122223333:key/1"),
            ("eu-central-1", "alias/own"),
        ] {
            assert!(check(region, key, None).is_ok(), "{key}");
        }
        let other = check("cn-north-1", "arn:aws:kms:cn-north-1:111122223333:key/1", None).unwrap_err();
        assert!(other.contains("partition aws;") && other.contains("aws-cn"), "{other}");
        assert!(check("cn-north-1", "arn:own:kms:cn-north-1:1:key/1", Some("http://localhost:9000")).is_ok());
        assert!(check("eu-central-1", "arn:aws:kms:eu-west-1:111122223333:key/1", None).is_err());
    }
}
