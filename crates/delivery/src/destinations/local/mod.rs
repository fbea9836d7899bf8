//! A directory of this machine as a destination.

mod config;
mod directory;

pub use config::LocalConfig;
pub(super) use config::LocalKind;
