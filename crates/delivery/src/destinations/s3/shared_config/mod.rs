//! The configuration files that AWS's tools share: `~/.aws/config` and `~/.aws/credentials`.

mod ini;
mod profiles;

pub(crate) use profiles::{KeyFile, Profile, SharedConfig};
