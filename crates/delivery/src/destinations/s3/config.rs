//! S3 as a kind of destination: what a command line or an API configures, before any call.

use std::sync::Arc;

use super::access::S3Access;
use super::bucket::S3Bucket;
use super::credentials::{AssumedRole, SigningIdentity};
use super::endpoints::{AwsService, EndpointResolver};
use super::settings::{Encryption, S3Settings};
use super::shared_config::SharedConfig;
use super::verification;
use crate::{
    CallContext, DeliveryError, DestinationConfig, DestinationKind, DestinationOptions, Environment,
    ObjectStore, OpenDestination, Spool, SummaryReader, TableLocation, TenantName, VerificationCheck,
};

/// The kind: `s3://BUCKET/PATH`.
#[derive(Debug)]
pub(crate) struct S3Kind;

impl DestinationKind for S3Kind {
    fn has_address(&self, address: &str) -> bool {
        address.starts_with("s3://")
    }

    fn hint(&self, scheme: &str) -> Option<&'static str> {
        match scheme {
            "s3" | "s3a" | "s3n" => Some("write s3://BUCKET/PATH"),
            "http" | "https" => Some("write s3://BUCKET/PATH, and name the server with --endpoint"),
            _ => None,
        }
    }

    fn configure(
        &self,
        address: &str,
        options: &DestinationOptions,
        environment: &Environment,
    ) -> Result<Arc<dyn DestinationConfig>, DeliveryError> {
        let (bucket, path) = S3Settings::parse_url(address)?;
        let region = match options.get("region") {
            Some(region) => region.to_owned(),
            None => S3Settings::ambient_region(environment)?.ok_or_else(|| DeliveryError::Configuration {
                message: "the region of the bucket is not set\nhelp: set `--region` or AWS_REGION".to_owned(),
            })?,
        };
        // An endpoint that the environment names is named in scripts and evidence as well.
        let ambient = S3Settings::ambient_endpoint(environment)?;
        let endpoint = options.get("endpoint").or(ambient.as_deref());
        let encryption: Option<Encryption> = options
            .get("sse")
            .map(str::parse)
            .transpose()
            .map_err(|message| DeliveryError::Configuration { message })?;
        let settings = S3Settings::new(&bucket, &path, &region)?
            .with(endpoint, options.get("kms-key-id"), options.get("bucket-owner"))?
            .with_encryption(encryption)?;
        let role = options
            .get("role-arn")
            .map(|arn| AssumedRole::new(arn, options.get("external-id")))
            .transpose()?;
        Ok(Arc::new(S3Config::new(
            settings,
            S3Access::new(SigningIdentity::Ambient, role, environment.clone()),
        )))
    }
}

impl S3Settings {
    /// Parses `s3://BUCKET/PATH` into bucket and path. Every character of the path stands for itself: `%20` is not
    /// decoded.
    ///
    /// # Errors
    /// When the address is another one. What it contains is not repeated, since that may be a password.
    pub fn parse_url(address: &str) -> Result<(String, String), DeliveryError> {
        let wrong = |message: &str| Err(DeliveryError::Configuration { message: message.to_owned() });
        let Some(address) = address.strip_prefix("s3://") else {
            return match domesday_model::url_scheme(address).filter(|scheme| *scheme != "file") {
                None => wrong(&format!("`{address}` is not a bucket\nhelp: write s3://BUCKET/PATH")),
                Some(scheme) => {
                    wrong(&format!("`{scheme}:` is no scheme of a bucket; write s3://BUCKET/PATH"))
                }
            };
        };
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
            return wrong(
                "the URL contains a port; write s3://BUCKET/PATH, and name the server with --endpoint",
            );
        }
        if domesday_model::has_url_query(address) {
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
        Ok((bucket.to_owned(), path.to_owned()))
    }

    /// Returns the region that the environment names: by `AWS_REGION`, `AWS_DEFAULT_REGION` or the profile.
    ///
    /// # Errors
    /// When the profile's file cannot be read.
    pub fn ambient_region(environment: &Environment) -> Result<Option<String>, DeliveryError> {
        let variable = environment.get("AWS_REGION").or_else(|| environment.get("AWS_DEFAULT_REGION"));
        if let Some(region) = variable {
            return Ok(Some(region.to_owned()));
        }
        let config = SharedConfig::load(environment)?;
        Ok(config.chosen_profile().get("region").filter(|region| !region.is_empty()).map(str::to_owned))
    }

