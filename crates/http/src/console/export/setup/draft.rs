//! What is typed on the set-up page, without the secret: read, checked field by field, and passed from step to step.

use std::collections::BTreeMap;

use domesday_delivery::{DeliveryError, Encryption, Layout, S3Settings};
use domesday_service::exports::{BucketConfiguration, Configuration, Credentials};
use serde_json::{Value, json};

use crate::console::errors::sentence;
use crate::console::export::place::s3;
use crate::console::form::Form;

/// The longest value of a field, in characters.
pub(super) const MAX_FIELD: usize = 2_048;

/// How the service reaches the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Way {
    /// It assumes a role.
    #[default]
    Role,
    /// It uses an access key.
    AccessKey,
}

impl Way {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::AccessKey => "key",
        }
    }
}

/// The configuration that is being set up.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    pub(super) way: Way,
    pub(super) bucket: String,
    pub(super) region: String,
    pub(super) path: String,
    pub(super) kms_key: String,
    pub(super) bucket_owner: String,
    pub(super) endpoint: String,
    /// Whether each put asks for AES256.
    pub(super) asks_for_aes: bool,
    pub(super) layout: Layout,
    pub(super) role: String,
    pub(super) access_key_id: String,
}

/// What is wrong, by the name of the field.
pub(super) type Mistakes = BTreeMap<&'static str, String>;

impl Draft {
    /// Reads what was typed.
    pub(super) fn read(form: &Form) -> Self {
        let text = |name: &str| form.get(name).chars().take(MAX_FIELD).collect::<String>();
        Self {
            way: if form.get("way") == "key" { Way::AccessKey } else { Way::Role },
            bucket: text("bucket"),
            region: text("region"),
            path: text("path").trim_matches('/').to_owned(),
            kms_key: text("kms"),
            bucket_owner: text("owner"),
            endpoint: text("endpoint"),
            asks_for_aes: form.get("encryption") == Encryption::Aes256.as_str(),
            layout: form.get("layout").parse().unwrap_or_default(),
            role: text("role"),
            access_key_id: text("key"),
        }
    }

    /// Returns the draft of a stored configuration.
    pub(super) fn of(configuration: &Configuration) -> Self {
        let destination = s3(configuration);
        let bucket = destination.bucket.clone();
        let (way, role, access_key_id) = match &destination.credentials {
            Credentials::Role { arn } => (Way::Role, arn.clone(), String::new()),
            Credentials::AccessKey { id } => (Way::AccessKey, String::new(), id.clone()),
        };
        Self {
            way,
            bucket: bucket.bucket,
            region: bucket.region,
            path: bucket.path.unwrap_or_default(),
            kms_key: bucket.kms_key_id.unwrap_or_default(),
            bucket_owner: bucket.bucket_owner.unwrap_or_default(),
            endpoint: bucket.endpoint.unwrap_or_default(),
            asks_for_aes: bucket.encryption.is_some(),
            layout: configuration.layout(),
            role,
            access_key_id,
        }
    }

