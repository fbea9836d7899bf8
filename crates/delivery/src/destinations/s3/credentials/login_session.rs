//! A profile that signs in by `aws login`: its sessions are bound to a key of the tool that opened them.

use super::credentials_value::Credentials;
use super::provider::{CredentialsProvider, ProviderContext};
use crate::DeliveryError;
use crate::destinations::s3::shared_config::Profile;

/// Refuses such a profile with the way that works.
pub(super) struct LoginSessionProvider<'a> {
    pub(super) profile: Profile<'a>,
}

impl CredentialsProvider for LoginSessionProvider<'_> {
    fn name(&self) -> &'static str {
        "login"
    }

    fn provide(&self, _: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        if !self.profile.has("login_session") {
            return Ok(None);
        }
        let name = self.profile.name;
        Err(self.profile.unusable(&format!(
            "signs in by `aws login`, which is not supported; name `aws configure export-credentials --profile {name}` \
             as the credential_process of another profile"
        )))
    }
}
