//! Export configurations: what a customer sends, what is kept of it, and the destination that it means.
//!
//! A configuration with an access key or with a role (specification, section 5). The secret is split off before
//! anything is saved: the store and the audit log see the rest, the secret is kept sealed and never shown.

mod configuration;
mod identity;
mod patch;
mod verification;
mod view;

use domesday_delivery::{
    Access, DeliveryError, Encryption, Environment, Identity, Layout, Role, S3Settings, Target, TenantName,
};
use domesday_model::Tenant;
use domesday_store::StoredExport;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::problem::Problem;
use crate::schedule::Cron;
use crate::seal::export_record;
use crate::service::Service;

pub(crate) use configuration::{Configuration, ExportRequest, Secret};
pub(crate) use identity::{IdentityCache, service_identity};
pub(crate) use patch::{ExportPatch, MERGE_PATCH};
pub(crate) use verification::run_verification;
pub(crate) use view::ExportView;

/// The id of the export that the API's route names.
pub(crate) const DEFAULT: &str = "default";

/// When an export with an access key runs, unless told otherwise.
const ACCESS_KEY_SCHEDULE: &str = "0 3 * * *";

/// When an export with a role runs, unless told otherwise.
const ROLE_SCHEDULE: &str = "0 5 * * *";

/// The destination of a saved configuration.
pub(crate) fn target(app: &Service, stored: &StoredExport) -> Result<Target, Problem> {
    let configuration = Configuration::of_document(&stored.document)?;
    // The operator may have shortened the list since.
    configuration.check_endpoint(&app.config.allowed_endpoints)?;
    let secret = secret(app, stored)?;
    let target = target_of(&configuration, secret).map_err(|error| configuration_problem(&error))?;
    Ok(match target {
        Target::S3(settings, mut access) => {
            access.patience.attempts = app.config.delivery_attempts;
            Target::S3(settings, access)
        }
        other => other,
    })
}

/// The secret of a saved configuration, if it has one.
pub(crate) fn secret(app: &Service, stored: &StoredExport) -> Result<Option<SecretString>, Problem> {
    let Some(sealed) = &stored.sealed else { return Ok(None) };
    let opened = app.sealer.open(&export_record(&stored.id), sealed).map_err(|error| {
        tracing::error!(%error, "the secret of an export cannot be opened");
        Problem::unavailable(format!("the secret of this export cannot be opened: {error}"))
    })?;
    let text =
        String::from_utf8(opened.expose_secret().clone()).map_err(|error| Problem::internal(&error))?;
    Ok(Some(text.into()))
}

/// The destination that a configuration means.
pub(crate) fn target_of(
    configuration: &Configuration,
    secret: Option<SecretString>,
) -> Result<Target, DeliveryError> {
    let path = configuration.path.as_deref().unwrap_or_default();
    let settings = S3Settings::new(&configuration.bucket, path, &configuration.region)?.with(
        configuration.endpoint.as_deref(),
        configuration.kms_key_id.as_deref(),
        configuration.bucket_owner.as_deref(),
    )?;
    let settings = settings.with_encryption(encryption(configuration)?)?;
    let identity = match (&configuration.access_key_id, secret) {
        (Some(id), Some(secret_access_key)) => Identity::access_key(id, secret_access_key)?,
        _ => Identity::Ambient,
    };
    let role = configuration.role_arn.as_deref().map(|arn| Role::new(arn, None)).transpose()?;
    let access = Access::new(identity, role, Environment::of_process());
    Ok(Target::S3(settings, Box::new(access)))
}

/// The encryption that puts ask for.
pub(crate) fn encryption(configuration: &Configuration) -> Result<Option<Encryption>, DeliveryError> {
    let parsed = configuration.encryption.as_deref().map(str::parse).transpose();
    parsed.map_err(|message| DeliveryError::Configuration { message })
}

/// How the days lie beside each other.
pub(crate) fn layout(document: &Value) -> Layout {
    document["layout"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// When an export runs.
pub(crate) fn schedule(document: &Value) -> Cron {
    let default = if document["roleArn"].is_string() { ROLE_SCHEDULE } else { ACCESS_KEY_SCHEDULE };
    let text = document["schedule"].as_str().unwrap_or(default);
    let read = text.parse().or_else(|_| default.parse());
    read.expect("the defaults are schedules")
}

/// The tenant as a destination is told of it.
pub(crate) fn tenant_name(tenant: &Tenant) -> TenantName {
    TenantName { id: tenant.id.unwrap_or_else(|| tenant.derived_id()), name: tenant.name.clone() }
}

/// What of a configuration cannot be.
pub(crate) fn configuration_problem(error: &DeliveryError) -> Problem {
    Problem::invalid(error.problem()).with("fix", error.fix())
}
