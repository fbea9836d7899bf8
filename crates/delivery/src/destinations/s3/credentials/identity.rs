//! Who signs, as a configuration says it.

use secrecy::SecretString;

use super::validation;
use crate::{DeliveryError, TenantName};

/// Who signs.
#[derive(Debug, Clone)]
pub enum SigningIdentity {
    /// A user's access key.
    AccessKey {
        /// Its id, which is no secret.
        access_key_id: String,
        /// Its secret.
        secret_access_key: SecretString,
    },
    /// The identity that the environment provides.
    Ambient,
}

impl SigningIdentity {
    /// Creates an access key, validated as far as that is possible without a call.
    ///
    /// # Errors
    /// When its id or its secret is invalid; the message names them as the API does and repeats no secret.
    pub fn access_key(access_key_id: &str, secret_access_key: SecretString) -> Result<Self, DeliveryError> {
        validation::check_access_key_id(access_key_id, "`accessKeyId`")?;
        validation::check_secret(&secret_access_key, "`secretAccessKey`")?;
        Ok(Self::AccessKey { access_key_id: access_key_id.to_owned(), secret_access_key })
    }
}

/// A role that a configuration names, to be assumed before any other call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedRole {
    /// Its ARN.
    pub arn: String,
    /// The external id that its trust policy requires, which is no secret; the tenant's id when none is set.
    pub external_id: Option<String>,
}

impl AssumedRole {
    /// Creates a role, validated as far as that is possible without a call.
    ///
    /// # Errors
    /// When its ARN or the external id is invalid.
    pub fn new(arn: &str, external_id: Option<&str>) -> Result<Self, DeliveryError> {
        validation::check_role_arn(arn, "the role's ARN")?;
        if let Some(id) = external_id {
            validation::check_external_id(id, "the external id")?;
        }
        Ok(Self { arn: arn.to_owned(), external_id: external_id.map(str::to_owned) })
    }
}

/// A role as STS is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleSession {
    pub(crate) arn: String,
    /// Empty for none.
    pub(crate) external_id: String,
    /// The name of the session in the records of the role's owner.
    pub(crate) name: String,
    /// How long it lasts, in seconds.
    pub(crate) seconds: u32,
}

/// The default lifetime of a role's session, in seconds; every role allows it.
pub(super) const SESSION_SECONDS: u32 = 3600;

/// The name of a session that nobody named.
pub(super) const SESSION_NAME: &str = "domesday";

impl RoleSession {
    /// Creates a session for a tenant, named after it as far as STS accepts its characters.
    pub(crate) fn new(role: &AssumedRole, tenant: &TenantName) -> Self {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        let name = tenant.name.chars().map(|c| if is_allowed(c) { c } else { '-' });
        Self {
            arn: role.arn.clone(),
            external_id: role.external_id.clone().unwrap_or_else(|| tenant.id.to_string()),
            name: format!("{SESSION_NAME}-{}", name.take(55).collect::<String>()),
            seconds: SESSION_SECONDS,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let identity =
            SigningIdentity::AccessKey { access_key_id: "AKIA1".into(), secret_access_key: "s3cr3t".into() };
        let shown = format!("{identity:?}");
        assert!(shown.contains("AKIA1") && !shown.contains("s3cr3t"), "{shown}");
    }

    #[test]
    fn sessions_are_named_after_the_tenant_in_characters_that_sts_takes() {
        let session = |tenant: &str, external_id: Option<&str>| {
            let role = AssumedRole { arn: "arn".into(), external_id: external_id.map(Into::into) };
            RoleSession::new(&role, &TenantName { id: Uuid::from_u128(7), name: tenant.into() })
        };
        let name = |tenant: &str| session(tenant, None).name;
        assert_eq!(session("Acme", None).external_id, "00000000-0000-0000-0000-000000000007");
        assert_eq!(session("Acme", Some("agreed")).external_id, "agreed");
        assert_eq!(name("Acme"), "domesday-Acme");
        assert_eq!(name("Müller & Söhne"), "domesday-M-ller---S-hne");
        assert_eq!(name(&"x".repeat(100)).len(), 64);
    }
}
