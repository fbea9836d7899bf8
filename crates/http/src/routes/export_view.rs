//! A configuration as it is shown.

use domesday_delivery::Layout;
use domesday_model::Instant;
use domesday_service::exports::{Configuration, SavedExport, schedule};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use crate::problem::Problem;

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
    /// What tells the secret from others without telling it.
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
    pub(super) fn new(
        SavedExport { export, tenant, .. }: &SavedExport,
        secret_fingerprint: Option<String>,
        now: Instant,
    ) -> Result<Self, Problem> {
        let configuration = Configuration::from_document(&export.document)?;
        let schedule = schedule(&export.document);
        let zone = TimeZone::get(&tenant.time_zone).unwrap_or(TimeZone::UTC);
        Ok(Self {
            id: export.id.clone(),
            bucket: configuration.bucket,
            region: configuration.region,
            access_key_id: configuration.access_key_id,
            secret_fingerprint,
            role_arn: configuration.role_arn,
            path: configuration.path,
            kms_key_id: configuration.kms_key_id,
            encryption: configuration.encryption,
            bucket_owner: configuration.bucket_owner,
            schedule: schedule.to_string(),
            time_zone: tenant.time_zone.clone(),
            next_run_at: schedule.next_after(now, &zone).map(|at| at.to_string()),
            layout: configuration.layout.unwrap_or_else(|| Layout::default().to_string()),
            endpoint: configuration.endpoint,
            created_at: export.created_at.to_string(),
            updated_at: export.updated_at.to_string(),
            etag: export.etag.clone(),
        })
    }
}
