//! The credentials of a destination: of its identity, or of the role that the identity assumes.

use std::sync::Arc;

use jiff::Timestamp;

use super::cache::CachedCredentials;
use super::credentials_value::Credentials;
use super::default_chain::find_credentials;
use super::identity::{RoleSession, SigningIdentity};
use super::provider::ProviderContext;
use crate::DeliveryError;
use crate::destinations::s3::sts;

/// Resolves credentials whenever a request is signed.
#[derive(Debug)]
pub(crate) struct CredentialsResolver {
    context: ProviderContext,
    identity: SigningIdentity,
    role: Option<RoleSession>,
    identity_credentials: CachedCredentials,
    role_credentials: CachedCredentials,
}

impl CredentialsResolver {
    pub(crate) fn new(
        context: ProviderContext,
        identity: SigningIdentity,
        role: Option<RoleSession>,
    ) -> Self {
        let (identity_credentials, role_credentials) = Default::default();
        Self { context, identity, role, identity_credentials, role_credentials }
    }

    /// Returns the credentials to sign with now.
    ///
    /// # Errors
    /// When there are none, or the role cannot be assumed.
    pub(crate) fn current(&self) -> Result<Arc<Credentials>, DeliveryError> {
        let now = self.context.now();
        let Some(role) = &self.role else { return self.identity_credentials(now) };
        self.role_credentials
            .get(now, || sts::assume_role(&self.context, self.identity_credentials(now)?.as_ref(), role))
    }

    /// Removes credentials that were refused as expired from the caches.
    pub(crate) fn invalidate(&self, refused: &Credentials) {
        self.identity_credentials.invalidate(refused);
        self.role_credentials.invalidate(refused);
    }

    pub(crate) fn role(&self) -> Option<&RoleSession> {
        self.role.as_ref()
    }

    pub(crate) fn context(&self) -> &ProviderContext {
        &self.context
    }

    fn identity_credentials(&self, now: Timestamp) -> Result<Arc<Credentials>, DeliveryError> {
        self.identity_credentials.get(now, || match &self.identity {
            SigningIdentity::Ambient => Ok(find_credentials(&self.context)?.0),
            SigningIdentity::AccessKey { access_key_id, secret_access_key } => Ok(Credentials {
                access_key_id: access_key_id.clone(),
                secret_access_key: secret_access_key.clone(),
                session_token: None,
                expires_at: None,
            }),
        })
    }
}
