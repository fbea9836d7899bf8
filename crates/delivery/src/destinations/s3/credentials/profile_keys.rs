//! A key in a profile.

use super::credentials_value::{Credentials, PartNames};
use super::provider::{CredentialsProvider, ProviderContext};
use crate::DeliveryError;
use crate::destinations::s3::shared_config::{KeyFile, Profile};

/// Reads the key that a profile has in one of the two files.
pub(super) struct ProfileKeysProvider<'a> {
    /// The profile's settings in that file.
    pub(super) profile: Profile<'a>,
    pub(super) file: KeyFile,
}

impl CredentialsProvider for ProfileKeysProvider<'_> {
    fn name(&self) -> &'static str {
        match self.file {
            KeyFile::Credentials => "credentials-file",
            KeyFile::Config => "config-file",
        }
    }

    fn provide(&self, _: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        let profile = &self.profile;
        let Some(access_key_id) = profile.get("aws_access_key_id") else { return Ok(None) };
        let secret = profile
            .get("aws_secret_access_key")
            .ok_or_else(|| profile.unusable("has an aws_access_key_id and no aws_secret_access_key"))?;
        let token = profile.get("aws_security_token").or_else(|| profile.get("aws_session_token"));
        let name = |part: &str| format!("{part} of the profile `{}`", profile.name);
        let names = PartNames {
            id: &name("aws_access_key_id"),
            secret: &name("aws_secret_access_key"),
            token: &name("aws_session_token"),
        };
        Credentials::new(access_key_id, secret.into(), token.map(Into::into), None, names).map(Some)
    }
}
