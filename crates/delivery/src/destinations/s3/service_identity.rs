//! The identity of the service itself: the owner of the credentials that the environment provides.
//!
//! The owner of a role has to name this identity in the trust policy, so set-up shows it.

use std::time::Duration;

use uuid::Uuid;

use super::access::S3Access;
use super::bucket::S3Bucket;
use super::credentials::SigningIdentity;
use super::settings::S3Settings;
use super::sts::caller_identity;
use crate::{CallContext, DeliveryError, Environment, TenantName};

/// No bucket is called, but settings need the name of one.
const NO_BUCKET: &str = "domesday";

/// The limit for finding credentials and calling STS together.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Who a service is for AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceIdentity {
    /// The ARN that STS reports: of a user, or of the session of a role.
    pub arn: String,
    /// The ARN that policies name: of the user, or of the role.
    pub principal: String,
    /// What to check before a policy names the principal.
    pub note: Option<&'static str>,
}

/// STS reports the session of a role without the path of the role.
const PATH_NOTE: &str = "STS does not report the path of a role. If the role has one (`aws iam get-role` shows its ARN), \
                         name that ARN as the principal instead";

impl ServiceIdentity {
    /// Derives the identity from an ARN that STS reports.
    #[must_use]
    pub fn from_arn(arn: &str) -> Self {
        let parts: Vec<_> = arn.splitn(6, ':').collect();
        let role = match parts.as_slice() {
            ["arn", partition, "sts", _, account, session] => session
                .strip_prefix("assumed-role/")
                // A role's name has no slash; the name of the session follows it.
                .and_then(|session| session.split('/').next())
                .map(|name| format!("arn:{partition}:iam::{account}:role/{name}")),
            _ => None,
        };
        let note = role.is_some().then_some(PATH_NOTE);
        Self { arn: arn.to_owned(), principal: role.unwrap_or_else(|| arn.to_owned()), note }
    }
}

/// Asks STS for the identity of the credentials that the environment provides, before a role is assumed. It takes no
/// permission.
///
/// # Errors
/// When there are no credentials, they are not accepted, or the server has no STS.
pub fn service_identity(
    region: &str,
    endpoint: Option<&str>,
    environment: Environment,
) -> Result<ServiceIdentity, DeliveryError> {
    let settings = S3Settings::new(NO_BUCKET, "", region)?.with(endpoint, None, None)?;
    let access = S3Access::new(SigningIdentity::Ambient, None, environment);
    let nobody = TenantName { id: Uuid::nil(), name: String::new() };
    let call_context = CallContext::new();
    let cancellation = call_context.cancellation.with_deadline(&call_context.clock, TIME_LIMIT);
    let bucket = S3Bucket::open(&settings, access, &nobody, CallContext { cancellation, ..call_context })?;
    let resolver = &bucket.client.credentials;
    let found = caller_identity(resolver.context(), &*resolver.current()?)?;
    let found = found.ok_or_else(|| DeliveryError::Configuration {
        message: "the server does not say whose the service's credentials are: it has no STS".to_owned(),
    })?;
    Ok(ServiceIdentity::from_arn(&found.arn))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_name_the_role_of_a_session() {
        for (arn, principal) in [
            ("arn:aws:iam::111122223333:user/team/domesday", "arn:aws:iam::111122223333:user/team/domesday"),
            (
                "arn:aws:sts::111122223333:assumed-role/domesday/i-0abc",
                "arn:aws:iam::111122223333:role/domesday",
            ),
            (
                "arn:aws-us-gov:sts::111122223333:assumed-role/domesday/a/b",
                "arn:aws-us-gov:iam::111122223333:role/domesday",
            ),
            ("arn:aws:sts::111122223333:federated-user/ada", "arn:aws:sts::111122223333:federated-user/ada"),
            ("arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:root"),
        ] {
            let identity = ServiceIdentity::from_arn(arn);
            assert_eq!((identity.arn.as_str(), identity.principal.as_str()), (arn, principal));
            assert_eq!(identity.note.is_some(), arn.contains("assumed-role"), "{arn}");
        }
    }
}