    /// The fields and their values, for hidden fields and addresses. None is secret.
    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let encryption = self.encryption().map_or("", Encryption::as_str);
        let (role, key) = match self.way {
            Way::Role => (&*self.role, ""),
            Way::AccessKey => ("", &*self.access_key_id),
        };
        let fields = [
            ("way", self.way.as_str()),
            ("bucket", &self.bucket),
            ("region", &self.region),
            ("path", &self.path),
            ("kms", &self.kms_key),
            ("owner", &self.bucket_owner),
            ("endpoint", &self.endpoint),
            ("encryption", encryption),
            ("layout", self.layout.as_str()),
            ("role", role),
            ("key", key),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| (name, value.to_owned())).collect()
    }

    fn encryption(&self) -> Option<Encryption> {
        self.asks_for_aes.then_some(Encryption::Aes256)
    }

    pub(super) fn bucket(&self) -> BucketConfiguration {
        BucketConfiguration {
            bucket: self.bucket.clone(),
            region: self.region.clone(),
            path: unless_empty(&self.path),
            kms_key_id: unless_empty(&self.kms_key),
            encryption: self.encryption(),
            bucket_owner: unless_empty(&self.bucket_owner),
            endpoint: unless_empty(&self.endpoint),
        }
    }

    /// Returns the settings of the bucket, or what is wrong beside each field. The rules are those of the delivery: each
    /// field is tried with others that are right.
    pub(super) fn settings(&self) -> Result<S3Settings, Mistakes> {
        const BUCKET: &str = "bucket";
        const REGION: &str = "us-east-1";
        let mut mistakes = Mistakes::new();
        for (name, value, message) in [
            ("bucket", &self.bucket, "Enter the name of the bucket."),
            ("region", &self.region, "Enter the region of the bucket, such as eu-central-1."),
        ] {
            if value.is_empty() {
                mistakes.insert(name, message.to_owned());
            }
        }
        let some = S3Settings::new(BUCKET, "", REGION);
        let endpoint = unless_empty(&self.endpoint);
        let owner = unless_empty(&self.bucket_owner);
        let tried = [
            ("bucket", S3Settings::new(&self.bucket, "", REGION)),
            ("path", S3Settings::new(BUCKET, &self.path, REGION)),
            ("region", S3Settings::new(BUCKET, "", &self.region)),
            ("endpoint", some.and_then(|some| some.with(endpoint.as_deref(), None, None))),
            (
                "owner",
                S3Settings::new(BUCKET, "", REGION).and_then(|some| some.with(None, None, owner.as_deref())),
            ),
        ];
        for (name, tried) in tried {
            if let Err(error) = tried {
                mistakes.entry(name).or_insert_with(|| message(&error));
            }
        }
        if mistakes.is_empty() {
            match self.bucket().settings() {
                Ok(settings) => return Ok(settings),
                // What is left depends on the key.
                Err(error) => mistakes.insert("kms", message(&error)),
            };
        }
        Err(mistakes)
    }

    /// The configuration as JSON, as the API takes it, without a secret.
    pub(super) fn document(&self, schedule: Option<&str>) -> Value {
        let (role, key) = match self.way {
            Way::Role => (unless_empty(&self.role), None),
            Way::AccessKey => (None, unless_empty(&self.access_key_id)),
        };
        json!({
            "bucket": self.bucket,
            "region": self.region,
            "path": unless_empty(&self.path),
            "kmsKeyId": unless_empty(&self.kms_key),
            "encryption": self.encryption().map(Encryption::as_str),
            "bucketOwner": unless_empty(&self.bucket_owner),
            "endpoint": unless_empty(&self.endpoint),
            "layout": self.layout.as_str(),
            "roleArn": role,
            "accessKeyId": key,
            "schedule": schedule,
        })
    }
}

fn unless_empty(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn message(error: &DeliveryError) -> String {
    sentence(&error.problem())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_beside_its_field() {
        for (text, field) in [
            ("region=eu-central-1", "bucket"),
            ("bucket=Acme&region=eu-central-1", "bucket"),
            ("bucket=acme-audit", "region"),
            ("bucket=acme-audit&region=EU", "region"),
            ("bucket=acme-audit&region=eu-central-1&path=a//b", "path"),
            ("bucket=acme-audit&region=eu-central-1&owner=acme", "owner"),
            ("bucket=acme-audit&region=eu-central-1&endpoint=ftp://x", "endpoint"),
            ("bucket=acme-audit&region=eu-central-1&kms=a+b", "kms"),
            ("bucket=acme-audit&region=eu-central-1&kms=arn:aws:kms:us-east-1:1:key/x", "kms"),
            ("bucket=acme-audit&region=eu-central-1&kms=x&encryption=AES256", "kms"),
        ] {
            let mistakes = Draft::read(&Form::parse(text)).settings().unwrap_err();
            assert_eq!(mistakes.keys().collect::<Vec<_>>(), [&field], "{text}: {mistakes:?}");
        }
    }

    #[test]
    fn a_draft_is_passed_on_as_it_was_read() {
        let text = "way=key&bucket=acme-audit&region=eu-central-1&path=/a/&layout=swap&key=AKIA&role=arn:x";
        let draft = Draft::read(&Form::parse(text));
        let fields = draft.fields();
        let sent = fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
        assert_eq!(Draft::read(&Form::parse(&sent)).fields(), fields);
        let document = draft.document(Some("0 3 * * *"));
        assert_eq!((&document["path"], &document["roleArn"]), (&json!("a"), &Value::Null));
        assert_eq!((&document["accessKeyId"], &document["layout"]), (&json!("AKIA"), &json!("swap")));
    }
}
