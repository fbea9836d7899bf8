//! A profile that assumes a role with the credentials of another profile, or of another provider.

use super::container::ContainerProvider;
use super::credentials_value::Credentials;
use super::environment_keys::EnvironmentProvider;
use super::identity::{RoleSession, SESSION_NAME, SESSION_SECONDS};
use super::instance::InstanceProvider;
use super::profile_chain::profile_providers;
use super::provider::{CredentialsProvider, ProviderContext};
use super::validation;
use crate::DeliveryError;
use crate::destinations::s3::shared_config::{Profile, SharedConfig};
use crate::destinations::s3::sts;

/// Assumes the role of a profile, and of the profiles that it refers to, one with the other's credentials.
pub(super) struct AssumeRoleProvider<'a> {
    config: &'a SharedConfig,
    profile: &'a str,
}

impl<'a> AssumeRoleProvider<'a> {
    pub(super) fn new(config: &'a SharedConfig, profile: &'a str) -> Self {
        Self { config, profile }
    }
}

impl CredentialsProvider for AssumeRoleProvider<'_> {
    fn name(&self) -> &'static str {
        "assume-role"
    }

    fn provide(&self, context: &ProviderContext) -> Result<Option<Credentials>, DeliveryError> {
        match self.config.profile(self.profile).filter(assumes_role) {
            None => Ok(None),
            Some(profile) => assume_role(context, self.config, profile, &mut vec![profile.name]).map(Some),
        }
    }
}

/// Whether a profile names a role that is assumed with other credentials than a web identity.
fn assumes_role(profile: &Profile<'_>) -> bool {
    profile.has("role_arn") && !profile.has("web_identity_token_file")
}

/// Whether a profile names a key, or a part of one.
fn has_key(profile: &Profile<'_>) -> bool {
    profile.has("aws_access_key_id") || profile.has("aws_secret_access_key")
}

/// Assumes the role of a profile. `visited` are the profiles that led to it.
fn assume_role<'a>(
    context: &ProviderContext,
    config: &'a SharedConfig,
    profile: Profile<'a>,
    visited: &mut Vec<&'a str>,
) -> Result<Credentials, DeliveryError> {
    let get = |key| profile.get(key);
    let source = match (get("source_profile"), get("credential_source")) {
        (Some(_), Some(_)) => {
            return Err(
                profile.unusable("has both a source_profile and a credential_source; remove one of them")
            );
        }
        (None, None) => {
            return Err(profile.unusable("has a role_arn and no source_profile or credential_source"));
        }
        (Some(source), None) => source_profile_credentials(context, config, profile, source, visited)?,
        (None, Some(source)) => credential_source(context, config, profile, source)?,
    };
    if profile.has("mfa_serial") {
        return Err(profile.unusable("requires a second factor (mfa_serial), which a service cannot give"));
    }
    let arn = get("role_arn").unwrap_or_default();
    validation::check_role_arn(arn, &format!("role_arn of the profile `{}`", profile.name))?;
    let role = RoleSession {
        arn: arn.to_owned(),
        external_id: get("external_id").unwrap_or_default().to_owned(),
        name: get("role_session_name").unwrap_or(SESSION_NAME).to_owned(),
        seconds: get("duration_seconds").and_then(|text| text.parse().ok()).unwrap_or(SESSION_SECONDS),
    };
    sts::assume_role(context, &source, &role)
}

/// Finds the credentials of the profile that another names as its `source_profile`. A profile may name itself when it
/// has a key.
fn source_profile_credentials<'a>(
    context: &ProviderContext,
    config: &'a SharedConfig,
    profile: Profile<'a>,
    source: &str,
    visited: &mut Vec<&'a str>,
) -> Result<Credentials, DeliveryError> {
    let Some(source) = config.profile(source) else {
        return Err(profile.unusable(&format!("names the source_profile `{source}`, which does not exist")));
    };
    let is_own_key = source.name == profile.name && has_key(&source);
    if visited.contains(&source.name) && !is_own_key {
        return Err(profile.unusable(&format!("goes in a circle with its source_profile `{}`", source.name)));
    }
    visited.push(source.name);
    if assumes_role(&source) && !has_key(&source) {
        return assume_role(context, config, source, visited);
    }
    for provider in profile_providers(config, source, false) {
        if let Some(found) = provider.provide(context)? {
            return Ok(found);
        }
    }
    Err(source.unusable("has no credentials"))
}

/// Finds the credentials of the provider that a profile names.
fn credential_source(
    context: &ProviderContext,
    config: &SharedConfig,
    profile: Profile<'_>,
    source: &str,
) -> Result<Credentials, DeliveryError> {
    let provider: Box<dyn CredentialsProvider + '_> = match source {
        "Environment" => Box::new(EnvironmentProvider),
        "EcsContainer" => Box::new(ContainerProvider),
        "Ec2InstanceMetadata" => Box::new(InstanceProvider { config }),
        other => {
            return Err(
                profile.unusable(&format!("names the credential_source {other}, which does not exist"))
            );
        }
    };
    let found = provider.provide(context)?;
    found.ok_or_else(|| profile.unusable(&format!("names the credential_source {source}, which has none")))
}
