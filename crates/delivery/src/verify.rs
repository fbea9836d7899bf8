//! Whether a destination works: named checks, each with what to fix (specification, section 4, "Verification of a
//! destination").
//!
//! Exactly what a delivery does is tried, and no more: credentials, a listing under the prefix, a put of an object
//! that is there for that. A check that cannot be made because of one before it is skipped.

use std::time::Duration;

use serde::Serialize;

use crate::layout::{probe_key, version_prefix};
use crate::s3::caller_identity;
use crate::{Access, DeliveryError, LocalDirectory, S3, S3Settings, Supervision, Target, TenantName};

/// How long all checks together may take; an endpoint that needs longer takes no summary in time.
const TIME_LIMIT: Duration = Duration::from_secs(45);

/// How long one call of them may take, so that each has its turn.
const CALL_LIMIT: Duration = Duration::from_secs(15);

/// What the probe holds, for whoever finds it.
const PROBE: &str = "Written by domesday to see whether it may; overwritten each time.\n";

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It works.
    Passed,
    /// It does not.
    Failed,
    /// It was not tried.
    Skipped,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// `credentials`, `list` or `put`.
    pub name: &'static str,
    /// How it ended.
    pub status: CheckStatus,
    /// What was found.
    pub message: String,
    /// What to do about it; only when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The failure's kind, such as `missing-permission`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The service's own code, such as `AccessDenied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The service's own message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_message: Option<String>,
    /// The id of the request, for whoever operates the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Every check of a destination, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// The destination.
    pub destination: String,
    /// Whether no check failed.
    pub ok: bool,
    /// The checks.
    pub checks: Vec<Check>,
}

/// A destination that has passed its verification: what may be kept as configured.
#[derive(Debug, Clone)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// What was verified.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Check {
    fn passed(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, CheckStatus::Passed, message)
    }

    fn skipped(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, CheckStatus::Skipped, message)
    }

    fn failed(name: &'static str, error: &DeliveryError) -> Self {
        let told = |text: &String| (!text.is_empty()).then(|| text.clone());
        let answer = error.answer();
        Self {
            fix: told(&error.fix()),
            kind: Some(error.kind()),
            code: answer.and_then(|answer| told(&answer.code)),
            service_message: answer.and_then(|answer| told(&answer.message)),
            request_id: answer.and_then(|answer| told(&answer.request_id)),
            ..Self::new(name, CheckStatus::Failed, error.problem())
        }
    }

    fn new(name: &'static str, status: CheckStatus, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            name,
            status,
            message,
            fix: None,
            kind: None,
            code: None,
            service_message: None,
            request_id: None,
        }
    }
}

/// Tries a destination, for 45 seconds at most. What passes comes back as verified beside its checks.
#[must_use]
pub fn verify(
    target: &Target,
    tenant: &TenantName,
    supervision: &Supervision,
) -> (Verification, Option<Verified<Target>>) {
    let checks = match target {
        Target::Directory(path) => vec![directory(path)],
        Target::S3(settings, access) => {
            bucket(settings, access, tenant, supervision.with_deadline(TIME_LIMIT))
        }
    };
    let ok = checks.iter().all(|check| check.status != CheckStatus::Failed);
    let verification = Verification { destination: target.name(), ok, checks };
    (verification, ok.then(|| Verified(target.clone())))
}

fn directory(path: &std::path::Path) -> Check {
    match LocalDirectory::open(path).and_then(|directory| directory.spool()) {
        Ok(_) => Check::passed("put", format!("{} takes files", path.display())),
        Err(error) => Check::failed("put", &error),
    }
}

/// The checks of a bucket: every one is tried that can be, so that one round of fixing can be enough.
fn bucket(
    settings: &S3Settings,
    access: &Access,
    tenant: &TenantName,
    supervision: Supervision,
) -> Vec<Check> {
    let mut access = access.clone();
    access.timeouts.call = access.timeouts.call.min(CALL_LIMIT);
    let s3 = match settings.open(access, tenant, supervision) {
        Ok(s3) => s3,
        Err(error) => return with_skipped(Check::failed("credentials", &error)),
    };
    let credentials = credentials(&s3);
    if credentials.status == CheckStatus::Failed {
        return with_skipped(credentials);
    }
    let within = settings.full_key(&version_prefix());
    let list = match s3.client.list(&within, None) {
        Ok(_) => Check::passed("list", format!("{} can be listed under {within}", settings.bucket)),
        // Where there is no STS to ask, the bucket is the first to judge them.
        Err(error) if is_about_credentials(&error) => {
            return with_skipped(Check::failed("credentials", &error));
        }
        Err(error) => Check::failed("list", &error),
    };
    let put = match s3.client.put_text(&probe_key(), PROBE) {
        Ok(()) => Check::passed("put", format!("{} was put", settings.full_key(&probe_key()))),
        Err(error) => Check::failed("put", &error),
    };
    vec![credentials, list, put]
}

fn is_about_credentials(error: &DeliveryError) -> bool {
    matches!(
        error,
        DeliveryError::BadCredentials { .. }
            | DeliveryError::ExpiredSession { .. }
            | DeliveryError::ClockSkew { .. }
    )
}

fn with_skipped(credentials: Check) -> Vec<Check> {
    let skipped = |name| Check::skipped(name, "not tried without credentials");
    vec![credentials, skipped("list"), skipped("put")]
}

fn credentials(s3: &S3) -> Check {
    const NAME: &str = "credentials";
    let source = &s3.client.source;
    let found = match source.current() {
        Ok(found) => found,
        Err(error) => return Check::failed(NAME, &error),
    };
    if let Some(role) = source.role() {
        let message = format!("the role {} was assumed with the external id {}", role.arn, role.external_id);
        return Check::passed(NAME, message);
    }
    match caller_identity(source.means(), &found) {
        Ok(Some(identity)) => Check::passed(NAME, format!("{} is {}", found.access_key_id, identity.arn)),
        Ok(None) => {
            let message =
                format!("{}: this server has no STS to ask, the next checks tell", found.access_key_id);
            Check::skipped(NAME, message)
        }
        // A store of one's own need not answer for STS, or makes of the question what it likes; AWS must.
        Err(error) if s3.is_compatible_store => {
            let said = error.problem();
            Check::skipped(NAME, format!("{}: no STS has answered for it ({said})", found.access_key_id))
        }
        Err(error) => Check::failed(NAME, &error),
    }
}
