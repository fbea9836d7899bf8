//! Whether a bucket takes summaries: exactly what a delivery does is tried, and no more.

use std::time::Duration;

use super::access::S3Access;
use super::bucket::S3Bucket;
use super::settings::S3Settings;
use super::sts::caller_identity;
use crate::layout::{probe_key, version_prefix};
use crate::{CallContext, CheckStatus, DeliveryError, TenantName, VerificationCheck};

/// The limit for all checks together; an endpoint that needs longer takes no summary in time.
const TIME_LIMIT: Duration = Duration::from_secs(45);

/// The limit for one call of them, so that each check has its turn.
const CALL_LIMIT: Duration = Duration::from_secs(15);

/// The content of the probe, for its readers.
const PROBE: &str = "Written by domesday to see whether it may; overwritten each time.\n";

/// Runs the checks of a bucket, for 45 seconds at most: every check that is possible, so that one round of fixes can be
/// enough.
pub(super) fn check_bucket(
    settings: &S3Settings,
    access: &S3Access,
    tenant: &TenantName,
    call_context: &CallContext,
) -> Vec<VerificationCheck> {
    let call_context = call_context.with_deadline(TIME_LIMIT);
    let mut access = access.clone();
    access.timeouts.call = access.timeouts.call.min(CALL_LIMIT);
    let bucket = match S3Bucket::open(settings, access, tenant, call_context) {
        Ok(bucket) => bucket,
        Err(error) => return with_skipped(VerificationCheck::failed("credentials", &error)),
    };
    let credentials = credentials(&bucket);
    if credentials.status == CheckStatus::Failed {
        return with_skipped(credentials);
    }
    let within = settings.full_key(&version_prefix());
    let list = match bucket.client.list(&within, None) {
        Ok(_) => {
            VerificationCheck::passed("list", format!("{} can be listed under {within}", settings.bucket))
        }
        // Without STS, the bucket is the first to check the credentials.
        Err(error) if is_about_credentials(&error) => {
            return with_skipped(VerificationCheck::failed("credentials", &error));
        }
        Err(error) => VerificationCheck::failed("list", &error),
    };
    let put = match bucket.client.put_text(&probe_key(), PROBE) {
        Ok(()) => VerificationCheck::passed("put", format!("{} was put", settings.full_key(&probe_key()))),
        Err(error) => VerificationCheck::failed("put", &error),
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

fn with_skipped(credentials: VerificationCheck) -> Vec<VerificationCheck> {
    let skipped = |name| VerificationCheck::skipped(name, "not tried without credentials");
    vec![credentials, skipped("list"), skipped("put")]
}

fn credentials(bucket: &S3Bucket) -> VerificationCheck {
    const NAME: &str = "credentials";
    let resolver = &bucket.client.credentials;
    let found = match resolver.current() {
        Ok(found) => found,
        Err(error) => return VerificationCheck::failed(NAME, &error),
    };
    if let Some(role) = resolver.role() {
        let message = format!("the role {} was assumed with the external id {}", role.arn, role.external_id);
        return VerificationCheck::passed(NAME, message);
    }
    match caller_identity(resolver.context(), &found) {
        Ok(Some(identity)) => {
            VerificationCheck::passed(NAME, format!("{} is {}", found.access_key_id, identity.arn))
        }
        Ok(None) => {
            let message = format!(
                "{}: this server has no STS to ask, the next checks show whether it is accepted",
                found.access_key_id
            );
            VerificationCheck::skipped(NAME, message)
        }
        // Other stores may have no STS, or take the call for another one; AWS has one.
        Err(error) if bucket.is_compatible_store => {
            let reason = error.problem();
            VerificationCheck::skipped(
                NAME,
                format!("{}: no STS has answered for it ({reason})", found.access_key_id),
            )
        }
        Err(error) => VerificationCheck::failed(NAME, &error),
    }
}