    /// Returns the endpoint that the environment or the profile names for S3.
    fn ambient_endpoint(environment: &Environment) -> Result<Option<String>, DeliveryError> {
        let resolver = EndpointResolver::new(environment, &SharedConfig::load(environment)?);
        Ok(resolver.configured_url(AwsService::S3)?.map(str::to_owned))
    }
}

/// A prefix of a bucket, and who calls it.
#[derive(Debug, Clone)]
pub struct S3Config {
    settings: S3Settings,
    access: S3Access,
}

impl S3Config {
    /// Creates the configuration.
    #[must_use]
    pub fn new(settings: S3Settings, access: S3Access) -> Self {
        Self { settings, access }
    }

    fn open_bucket(
        &self,
        tenant: &TenantName,
        call_context: &CallContext,
    ) -> Result<S3Bucket, DeliveryError> {
        S3Bucket::open(&self.settings, self.access.clone(), tenant, call_context.clone())
    }
}

impl DestinationConfig for S3Config {
    fn name(&self) -> String {
        let endpoint = self.settings.endpoint.as_deref().unwrap_or_default();
        let at = if endpoint.is_empty() { String::new() } else { format!("@{endpoint}") };
        format!("{}{at}", self.settings.url())
    }

    fn address(&self) -> String {
        self.settings.url()
    }

    fn evidence(&self) -> String {
        let settings = &self.settings;
        let mut text =
            format!("bucket={}\npath={}\nregion={}\n", settings.bucket, settings.path, settings.region);
        let role = self.access.role.as_ref();
        let more = [
            ("endpoint", settings.endpoint.as_deref()),
            ("kms_key_id", settings.kms_key_id.as_deref()),
            ("encryption", settings.encryption.map(Encryption::as_str)),
            ("bucket_owner", settings.bucket_owner.as_deref()),
            ("role_arn", role.map(|role| role.arn.as_str())),
            ("external_id", role.and_then(|role| role.external_id.as_deref())),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                text.push_str(&format!("{name}={value}\n"));
            }
        }
        text
    }

    fn requires_tenant(&self) -> bool {
        self.access.role.as_ref().is_some_and(|role| role.external_id.is_none())
    }

    /// Spools among the system's temporary files.
    fn open(
        &self,
        tenant: &TenantName,
        call_context: &CallContext,
    ) -> Result<OpenDestination, DeliveryError> {
        let destination = Box::new(self.open_bucket(tenant, call_context)?);
        Ok(OpenDestination { spool: Spool::create_in(&std::env::temp_dir())?, destination })
    }

    fn open_reader(
        &self,
        tenant: &TenantName,
        call_context: &CallContext,
    ) -> Result<Box<dyn SummaryReader>, DeliveryError> {
        Ok(Box::new(self.open_bucket(tenant, call_context)?))
    }

    fn verify(&self, tenant: &TenantName, call_context: &CallContext) -> Vec<VerificationCheck> {
        verification::check_bucket(&self.settings, &self.access, tenant, call_context)
    }

    fn table_location(&self) -> Result<TableLocation, DeliveryError> {
        let object_store = ObjectStore {
            bucket: self.settings.bucket.clone(),
            region: self.settings.region.clone(),
            endpoint: self.settings.endpoint.clone(),
        };
        Ok(TableLocation::new(&self.address(), Some(object_store)))
    }

    fn receives_setup_scripts(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_buckets_are_parsed() {
        for (text, path) in [
            ("s3://acme", ""),
            ("s3://acme/", ""),
            ("s3://acme/a/b", "a/b"),
            ("s3://acme/it's 100% [new]?", "it's 100% [new]?"),
            ("s3://acme/a%20b", "a%20b"),
        ] {
            assert_eq!(S3Settings::parse_url(text).unwrap(), ("acme".into(), path.into()), "{text}");
        }
    }

    #[test]
    fn the_region_is_that_of_the_environment_then_of_the_profile() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config");
        std::fs::write(&path, "[default]\nregion = eu-north-1\n").unwrap();
        let path = path.display().to_string();
        let region = |more: &[(&str, &str)]| {
            let variables = [("AWS_CONFIG_FILE", path.as_str())].into_iter().chain(more.iter().copied());
            S3Settings::ambient_region(&Environment::from_variables(variables)).unwrap()
        };
        assert_eq!(region(&[]).as_deref(), Some("eu-north-1"));
        assert_eq!(region(&[("AWS_DEFAULT_REGION", "b")]).as_deref(), Some("b"));
        assert_eq!(region(&[("AWS_DEFAULT_REGION", "b"), ("AWS_REGION", "a")]).as_deref(), Some("a"));
    }
}
