//! The example company in a temporary store, for `domesday serve --demo`.

use anyhow::Context;
use domesday_model::Instant;
use domesday_service::Config;
use domesday_sources::example;
use domesday_store::{ApplyOptions, Store};
use tempfile::TempDir;

use crate::input::instant_or_now;
use crate::service_config::config_with_store;

/// The file of the store.
const STORE: &str = "demo.db";

/// A temporary store with the example company, which is deleted when this is dropped.
pub(crate) struct Demo {
    directory: TempDir,
}

impl Demo {
    /// Creates the store.
    ///
    /// # Errors
    /// When the temporary directory cannot be written.
    pub(crate) fn prepare() -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("domesday-demo-").tempdir();
        let directory = directory.context("cannot create the temporary store")?;
        let loaded =
            domesday_sources::load_files(example::files(true)).context("the example company has no file")?;
        let loaded = loaded.map_err(|wrong| anyhow::anyhow!("the example company is not valid: {wrong}"))?;
        let at: Instant = instant_or_now(None);
        let mut store = Store::open(&directory.path().join(STORE))?;
        store.apply(&loaded.catalog, ApplyOptions { at, prune: false, dry_run: false })?;
        Ok(Self { directory })
    }

    /// Returns the configuration of a service with this store.
    ///
    /// # Errors
    /// With every mistake in the environment.
    pub(crate) fn config(&self) -> anyhow::Result<Config> {
        config_with_store(&self.directory.path().join(STORE))
    }

    /// Deletes the store before the process exits at once. What cannot be deleted is left to the system.
    pub(crate) fn delete(demo: Option<&Self>) {
        if let Some(demo) = demo {
            let _ = std::fs::remove_dir_all(demo.directory.path());
        }
    }
}
