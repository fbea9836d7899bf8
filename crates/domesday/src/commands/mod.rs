//! A module a command; what several of them need to start stands here.

pub(crate) mod apply;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod destination;
pub(crate) mod diff;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod key;
pub(crate) mod openapi;
pub(crate) mod policy;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod target;

use std::path::Path;

use anyhow::Context;
use domesday_model::Instant;
use domesday_sources::{Diagnostic, Loaded};
use domesday_store::{ApplyOptions, Store, StoreError};

use crate::cli::StoreArg;
use crate::diagnostics::{InvalidCatalog, print_warnings};
use crate::output::Output;

/// The instant given, or now.
pub(crate) fn instant(given: Option<Instant>) -> Instant {
    given.unwrap_or_else(|| Instant::from(jiff::Timestamp::now()))
}

/// Reads a catalog directory, printing its warnings.
pub(crate) fn load_catalog(dir: &Path, output: Output) -> anyhow::Result<Loaded> {
    let loaded = InvalidCatalog::load(dir, output)?;
    print_warnings(&loaded.warnings, output);
    Ok(loaded)
}

/// The store to look at: one in memory that holds just the catalog directory, or the one that is named.
pub(crate) fn open_store(
    catalog: Option<&Path>,
    store: &StoreArg,
    at: Instant,
    output: Output,
) -> anyhow::Result<Store> {
    open_with_warnings(catalog, store, at, output).map(|(store, _)| store)
}

/// [`open_store`], with the warnings of the catalog directory.
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
                "there is no store {store}; name a catalog directory with --catalog DIR, or make a store with `domesday apply DIR --store {store}`"
            ),
            error => error.into(),
        }).map(|store| (store, Vec::new()));
    };
    let Loaded { catalog, warnings, .. } = load_catalog(dir, output)?;
    let mut store = Store::in_memory()?;
    store
        .apply(&catalog, ApplyOptions { at, prune: false, dry_run: false })
        .context("loading the catalog failed")?;
    Ok((store, warnings))
}
