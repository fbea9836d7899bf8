//! The configuration of the service, as the commands beside it read it.

use std::cell::RefCell;

use domesday_service::{Config, ConfigError};

use crate::cli::ConfigFileArg;

/// Reads the configuration from the file and the environment.
///
/// # Errors
/// With every mistake of the configuration.
pub(crate) fn read_config(arg: &ConfigFileArg) -> anyhow::Result<Config> {
    let unreadable = RefCell::new(Vec::new());
    let variable = |name: &str| {
        let value = std::env::var_os(name)?;
        // Treated as not set, the default would apply instead.
        value.into_string().map_err(|_| unreadable.borrow_mut().push(format!("{name} is not UTF-8"))).ok()
    };
    let config = Config::read(arg.config.as_deref(), variable);
    let unreadable = unreadable.into_inner();
    match config {
        Ok(config) if unreadable.is_empty() => Ok(config),
        Ok(_) => Err(ConfigError(unreadable).into()),
        Err(ConfigError(mut mistakes)) => {
            mistakes.extend(unreadable);
            Err(ConfigError(mistakes).into())
        }
    }
}
