//! The order in which providers are asked: that of the AWS command line.

use super::assume_role::AssumeRoleProvider;
use super::container::ContainerProvider;
use super::credentials_value::Credentials;
use super::environment_keys::EnvironmentProvider;
use super::instance::InstanceProvider;
use super::profile_chain::profile_providers;
use super::provider::{CredentialsProvider, ProviderContext};
use crate::DeliveryError;
use crate::destinations::s3::shared_config::SharedConfig;

/// Finds the first credentials that the environment provides, and the name of the provider. A place that is configured
/// and does not work is an error, not a reason to look further.
///
/// # Errors
/// When a place does not work, or none is configured.
pub(crate) fn find_credentials(
    context: &ProviderContext,
) -> Result<(Credentials, &'static str), DeliveryError> {
    let config = SharedConfig::load(&context.environment)?;
    let profile = config.chosen_profile();
    let mut providers: Vec<Box<dyn CredentialsProvider + '_>> =
        vec![Box::new(EnvironmentProvider), Box::new(AssumeRoleProvider::new(&config, profile.name))];
    providers.extend(profile_providers(&config, profile, true));
    providers.push(Box::new(ContainerProvider));
    for provider in &providers {
        if let Some(found) = provider.provide(context)? {
            return Ok((found, provider.name()));
        }
    }
    let instance = InstanceProvider { config: &config };
    let reason = match instance.provide(context) {
        Ok(Some(found)) => return Ok((found, instance.name())),
        Ok(None) => "and AWS_EC2_METADATA_DISABLED is set".to_owned(),
        Err(DeliveryError::NoCredentials { tried }) => format!("and {tried}"),
        Err(error) => format!("and {}", error.problem()),
    };
    Err(DeliveryError::NoCredentials {
        tried: format!(
            "AWS_ACCESS_KEY_ID is not set, the profile `{}` has no credentials, there is no web identity and no \
             container, {reason}",
            profile.name
        ),
    })
}
