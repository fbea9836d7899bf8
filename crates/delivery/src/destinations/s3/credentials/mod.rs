//! Whose credentials sign: an access key, or what the environment provides; and a role assumed with them.
//!
//! A provider is one place where credentials are found. `default_chain` asks the providers in the order of the AWS
//! command line, `resolver` adds the role that a destination names, and `cache` keeps credentials until shortly
//! before it expires, so that a run may take as long as it must. `tests/s3/test_oracle.py` compares all of that with
//! botocore.

mod agent_document;
mod assume_role;
mod cache;
mod container;
mod credentials_value;
mod default_chain;
mod environment_keys;
mod identity;
mod instance;
mod login_session;
mod process;
mod profile_chain;
mod profile_keys;
mod provider;
mod resolver;
mod sso;
mod sso_token;
mod validation;
mod web_identity;

pub(crate) use credentials_value::{Credentials, PartNames};
pub(crate) use default_chain::find_credentials;
pub(crate) use identity::RoleSession;
pub use identity::{AssumedRole, SigningIdentity};
pub(crate) use provider::ProviderContext;
pub(crate) use resolver::CredentialsResolver;

#[cfg(test)]
mod profile_tests;
