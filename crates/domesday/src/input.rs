//! What commands read: a catalog directory or a store, at an instant.

use std::path::Path;

use anyhow::{Context, bail};
use domesday_model::Instant;
use domesday_sources::{Diagnostic, Loaded};
use domesday_store::{ApplyOptions, Store, StoreError};

use crate::cli::{InputArgs, StoreArg, SyncedInputArgs};
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

/// What a command reads.
pub(crate) struct Input {
    /// The store that is named, or a catalog directory loaded into memory.
    pub(crate) store: Store,
    /// The warnings of the catalog directory.
    pub(crate) warnings: Vec<Diagnostic>,
    /// The instant that was given, otherwise one after everything was read.
    pub(crate) at: Instant,
}

impl InputArgs {
    /// Opens the catalog directory or the store.
    pub(crate) fn open(&self, at: Option<Instant>, output: Output) -> anyhow::Result<Input> {
        open(self.catalog.as_deref(), &self.store, at, Sync::if_asked(self.sync), output)
    }
}

impl SyncedInputArgs {
    /// Opens the catalog directory or the store.
    pub(crate) fn open(&self, at: Option<Instant>, output: Output) -> anyhow::Result<Input> {
        open(self.catalog.as_deref(), &self.store, at, Sync::unless(self.no_sync), output)
    }
}

/// Opens the store to read its tenant, to which connections add nothing.
pub(crate) fn open_tenant(catalog: Option<&Path>, store: &StoreArg, output: Output) -> anyhow::Result<Store> {
    open(catalog, store, None, Sync::NotNeeded, output).map(|input| input.store)
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

    /// Returns whether the option `--no-sync` was given.
    pub(crate) fn unless(is_left_out: bool) -> Self {
        if is_left_out { Self::LeftOut } else { Self::First }
    }
}

/// Opens a catalog directory or the store that is named.
pub(crate) fn open(
    catalog: Option<&Path>,
    store: &StoreArg,
    at: Option<Instant>,
    sync: Sync,
    output: Output,
) -> anyhow::Result<Input> {
    let (store, warnings) = match catalog {
        Some(dir) => load(dir, at, sync, output)?,
        None => (open_named(store)?, Vec::new()),
    };
    Ok(Input { store, warnings, at: instant_or_now(at) })
}

fn open_named(store: &StoreArg) -> anyhow::Result<Store> {
    let store = store.location()?;
    store.open_existing().map_err(|error| match error {
        StoreError::NoStore { .. } => anyhow::anyhow!(
            "there is no store {store}\nhelp: name a catalog directory with `--catalog DIR`, or create a store with \
             `domesday apply DIR --store {store}`"
        ),
        error => error.into(),
    })
}

fn load(
    dir: &Path,
    at: Option<Instant>,
    sync: Sync,
    output: Output,
) -> anyhow::Result<(Store, Vec<Diagnostic>)> {
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
