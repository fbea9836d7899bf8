//! The order in which one profile is searched.

use super::login_session::LoginSessionProvider;
use super::process::ProcessProvider;
use super::profile_keys::ProfileKeysProvider;
use super::provider::CredentialsProvider;
use super::sso::SsoProvider;
use super::web_identity::WebIdentityProvider;
use crate::destinations::s3::shared_config::{KeyFile, Profile, SharedConfig};

/// Returns the providers of a profile that assumes no role with other credentials. `reads_environment` adds the
/// variables for web identity, which outrank the profile; a source profile is taken as it is written.
pub(super) fn profile_providers<'a>(
    config: &'a SharedConfig,
    profile: Profile<'a>,
    reads_environment: bool,
) -> Vec<Box<dyn CredentialsProvider + 'a>> {
    let keys =
        |file| Box::new(ProfileKeysProvider { profile: config.profile_in_file(profile.name, file), file });
    vec![
        Box::new(WebIdentityProvider { profile, reads_environment }),
        Box::new(SsoProvider { config, profile }),
        keys(KeyFile::Credentials),
        Box::new(LoginSessionProvider { profile }),
        Box::new(ProcessProvider { profile }),
        keys(KeyFile::Config),
    ]
}
