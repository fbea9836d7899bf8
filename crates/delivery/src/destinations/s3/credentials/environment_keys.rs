//! A key in the environment: `AWS_ACCESS_KEY_ID` and the variables beside it.

use super::credentials_value::{Credentials, PartNames};
use super::provider::{CredentialsProvider, ProviderContext};
use crate::DeliveryError;
use crate::timestamps::parse_time;

/// Reads the variables of a key.
pub(super) struct EnvironmentProvider;

/// The variables that may contain the session token; the older name counts first.
const TOKENS: [&str; 2] = ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"];

impl CredentialsProvider for EnvironmentProvider {
    fn name(&self) -> &'static str {
        "environment"
    }

    fn provide(&self, context: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        let get = |name| context.environment.get(name);
        let Some(access_key_id) = get("AWS_ACCESS_KEY_ID") else { return Ok(None) };
        let secret = get("AWS_SECRET_ACCESS_KEY").ok_or_else(|| DeliveryError::NoCredentials {
            tried: "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not".to_owned(),
        })?;
        let token = TOKENS.into_iter().find(|name| get(name).is_some());
        let expires_at = match get("AWS_CREDENTIAL_EXPIRATION") {
            None => None,
            Some(end) => Some(parse_time(end).ok_or_else(|| DeliveryError::Configuration {
                message: "AWS_CREDENTIAL_EXPIRATION is no time such as 2026-11-24T02:00:00Z".to_owned(),
            })?),
        };
        let names = PartNames {
            id: "AWS_ACCESS_KEY_ID",
            secret: "AWS_SECRET_ACCESS_KEY",
            token: token.unwrap_or(TOKENS[1]),
        };
        let token = token.and_then(get).map(Into::into);
        let found = Credentials::new(access_key_id, secret.into(), token, expires_at, names)?;
        found.check_unexpired(context.now(), "the environment").map(Some)
    }
}
