//! The configuration of an export as it is stored.

use domesday_delivery::{DeliveryError, Encryption, Layout, S3Settings};
use domesday_model::{Instant, Tenant};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::endpoint;
use crate::error::ServiceError;
use crate::schedule::Cron;

/// The id of the export that the API's route names.
pub const DEFAULT_EXPORT: &str = "default";

/// The schedule of an export with an access key, unless it names one.
const ACCESS_KEY_SCHEDULE: &str = "0 3 * * *";

/// The schedule of an export with a role, unless it names one.
const ROLE_SCHEDULE: &str = "0 5 * * *";

/// An export as the store has it.
pub type StoredExport = domesday_store::StoredExport<Configuration>;

/// The configuration of an export without its secret: what is stored, shown and audited. Its JSON is flat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ConfigurationDocument", into = "ConfigurationDocument")]
pub struct Configuration {
    /// Where it delivers to.
    pub destination: DestinationConfiguration,
    /// When it runs, in the tenant's time zone; the default of its credentials when absent.
    pub schedule: Option<Cron>,
    /// The layout of the daily snapshots; the default when absent.
    pub layout: Option<Layout>,
}

/// A destination, by its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DestinationConfiguration {
    /// A bucket of S3, or of a store that speaks its protocol.
    S3(S3Configuration),
}

/// A bucket and the credentials for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Configuration {
    /// The bucket.
    pub bucket: BucketConfiguration,
    /// Who delivers.
    pub credentials: Credentials,
}

/// A bucket, the path in it, and how to put into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketConfiguration {
    /// The bucket's name.
    pub bucket: String,
    /// The bucket's region.
    pub region: String,
    /// The prefix of every key; the bucket's top when absent.
    pub path: Option<String>,
    /// The KMS key that encrypts; the bucket's default encryption when absent.
    pub kms_key_id: Option<String>,
    /// The encryption that each put asks for.
    pub encryption: Option<Encryption>,
    /// The account that must own the bucket.
    pub bucket_owner: Option<String>,
    /// An S3-compatible store other than AWS.
    pub endpoint: Option<String>,
}

/// Who delivers to a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// An access key, whose secret is stored sealed beside the configuration.
    AccessKey {
        /// The id of the key.
        id: String,
    },
    /// A role that the service assumes.
    Role {
        /// The ARN of the role.
        arn: String,
    },
}

impl Credentials {
    /// Returns the id of the access key, if it is one.
    #[must_use]
    pub fn access_key_id(&self) -> Option<&str> {
        match self {
            Self::AccessKey { id } => Some(id),
            Self::Role { .. } => None,
        }
    }

    /// Returns the ARN of the role, if it is one.
    #[must_use]
    pub fn role_arn(&self) -> Option<&str> {
        match self {
            Self::AccessKey { .. } => None,
            Self::Role { arn } => Some(arn),
        }
    }
}

impl BucketConfiguration {
    /// Returns the settings of the bucket.
    ///
    /// # Errors
    /// When a field cannot be what it names.
    pub fn settings(&self) -> Result<S3Settings, DeliveryError> {
        S3Settings::new(&self.bucket, self.path.as_deref().unwrap_or_default(), &self.region)?
            .with(self.endpoint.as_deref(), self.kms_key_id.as_deref(), self.bucket_owner.as_deref())?
            .with_encryption(self.encryption)
    }
}

impl Configuration {
    /// Whether a run delivers to the same place in the same way: only the schedule or the layout may differ.
    #[must_use]
    pub fn has_same_destination(&self, other: &Self) -> bool {
        self.destination == other.destination
    }

    /// Returns the schedule: the configured one, or the default of the credentials.
    #[must_use]
    pub fn schedule(&self) -> Cron {
        let DestinationConfiguration::S3(destination) = &self.destination;
        let default = match &destination.credentials {
            Credentials::AccessKey { .. } => ACCESS_KEY_SCHEDULE,
            Credentials::Role { .. } => ROLE_SCHEDULE,
        };
        self.schedule.clone().unwrap_or_else(|| default.parse().expect("the defaults are schedules"))
    }

    /// Returns the next times of the schedule after an instant, in the tenant's time zone: `count` of them, or fewer
    /// at the calendar's end.
    #[must_use]
    pub fn next_runs(&self, tenant: &Tenant, after: Instant, count: usize) -> Vec<Instant> {
        let zone = TimeZone::get(&tenant.time_zone).unwrap_or(TimeZone::UTC);
        let schedule = self.schedule();
        let next = |at: &Instant| schedule.next_after(*at, &zone);
        std::iter::successors(next(&after), next).take(count).collect()
    }

    /// Returns the next time of the schedule after an instant.
    #[must_use]
    pub fn next_run(&self, tenant: &Tenant, after: Instant) -> Option<Instant> {
        self.next_runs(tenant, after, 1).pop()
    }

