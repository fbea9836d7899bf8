//! Web identity: a token in a file, which STS takes for a role's credentials. What Kubernetes gives its pods.

use std::path::Path;

use super::{Credentials, Means, checks, sts};
use crate::DeliveryError;

/// The credentials of the role that the environment names with a token; `None` when it names none.
pub(super) fn credentials(means: &Means) -> Result<Option<Credentials>, DeliveryError> {
    let get = |name| means.environment.get(name);
    let Some(file) = get("AWS_WEB_IDENTITY_TOKEN_FILE") else { return Ok(None) };
    let role = get("AWS_ROLE_ARN").ok_or_else(|| DeliveryError::NoCredentials {
        tried: "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not".to_owned(),
    })?;
    checks::check_role_arn(role, "AWS_ROLE_ARN")?;
    from_file(means, Path::new(file), role, get("AWS_ROLE_SESSION_NAME")).map(Some)
}

/// The credentials of a role for the token in a file. It is read each time, since it is renewed there.
pub(super) fn from_file(
    means: &Means,
    file: &Path,
    role: &str,
    session_name: Option<&str>,
) -> Result<Credentials, DeliveryError> {
    let token = std::fs::read_to_string(file).map_err(|source| DeliveryError::from_io(file, source))?;
    sts::assume_role_with_web_identity(means, role, session_name.unwrap_or("domesday"), token.trim())
}
