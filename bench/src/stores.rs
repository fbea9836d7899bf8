//! Fills a store and reads its snapshot, on either database.

use std::time::Instant as Stopwatch;

use domesday_model::Catalog;
use domesday_store::{ApplyOptions, Store};
use secrecy::SecretString;
use serde::Serialize;

use crate::enterprise::at;
use crate::phases::{cpu_seconds, peak_bytes};

/// The cost of reading, and what was read.
#[derive(Debug, Clone, Serialize)]
pub struct Reading {
    /// Users.
    pub users: usize,
    /// Groups of users and values of their attributes.
    pub entitlements: usize,
    /// Data sources.
    pub data_sources: usize,
    /// Their columns.
    pub columns: usize,
    /// Seconds from the open store to the snapshot, or from the files to the catalog.
    pub seconds: f64,
    /// The same in processor time of this process, without that of PostgreSQL.
    pub cpu_seconds: f64,
    /// Peak memory of the process, in bytes.
    pub peak_bytes: u64,
}

/// The cost of filling a store.
#[derive(Debug, Clone, Serialize)]
pub struct Applying {
    /// Seconds from the catalog to the committed transaction.
    pub seconds: f64,
    /// The same in processor time of this process.
    pub cpu_seconds: f64,
    /// Peak memory of the process, in bytes.
    pub peak_bytes: u64,
}

/// Applies a catalog to the store that a URL names.
///
/// # Errors
/// When the store cannot be written.
pub fn apply(catalog: &Catalog, url: &SecretString) -> anyhow::Result<Applying> {
    let mut store = Store::connect(url)?;
    let (clock, cpu) = (Stopwatch::now(), cpu_seconds());
    store.apply(catalog, ApplyOptions { at: at(), prune: false, dry_run: false })?;
    let seconds = clock.elapsed().as_secs_f64();
    Ok(Applying { seconds, cpu_seconds: cpu_seconds() - cpu, peak_bytes: peak_bytes() })
}

/// Reads the snapshot of the store that a URL names.
///
/// # Errors
/// When the store cannot be read.
pub fn read(url: &SecretString) -> anyhow::Result<Reading> {
    let mut store = Store::connect(url)?;
    let (clock, cpu) = (Stopwatch::now(), cpu_seconds());
    let snapshot = store.snapshot(at())?;
    let seconds = clock.elapsed().as_secs_f64();
    let cpu_seconds = cpu_seconds() - cpu;
    Ok(Reading {
        users: snapshot.users.len(),
        entitlements: snapshot.users.iter().map(|user| user.groups.len() + user.attributes.len()).sum(),
        data_sources: snapshot.data_sources.len(),
        columns: snapshot.columns.len(),
        seconds,
        cpu_seconds,
        peak_bytes: peak_bytes(),
    })
}
