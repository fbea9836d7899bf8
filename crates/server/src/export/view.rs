//! A configuration as it is shown.

use domesday_model::Instant;
use domesday_store::StoredExport;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Configuration, schedule, secret};
use crate::problem::Problem;
use crate::service::Service;

/// An export configuration without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Export")]
pub(crate) struct ExportView {
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
    /// A saved configuration, as of `now`.
    pub(crate) fn of(
        app: &Service,
        stored: &StoredExport,
        time_zone: &str,
        now: Instant,
    ) -> Result<Self, Problem> {
        let configuration = Configuration::of_document(&stored.document)?;
        let secret = secret(app, stored)?;
        let cron = schedule(&stored.document);
        let zone = TimeZone::get(time_zone).unwrap_or(TimeZone::UTC);
        Ok(Self {
            id: stored.id.clone(),
            bucket: configuration.bucket,
            region: configuration.region,
            access_key_id: configuration.access_key_id,
            secret_fingerprint: secret.map(|secret| app.sealer.fingerprint_of(&secret)),
            role_arn: configuration.role_arn,
            path: configuration.path,
            kms_key_id: configuration.kms_key_id,
            encryption: configuration.encryption,
            bucket_owner: configuration.bucket_owner,
            schedule: cron.to_string(),
            time_zone: time_zone.to_owned(),
            next_run_at: cron.next_after(now, &zone).map(|at| at.to_string()),
            layout: configuration.layout.unwrap_or_else(|| domesday_delivery::Layout::default().to_string()),
            endpoint: configuration.endpoint,
            created_at: stored.created_at.to_string(),
            updated_at: stored.updated_at.to_string(),
            etag: stored.etag.clone(),
        })
    }
}
