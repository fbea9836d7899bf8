//! What commands read: a catalog directory or a store, at an instant.

use std::path::Path;

use anyhow::Context;
use domesday_model::Instant;
use domesday_sources::{Diagnostic, Loaded};
use domesday_store::{ApplyOptions, Store, StoreError};

use crate::cli::StoreArg;
use crate::diagnostics::{InvalidCatalog, print_warnings};
use crate::output::Output;

/// Returns the given instant, or now.
pub(crate) fn instant_or_now(given: Option<Instant>) -> Instant {
    given.unwrap_or_else(|| Instant::from(jiff::Timestamp::now()))
}

/// Loads a catalog directory and prints its warnings.
pub(crate) fn load_catalog(dir: &Path, output: Output) -> anyhow::Result<Loaded> {
    let loaded = InvalidCatalog::load(dir, output)?;
    print_warnings(&loaded.warnings, output);
    Ok(loaded)
}

/// Opens the store to read: a catalog directory loaded into memory, or the store that is named.
pub(crate) fn open_store(
    catalog: Option<&Path>,
    store: &StoreArg,
    at: Instant,
    output: Output,
) -> anyhow::Result<Store> {
    open_with_warnings(catalog, store, at, output).map(|(store, _)| store)
}

/// Opens the store to read, as [`open_store`] does, and returns the warnings of the catalog directory.
pub(crate) fn open_with_warnings(
    catalog: Option<&Path>,
    store: &StoreArg,
    at: Instant,
    output: Output,
) -> anyhow::Result<(Store, Vec<Diagnostic>)> {
    let Some(dir) = catalog else {
        let store = store.location()?;
        return store.open_existing().map_err(|error| match error {
            StoreError::NoStore { .. } => anyhow::anyhow!(
                "there is no store {store}\nhelp: name a catalog directory with `--catalog DIR`, or create a store with \
                 `domesday apply DIR --store {store}`"
            ),
            error => error.into(),
        }).map(|store| (store, Vec::new()));
    };
    let Loaded { catalog, warnings, .. } = load_catalog(dir, output)?;
    let mut store = Store::in_memory()?;
    store
        .apply(&catalog, ApplyOptions { at, prune: false, dry_run: false })
        .context("cannot load the catalog")?;
    Ok((store, warnings))
}
