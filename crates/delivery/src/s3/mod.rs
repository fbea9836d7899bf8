//! A prefix of an S3 bucket, on AWS or any server that speaks its protocol.
//!
//! Two rights are all that a delivery needs: `s3:ListBucket` under the prefix and `s3:PutObject`. Each file is one
//! `PutObject` from disk, so memory does not grow with it; several are under way at once. SHA-256 goes with each
//! as the signed digest of the body and as its checksum, and the server refuses what differs.
//!
//! [`S3Settings`] is what somebody configured; [`S3Settings::open`] makes a destination of it without a word to any
//! server, [`verify`](crate::verify()) proves that it works.

mod answers;
mod client;
pub(crate) mod credentials;
mod endpoint;
mod errors;
mod failures;
mod http;
mod listing;
mod sign;
mod times;
mod upload;

use domesday_model::Instant;

pub(crate) use client::Client;
pub use credentials::{Identity, Role, TenantName};
use credentials::{Means, RoleSession, Source};
pub(crate) use credentials::{Profiles, caller_identity};
use endpoint::{Endpoint, Endpoints};
pub(crate) use endpoint::{aws_domain, partition};
use http::Http;
pub use http::Timeouts;
use listing::{ListingLimits, Progress};

use crate::answer::quoted_short;
use crate::{
    DeliveryError, Destination, Environment, Listed, Listing, Patience, Receipt, SpooledFile, Supervision,
};

/// S3 counts the times of its listings in seconds.
const CLOCK_STEP_MICROS: i64 = 1_000_000;

const ONE_ENCRYPTION: &str = "name a KMS key or the encryption AES256, not both";

/// Whether a text can be the name of a bucket.
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

/// Whether a text can be the name of a region, which becomes part of hosts and signatures.
fn is_region(name: &str) -> bool {
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
    /// The prefix of every key, without a slash at either end; empty for the bucket's top.
    pub path: String,
    /// The bucket's region; requests are signed for it, and STS is the one there.
    pub region: String,
    /// A server other than AWS, as scheme and host.
    pub endpoint: Option<String>,
    /// The KMS key that encrypts what is put; without, the bucket's default encryption does.
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
    /// The name in the header, the API and the command line.
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
    /// Settings for a bucket and a path, checked as far as that goes without asking anybody.
    ///
    /// # Errors
    /// When a name cannot be what it stands for; the message says what is meant.
    pub fn new(bucket: &str, path: &str, region: &str) -> Result<Self, DeliveryError> {
        let wrong = |message: String| Err(DeliveryError::Configuration { message });
        if !is_bucket(bucket) {
            return wrong(format!(
                "`{}` is no name of a bucket; it has 3 to 63 lower-case letters, digits, dots and hyphens, begins and \
                 ends with a letter or digit, and is no IP address",
                quoted_short(bucket)
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
                quoted_short(path)
            ));
        }
        if !is_region(region) {
            return wrong(format!("`{}` is no region; write one such as eu-central-1", quoted_short(region)));
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

    /// The same with another server, key or owner, each checked.
    ///
    /// # Errors
    /// When one of them cannot be what it stands for.
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
            let account = key.split(':').nth(4);
            let is_managed = key == "alias/aws/s3" || key.ends_with(":alias/aws/s3");
            if is_managed && bucket_owner.is_some() {
                return wrong(
                    "alias/aws/s3 is every account's own key and cannot encrypt for a bucket of another; \
                     name a key of the bucket's account by its ARN, or none"
                        .to_owned(),
                );
            }
            let is_local = !key.starts_with("arn:");
            if is_local && bucket_owner.is_some() {
                return wrong(format!(
                    "`{key}` would be looked for in the account that puts; name a key of the bucket's account by its \
                     ARN, arn:aws:kms:{}:{}:key/…",
                    self.region,
                    bucket_owner.unwrap_or_default()
                ));
            }
            let in_region = key.split(':').nth(3);
            if !is_local && (account.is_none() || in_region != Some(self.region.as_str())) {
                return wrong(format!(
                    "`{key}` is no key of the region {}; a key serves buckets of its own",
                    self.region
                ));
            }
        }
        self.endpoint = endpoint.map(str::to_owned);
        self.kms_key_id = kms_key_id.map(str::to_owned);
        self.bucket_owner = bucket_owner.map(str::to_owned);
        Ok(self)
    }

    /// The same with puts that ask for an encryption.
    ///
    /// # Errors
    /// When a KMS key is named, too.
    pub fn with_encryption(mut self, encryption: Option<Encryption>) -> Result<Self, DeliveryError> {
        if encryption.is_some() && self.kms_key_id.is_some() {
            return Err(DeliveryError::Configuration { message: ONE_ENCRYPTION.to_owned() });
        }
        self.encryption = encryption;
        Ok(self)
    }

    /// The region that the surroundings name: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's.
    ///
    /// # Errors
    /// When the profile's file cannot be read.
    pub fn ambient_region(environment: &Environment) -> Result<Option<String>, DeliveryError> {
        let variable = environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"));
        if let Some(region) = variable {
            return Ok(Some(region.to_owned()));
        }
        Ok(Profiles::read(environment)?.region().map(str::to_owned))
    }

    /// The bucket and path as an address.
    #[must_use]
    pub fn url(&self) -> String {
        let slash = if self.path.is_empty() { "" } else { "/" };
        format!("s3://{}{slash}{}", self.bucket, self.path)
    }

    /// A key relative to the destination as it is in the bucket.
    pub(crate) fn full_key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}/{key}", self.path) }
    }

    /// A destination of a tenant's whose requests `access` signs and `supervision` watches over.
    ///
    /// # Errors
    /// When an endpoint or certificate that the surroundings name cannot be used.
    pub fn open(
        &self,
        access: Access,
        tenant: &TenantName,
        supervision: Supervision,
    ) -> Result<S3, DeliveryError> {
        let Access { identity, role, environment, timeouts, patience, parallel } = access;
        let endpoints = Endpoints::new(self.endpoint.as_deref(), &self.region, &environment)?;
        let http = Http::new(timeouts, environment.get("AWS_CA_BUNDLE"), supervision)?;
        let address = endpoints.bucket(&self.bucket, &self.region);
        let is_compatible_store = endpoints.is_compatible_store();
        let means = Means { http, environment, region: self.region.clone(), sts: endpoints.sts };
        let role = role.map(|role| RoleSession::new(&role, tenant));
        let client = Client { settings: self.clone(), source: Source::new(means, identity, role), address };
        Ok(S3 { client, patience, parallel, is_compatible_store, limits: ListingLimits::default() })
    }
}

