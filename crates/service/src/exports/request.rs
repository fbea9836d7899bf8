//! The configuration of an export as it is sent.

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::Deserialize;

use crate::error::ServiceError;

use super::configuration::{Configuration, ConfigurationDocument, DestinationConfiguration};

/// An export as it is configured: with `accessKeyId` and `secretAccessKey`, or with `roleArn`. Without
/// `secretAccessKey` the stored one is kept, as long as `accessKeyId` and `endpoint` stay the same.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(extend("oneOf" = [
    { "required": ["accessKeyId"], "properties": {
        "accessKeyId": { "type": "string" }, "roleArn": { "type": "null" }
    } },
    { "required": ["roleArn"], "properties": {
        "roleArn": { "type": "string" }, "accessKeyId": { "type": "null" }, "secretAccessKey": { "type": "null" }
    } }
]))]
pub struct ExportRequest {
    /// The bucket's name.
    bucket: String,
    /// The bucket's region.
    region: String,
    /// The id of an access key that may list and put under the path.
    #[serde(default)]
    access_key_id: Option<String>,
    /// Its secret; stored sealed, and never shown again. Without it the stored one is kept.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("writeOnly" = true))]
    secret_access_key: Option<SecretText>,
    /// The role that Domesday assumes, with the tenant's id as external id.
    #[serde(default)]
    role_arn: Option<String>,
    /// The prefix of every key; the bucket's top when absent.
    #[serde(default)]
    path: Option<String>,
    /// The KMS key that encrypts what is put; the bucket's default encryption when absent.
    #[serde(default)]
    kms_key_id: Option<String>,
    /// The encryption that each put asks for, where a bucket policy refuses puts that ask for none: `AES256`. Not
    /// together with `kmsKeyId`.
    #[serde(default)]
    #[schemars(with = "Option<EncryptionName>")]
    encryption: Option<String>,
    /// The account that must own the bucket.
    #[serde(default)]
    bucket_owner: Option<String>,
    /// When it runs, as a cron expression in the tenant's time zone: daily at 3 AM with an access key and at 5 AM
    /// with a role when absent.
    #[serde(default)]
    schedule: Option<String>,
    /// How the days lie beside each other: `latest` when absent.
    #[serde(default)]
    #[schemars(with = "Option<LayoutName>")]
    layout: Option<String>,
    /// An S3-compatible store other than AWS, among those that the operator allows.
    #[serde(default)]
    endpoint: Option<String>,
}

/// A layout by name.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "Layout")]
#[expect(dead_code, reason = "stands for the delivery's type in the schema")]
enum LayoutName {
    Latest,
    Swap,
    History,
}

/// An encryption by name.
#[derive(JsonSchema)]
#[schemars(rename = "Encryption")]
#[expect(dead_code, reason = "stands for the delivery's type in the schema")]
enum EncryptionName {
    #[serde(rename = "AES256")]
    Aes256,
}

