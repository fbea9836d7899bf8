//! What commands read: a catalog directory or a store, at an instant.

use std::path::Path;

use anyhow::{Context, bail};
use domesday_model::Instant;
use domesday_sources::{Diagnostic, Loaded};
use domesday_store::{ApplyOptions, Store, StoreError};

use crate::cli::StoreArg;
use crate::connections::{SyncOptions, connections};
use crate::diagnostics::{InvalidCatalog, print_warnings};
pub(crate) use crate::instant::instant_or_now;
use crate::output::Output;

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
    at: Option<Instant>,
    sync: Sync,
    output: Output,
) -> anyhow::Result<Store> {
    open_with_warnings(catalog, store, at, sync, output).map(|(store, _)| store)
}

/// Opens the store to read its tenant, to which connections add nothing.
pub(crate) fn open_tenant(catalog: Option<&Path>, store: &StoreArg, output: Output) -> anyhow::Result<Store> {
    open_with_warnings(catalog, store, None, Sync::NotNeeded, output).map(|(store, _)| store)
}

/// Whether the connections that a catalog declares are read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// They are.
    First,
    /// They are left out, with a warning.
    LeftOut,
    /// Nothing that they list is asked for.
    NotNeeded,
}

impl Sync {
    /// Returns whether the option `--sync` was given.
    pub(crate) fn if_asked(is_asked: bool) -> Self {
        if is_asked { Self::First } else { Self::LeftOut }
    }
}

/// Opens the store to read, as [`open_store`] does, and returns the warnings of the catalog directory.
pub(crate) fn open_with_warnings(
    catalog: Option<&Path>,
    store: &StoreArg,
    at: Option<Instant>,
    sync: Sync,
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
    let options = ApplyOptions { at: instant_or_now(at), prune: false, dry_run: false };
    store.apply(&catalog, options).context("cannot load the catalog")?;
    read_connections(&mut store, at, sync, output)?;
    Ok((store, warnings))
}

/// Reads the connections that a catalog declares, or says that they are left out.
fn read_connections(
    store: &mut Store,
    at: Option<Instant>,
    sync: Sync,
    output: Output,
) -> anyhow::Result<()> {
    if sync == Sync::NotNeeded {
        return Ok(());
    }
    let declared: Vec<_> = connections(store)?.into_iter().filter(|it| it.kind.is_pulled()).collect();
    if declared.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = declared.iter().map(|connection| connection.name.as_str()).collect();
    if sync == Sync::LeftOut {
        output.warning(format_args!(
            "what the connections {} list is left out; nobody and nothing that only they know is in the result",
            names.join(", ")
        ));
        return Ok(());
    }
    if at.is_some_and(|at| at < instant_or_now(None)) {
        bail!(
            "--at is in the past, and the connections {} say what is there now\nhelp: leave them out with `--no-sync`",
            names.join(", ")
        );
    }
    for connection in &declared {
        let view = crate::connections::sync(store, connection, SyncOptions::default(), None, at)?;
        if view.state != "succeeded" {
            let error = view.report["error"].as_str().unwrap_or("it failed");
            bail!("the connection `{}` could not be read: {error}", connection.name);
        }
        for warning in view.report["warnings"].as_array().into_iter().flatten().filter_map(|it| it.as_str()) {
            output.warning(format_args!("{}: {warning}", connection.name));
        }
    }
    Ok(())
}