/// Who asks, and how patiently.
#[derive(Debug, Clone)]
pub struct Access {
    /// Whose credentials sign.
    pub identity: Identity,
    /// A role to assume with them first.
    pub role: Option<Role>,
    /// The variables of the surroundings.
    pub environment: Environment,
    /// How long a server may take.
    pub timeouts: Timeouts,
    /// How often is tried again.
    pub patience: Patience,
    /// How many files are put at once.
    pub parallel: usize,
}

impl Access {
    /// An identity in these surroundings, with the usual patience.
    #[must_use]
    pub fn new(identity: Identity, role: Option<Role>, environment: Environment) -> Self {
        Self {
            identity,
            role,
            environment,
            timeouts: Timeouts::default(),
            patience: Patience::default(),
            parallel: 4,
        }
    }
}

/// A prefix of a bucket as a destination.
#[derive(Debug)]
pub struct S3 {
    pub(crate) client: Client,
    patience: Patience,
    parallel: usize,
    /// Whether the server is not AWS.
    pub(crate) is_compatible_store: bool,
    limits: ListingLimits,
}

impl S3 {
    /// Where it is.
    #[must_use]
    pub fn settings(&self) -> &S3Settings {
        &self.client.settings
    }

    /// Reads an object into a writer, in one attempt; `false` when there is none. Takes `s3:GetObject`, which a
    /// delivery never has: for those who read.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn get(&self, key: &str, into: &mut dyn std::io::Write) -> Result<bool, DeliveryError> {
        self.client.get(key, into)
    }
}

impl Destination for S3 {
    fn list_where(&self, prefix: &str, is_wanted: &dyn Fn(&str) -> bool) -> Result<Listing, DeliveryError> {
        let within = self.client.settings.full_key("");
        let full = format!("{within}{prefix}");
        let (supervision, call) = (self.client.supervision(), format!("list {full}"));
        let started = supervision.clock.elapsed();
        let mut progress = Progress::new(self.limits, &full);
        let mut listing = Listing { objects: Vec::new(), at: None, clock_step: CLOCK_STEP_MICROS };
        let mut after: Option<String> = None;
        loop {
            let page = self
                .patience
                .attempt(supervision, &call, &mut 0, || self.client.list(&full, after.as_deref()))?;
            listing.at = page.date.map(Instant::from);
            let next = progress.add_page(&page, supervision.clock.elapsed().saturating_sub(started))?;
            for object in page.objects {
                let Some(key) = object.key.strip_prefix(&within).filter(|key| is_wanted(key)) else {
                    continue;
                };
                let key = key.to_owned();
                progress.keep(&object)?;
                listing.objects.push(Listed { key, ..object });
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(listing),
            }
        }
    }

    fn deliver(
        &mut self,
        waves: &[Vec<SpooledFile>],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Receipt, DeliveryError> {
        let mut receipt = Receipt::default();
        for wave in waves {
            upload::wave(&self.client, self.patience, self.parallel, wave, &mut receipt, progress)?;
        }
        Ok(receipt)
    }
}

#[cfg(test)]
mod hostile_tests;