/// A text that is never printed.
#[derive(Debug)]
struct SecretText(SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

/// The secret of a configuration that is to be saved.
#[derive(Debug)]
pub enum Secret {
    /// A role needs none.
    None,
    /// The request brought it.
    Given(SecretString),
    /// The stored one is kept.
    Kept,
}

impl ExportRequest {
    /// Adds the secret to a request that was read without it.
    #[must_use]
    pub fn with_secret(self, secret: SecretString) -> Self {
        Self { secret_access_key: Some(SecretText(secret)), ..self }
    }

    /// The configuration and its secret, as far as they can be right without asking the destination. `stored` is the
    /// configuration that has a secret in the store.
    pub fn split(self, stored: Option<&Configuration>) -> Result<(Configuration, Secret), ServiceError> {
        let given = [&self.access_key_id, &self.role_arn].map(Option::is_some);
        let secret = match (self.secret_access_key, given) {
            (Some(secret), _) => Secret::Given(secret.0),
            (None, [true, false]) => {
                let same = |stored: &Configuration| {
                    let DestinationConfiguration::S3(stored) = &stored.destination;
                    stored.credentials.access_key_id() == self.access_key_id.as_deref()
                        && stored.bucket.endpoint == self.endpoint
                };
                match stored {
                    Some(stored) if same(stored) => Secret::Kept,
                    Some(_) => {
                        return Err(ServiceError::invalid(
                            "`secretAccessKey` is missing: the stored one is kept only while `accessKeyId` and \
                             `endpoint` stay the same",
                        ));
                    }
                    None => {
                        return Err(ServiceError::invalid(
                            "`secretAccessKey` is missing: there is no stored one to keep",
                        ));
                    }
                }
            }
            (None, _) => Secret::None,
        };
        match (given, matches!(secret, Secret::Given(_))) {
            ([true, false], _) | ([false, true], false) => {}
            ([true, true], _) => {
                return Err(ServiceError::invalid(
                    "give `accessKeyId` with its secret, or `roleArn`, not both; a patch removes the other with null",
                ));
            }
            ([false, _], true) => {
                return Err(ServiceError::invalid(
                    "`secretAccessKey` belongs to an `accessKeyId`, which is missing",
                ));
            }
            ([false, false], false) => {
                return Err(ServiceError::invalid(
                    "who delivers is missing: give `accessKeyId` and `secretAccessKey`, or `roleArn`",
                ));
            }
        }
        if let Some(arn) = &self.role_arn
            && !is_role(arn)
        {
            return Err(ServiceError::invalid(format!(
                "`roleArn` must be a role such as arn:aws:iam::111122223333:role/domesday, found `{arn}`"
            )));
        }
        if let Some(path) = self.path.as_ref().filter(|path| path.len() > MAX_PATH_BYTES) {
            return Err(ServiceError::invalid(format!(
                "`path` has {} bytes; at most {MAX_PATH_BYTES} are allowed, since a key of S3 has at most 1,024",
                path.len()
            )));
        }
        let document = ConfigurationDocument {
            bucket: self.bucket,
            region: self.region,
            access_key_id: self.access_key_id,
            role_arn: self.role_arn,
            path: self.path.map(|path| path.trim_matches('/').to_owned()).filter(|path| !path.is_empty()),
            kms_key_id: self.kms_key_id,
            encryption: self.encryption,
            bucket_owner: self.bucket_owner,
            schedule: self.schedule,
            layout: self.layout,
            endpoint: self.endpoint,
        };
        let configuration = Configuration::try_from(document).map_err(ServiceError::invalid)?;
        Ok((configuration, secret))
    }
}

/// The longest path, in bytes: the keys below it must fit S3, and its name an index of every database.
const MAX_PATH_BYTES: usize = 800;

/// Whether a text is the ARN of a role.
fn is_role(arn: &str) -> bool {
    let parts: Vec<_> = arn.splitn(6, ':').collect();
    let [arn, partition, iam, region, account, resource] = parts.as_slice() else { return false };
    *arn == "arn"
        && partition.starts_with("aws")
        && *iam == "iam"
        && region.is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty())
        && !resource.chars().any(|c| c.is_control() || c.is_whitespace() || c == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::exports::configuration::BucketConfiguration;

    fn bucket(configuration: &Configuration) -> &BucketConfiguration {
        let DestinationConfiguration::S3(destination) = &configuration.destination;
        &destination.bucket
    }

    fn split(value: Value) -> Result<(Configuration, Secret), ServiceError> {
        serde_json::from_value::<ExportRequest>(value).unwrap().split(None)
    }

    #[test]
    fn a_stored_secret_is_kept_for_the_same_key_and_endpoint_only() {
        let request = |more: Value| {
            let mut value = json!({ "bucket": "b", "region": "r" });
            value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value::<ExportRequest>(value).unwrap()
        };
        let endpoint = "https://s3.example";
        let key = json!({ "accessKeyId": "A", "secretAccessKey": "hush", "endpoint": endpoint });
        let (stored, _) = request(key).split(None).unwrap();
        let (role, _) =
            request(json!({ "roleArn": "arn:aws:iam::111122223333:role/x" })).split(None).unwrap();

        let same =
            json!({ "accessKeyId": "A", "endpoint": endpoint, "bucket": "other", "schedule": "0 4 * * *" });
        let (configuration, secret) = request(same).split(Some(&stored)).unwrap();
        assert!(matches!(secret, Secret::Kept), "{secret:?}");
        assert_eq!(bucket(&configuration).bucket, "other");
        for other in [
            json!({ "accessKeyId": "B", "endpoint": endpoint }),
            json!({ "accessKeyId": "A", "endpoint": "https://evil.example" }),
            json!({ "accessKeyId": "A", "endpoint": null }),
            json!({ "accessKeyId": "A" }),
        ] {
            let problem = request(other.clone()).split(Some(&stored)).unwrap_err().to_string();
            assert!(problem.contains("stay the same"), "{other}: {problem}");
        }
        assert!(request(json!({ "accessKeyId": "A" })).split(Some(&role)).is_err());
        assert!(request(json!({ "accessKeyId": "A" })).split(None).is_err());
    }

    #[test]
    fn the_schedule_and_the_layout_are_not_part_of_the_destination() {
        let key = json!({ "bucket": "b", "region": "r", "accessKeyId": "A", "secretAccessKey": "hush" });
        let (before, _) = split(key).unwrap();
        let cron = Configuration {
            schedule: Some("0 4 * * *".parse().unwrap()),
            layout: Some("swap".parse().unwrap()),
            ..before.clone()
        };
        assert!(cron.has_same_destination(&before));
        let mut other = before.clone();
        let DestinationConfiguration::S3(destination) = &mut other.destination;
        destination.bucket.path = Some("p".into());
        assert!(!other.has_same_destination(&before));
    }

    #[test]
    fn both_forms_of_the_guide_are_taken() {
        let key = json!({ "bucket": "b", "region": "r", "accessKeyId": "A", "secretAccessKey": "hush", "path": "/p/" });
        let (configuration, secret) = split(key).unwrap();
        assert!(matches!(secret, Secret::Given(_)));
        assert_eq!(bucket(&configuration).path.as_deref(), Some("p"));
        assert!(!configuration.document().to_string().contains("hush"));
        let role = json!({ "bucket": "b", "region": "r", "roleArn": "arn:aws:iam::111122223333:role/x/y" });
        assert!(matches!(split(role).unwrap().1, Secret::None));
    }

    #[test]
    fn anything_between_the_forms_is_refused() {
        let role = "arn:aws:iam::111122223333:role/x";
        for (wrong, word) in [
            (json!({}), "who delivers"),
            (json!({ "accessKeyId": "A" }), "secretAccessKey"),
            (json!({ "secretAccessKey": "s" }), "accessKeyId"),
            (json!({ "accessKeyId": "A", "secretAccessKey": "s", "roleArn": role }), "not both"),
            (json!({ "roleArn": role, "secretAccessKey": "s" }), "accessKeyId"),
            (json!({ "roleArn": "role/x" }), "roleArn"),
            (json!({ "roleArn": "arn:aws:iam::111122223333:user/x" }), "roleArn"),
            (json!({ "roleArn": role, "schedule": "daily" }), "schedule"),
            (json!({ "roleArn": role, "layout": "heap" }), "layout"),
            (json!({ "roleArn": role, "schedule": "0 0 30 2 *" }), "never occurs"),
            (json!({ "roleArn": role, "path": "p/".repeat(500) }), "`path` has 1000 bytes"),
            (json!({ "roleArn": role, "encryption": "aes256" }), "encryption"),
            (json!({ "roleArn": role, "encryption": "aws:kms" }), "name the key"),
        ] {
            let mut whole = json!({ "bucket": "b", "region": "r" });
            whole.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            let problem = split(whole).unwrap_err().to_string();
            assert!(problem.contains(word), "{wrong}: {problem}");
        }
    }

    #[test]
    fn a_request_never_shows_its_secret() {
        let request = json!({ "bucket": "b", "region": "r", "accessKeyId": "A", "secretAccessKey": "hush" });
        let request: ExportRequest = serde_json::from_value(request).unwrap();
        assert!(!format!("{request:?}").contains("hush"));
    }
}