    /// Returns the layout: the configured one, or the default.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout.unwrap_or_default()
    }

    /// Returns the configuration as JSON.
    #[must_use]
    pub fn document(&self) -> Value {
        serde_json::to_value(self).expect("a configuration is plain data")
    }

    /// Checks that the operator allows the endpoint, if one is named.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] when they do not.
    pub fn check_endpoint(&self, allowed: &[String]) -> Result<(), ServiceError> {
        let DestinationConfiguration::S3(destination) = &self.destination;
        match &destination.bucket.endpoint {
            Some(endpoint) if !endpoint::is_allowed(endpoint, allowed) => {
                Err(ServiceError::invalid(format!(
                    "the endpoint `{endpoint}` is not among those that the operator of this service allows \
                     (delivery.allowed_endpoints)"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// The JSON of a configuration.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigurationDocument {
    pub(super) bucket: String,
    pub(super) region: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) access_key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) role_arn: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kms_key_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) encryption: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bucket_owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) schedule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) layout: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
}

impl TryFrom<ConfigurationDocument> for Configuration {
    type Error = String;

    fn try_from(document: ConfigurationDocument) -> Result<Self, String> {
        let credentials = match (document.access_key_id, document.role_arn) {
            (Some(id), None) => Credentials::AccessKey { id },
            (None, Some(arn)) => Credentials::Role { arn },
            (Some(_), Some(_)) => {
                return Err("expected `accessKeyId` or `roleArn`, found both".to_owned());
            }
            (None, None) => return Err("expected `accessKeyId` or `roleArn`, found neither".to_owned()),
        };
        let schedule = document.schedule.map(|text| text.parse::<Cron>()).transpose();
        let layout = document.layout.map(|text| {
            let wrong = |_| format!("`layout` must be latest, swap or history, found `{text}`");
            text.parse::<Layout>().map_err(wrong)
        });
        let encryption = document.encryption.map(|text| text.parse::<Encryption>()).transpose();
        let bucket = BucketConfiguration {
            bucket: document.bucket,
            region: document.region,
            path: document.path,
            kms_key_id: document.kms_key_id,
            encryption: encryption.map_err(|error| format!("`encryption`: {error}"))?,
            bucket_owner: document.bucket_owner,
            endpoint: document.endpoint,
        };
        Ok(Self {
            destination: DestinationConfiguration::S3(S3Configuration { bucket, credentials }),
            schedule: schedule.map_err(|error| format!("`schedule`: {error}"))?,
            layout: layout.transpose()?,
        })
    }
}

impl From<Configuration> for ConfigurationDocument {
    fn from(configuration: Configuration) -> Self {
        let DestinationConfiguration::S3(S3Configuration { bucket, credentials }) = configuration.destination;
        Self {
            access_key_id: credentials.access_key_id().map(str::to_owned),
            role_arn: credentials.role_arn().map(str::to_owned),
            bucket: bucket.bucket,
            region: bucket.region,
            path: bucket.path,
            kms_key_id: bucket.kms_key_id,
            encryption: bucket.encryption.map(|encryption| encryption.as_str().to_owned()),
            bucket_owner: bucket.bucket_owner,
            schedule: configuration.schedule.map(|schedule| schedule.to_string()),
            layout: configuration.layout.map(|layout| layout.to_string()),
            endpoint: bucket.endpoint,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stored_configuration_is_read_as_it_was_written() {
        for (more, schedule, layout) in [
            (json!({ "accessKeyId": "A" }), ACCESS_KEY_SCHEDULE, Layout::Latest),
            (json!({ "roleArn": "arn:aws:iam::111122223333:role/x" }), ROLE_SCHEDULE, Layout::Latest),
            (
                json!({
                    "accessKeyId": "A", "path": "p", "encryption": "AES256", "bucketOwner": "111122223333",
                    "schedule": "15 4 * * *", "layout": "swap", "endpoint": "https://s3.example"
                }),
                "15 4 * * *",
                Layout::Swap,
            ),
        ] {
            let mut document = json!({ "bucket": "b", "region": "r" });
            document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let configuration: Configuration = serde_json::from_value(document.clone()).unwrap();
            assert_eq!(configuration.document(), document);
            assert_eq!(
                (configuration.schedule().to_string().as_str(), configuration.layout()),
                (schedule, layout)
            );
        }
    }

    #[test]
    fn a_damaged_configuration_is_no_default() {
        for (more, word) in [
            (json!({}), "found neither"),
            (json!({ "accessKeyId": "A", "roleArn": "R" }), "found both"),
            (json!({ "accessKeyId": 1 }), "invalid type"),
            (json!({ "accessKeyId": "A", "schedule": "daily" }), "`schedule`"),
            (json!({ "accessKeyId": "A", "layout": "heap" }), "`layout`"),
            (json!({ "accessKeyId": "A", "encryption": "none" }), "`encryption`"),
            (json!({ "accessKeyId": "A", "bucket": null }), "invalid type"),
        ] {
            let mut document = json!({ "bucket": "b", "region": "r" });
            document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let error = serde_json::from_value::<Configuration>(document).unwrap_err().to_string();
            assert!(error.contains(word), "{more}: {error}");
        }
    }
}
