//! A configuration as it is shown.

use domesday_delivery::VerificationCheck;
use domesday_model::Instant;
use domesday_service::exports::{
    BucketConfiguration, Credentials, DestinationConfiguration, LastVerification, S3Configuration,
    SavedExport,
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
    /// The last verification of this destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_verification: Option<LastVerificationView>,
    created_at: String,
    updated_at: String,
    etag: String,
}

/// The last verification of an export.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LastVerification")]
struct LastVerificationView {
    /// When it ended.
    at: String,
    /// Whether no check failed.
    ok: bool,
    /// Its checks, as the answer of a verification has them.
    #[schemars(with = "Vec<std::collections::BTreeMap<String, String>>")]
    checks: Vec<VerificationCheck>,
}

impl From<&LastVerification> for LastVerificationView {
    fn from(LastVerification { at, verification, .. }: &LastVerification) -> Self {
        Self { at: at.to_string(), ok: verification.ok, checks: verification.checks.clone() }
    }
}

impl ExportView {
    /// Returns the view of a saved configuration, as of `now`.
    pub(super) fn new(
        SavedExport { export, tenant, last_verification, .. }: &SavedExport,
        now: Instant,
    ) -> Self {
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
            last_verification: last_verification.as_ref().map(LastVerificationView::from),
            created_at: export.created_at.to_string(),
            updated_at: export.updated_at.to_string(),
            etag: export.etag.clone(),
        }
    }
}
