//! The configuration of the service, as the commands beside it read it.

use std::cell::RefCell;
use std::ffi::OsString;
use std::path::Path;

use domesday_service::{Config, ConfigError, SecretKey};

use crate::cli::ConfigFileArg;

/// Reads the configuration from the file and the environment.
///
/// # Errors
/// With every mistake of the configuration.
pub(crate) fn read_config(arg: &ConfigFileArg) -> anyhow::Result<Config> {
    read(arg.config.as_deref(), |_| None)
}

/// Reads the configuration of a service with this store, and with the key beside it: the settings of the server and the log
/// from the environment, else the defaults.
///
/// # Errors
/// With every mistake of the configuration.
pub(crate) fn config_with_store(store: &Path) -> anyhow::Result<Config> {
    let is_taken = |name: &str| {
        ["DOMESDAY_LISTEN", "DOMESDAY_OPERATIONS_LISTEN", "DOMESDAY_PUBLIC_URL", "DOMESDAY_LOG"]
            .contains(&name)
            || name.starts_with("DOMESDAY_TLS_")
            || name == "DOMESDAY_ALLOWED_ENDPOINTS"
    };
    read(None, |name| match name {
        "DOMESDAY_STORE" => Some(Some(store.as_os_str().to_owned())),
        name if is_taken(name) => None,
        _ => Some(None),
    })
}

/// Reads the configuration; `replacement` returns what counts in place of a variable.
fn read(
    path: Option<&Path>,
    replacement: impl Fn(&str) -> Option<Option<OsString>>,
) -> anyhow::Result<Config> {
    let unreadable = RefCell::new(Vec::new());
    let variable = |name: &str| {
        let value = replacement(name).unwrap_or_else(|| std::env::var_os(name))?;
        // Treated as not set, the default would apply instead.
        value.into_string().map_err(|_| unreadable.borrow_mut().push(format!("{name} is not UTF-8"))).ok()
    };
    let config = Config::read(path, variable);
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

/// Returns the configured key as one that must exist: a key created now has sealed nothing.
pub(crate) fn existing_key(key: &SecretKey) -> SecretKey {
    match key {
        SecretKey::File { path, .. } => SecretKey::File { path: path.clone(), make: false },
        given @ SecretKey::Given(_) => given.clone(),
    }
}
