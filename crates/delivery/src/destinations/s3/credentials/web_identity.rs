//! Web identity: a token in a file, which STS exchanges for a role's credentials. Kubernetes gives its pods such tokens.

use super::credentials_value::Credentials;
use super::identity::SESSION_NAME;
use super::provider::{CredentialsProvider, ProviderContext};
use super::validation;
use crate::DeliveryError;
use crate::destinations::s3::shared_config::Profile;
use crate::destinations::s3::sts;

/// Assumes the role that the environment or a profile names together with a token.
pub(super) struct WebIdentityProvider<'a> {
    pub(super) profile: Profile<'a>,
    pub(super) reads_environment: bool,
}

impl CredentialsProvider for WebIdentityProvider<'_> {
    fn name(&self) -> &'static str {
        "web-identity"
    }

    fn provide(&self, context: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        let get = |variable: &str, key: &str| {
            let variable = context.environment.get(variable).filter(|_| self.reads_environment);
            variable.or_else(|| self.profile.get(key)).filter(|value| !value.is_empty())
        };
        let Some(file) = get("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file") else {
            return Ok(None);
        };
        let role = get("AWS_ROLE_ARN", "role_arn").ok_or_else(|| DeliveryError::NoCredentials {
            tried:
                "a web identity token file is set, and no role: set AWS_ROLE_ARN, or role_arn in the profile"
                    .to_owned(),
        })?;
        validation::check_role_arn(role, "AWS_ROLE_ARN, or role_arn of the profile,")?;
        let session_name = get("AWS_ROLE_SESSION_NAME", "role_session_name").unwrap_or(SESSION_NAME);
        // The file is read each time, since the token is renewed in it.
        let token = std::fs::read_to_string(file).map_err(|source| DeliveryError::from_io(file, source))?;
        sts::assume_role_with_web_identity(context, role, session_name, token.trim()).map(Some)
    }
}
