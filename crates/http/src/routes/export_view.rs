//! A configuration as it is shown.

use domesday_model::Instant;
use domesday_service::exports::{
    BucketConfiguration, Credentials, DestinationConfiguration, S3Configuration, SavedExport,
};
use schemars::JsonSchema;
use serde::Serialize;

/// An export configuration without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Export")]
pub(super) struct ExportView {
    id: String,
    bucket: String,
    region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<String>,
    /// Identifies the secret without revealing it.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_fingerprint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_owner: Option<String>,
    /// When it runs, in the tenant's time zone.
    schedule: String,
    time_zone: String,
    /// The next time of the schedule.
    next_run_at: Option<String>,
    layout: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    created_at: String,
    updated_at: String,
    etag: String,
}

impl ExportView {
    /// Returns the view of a saved configuration, as of `now`.
    pub(super) fn new(SavedExport { export, tenant, .. }: &SavedExport, now: Instant) -> Self {
        let DestinationConfiguration::S3(S3Configuration { bucket, credentials }) =
            export.configuration.destination.clone();
        let BucketConfiguration { bucket, region, path, kms_key_id, encryption, bucket_owner, endpoint } =
            bucket;
        let (access_key_id, role_arn) = match credentials {
            Credentials::AccessKey { id } => (Some(id), None),
            Credentials::Role { arn } => (None, Some(arn)),
        };
        let schedule = export.configuration.schedule();
        Self {
            id: export.id.clone(),
            bucket,
            region,
            access_key_id,
            secret_fingerprint: export.secret.as_ref().and_then(|secret| secret.fingerprint.clone()),
            role_arn,
            path,
            kms_key_id,
            encryption: encryption.map(|encryption| encryption.as_str().to_owned()),
            bucket_owner,
            schedule: schedule.to_string(),
            time_zone: tenant.time_zone.clone(),
            next_run_at: export.configuration.next_run(tenant, now).map(|at| at.to_string()),
            layout: export.configuration.layout().to_string(),
            endpoint,
            created_at: export.created_at.to_string(),
            updated_at: export.updated_at.to_string(),
            etag: export.etag.clone(),
        }
    }
}
