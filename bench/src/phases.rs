//! The product, phase by phase, in one process.
//!
//! A phase that is measured is the product's own function, called as the run calls it; what this module adds
//! is a clock around it.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::time::Instant as Stopwatch;

use domesday_engine::{ClassIx, evaluate};
use domesday_model::{Catalog, Snapshot};
use domesday_store::{ApplyOptions, Store};
use domesday_tables::{OutcomeCounts, Settings, encode};
use rayon::prelude::*;
use serde::Serialize;

use crate::enterprise::at;

/// What one run took, in seconds, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Phases {
    /// From the store's file to the snapshot.
    pub load_seconds: f64,
    /// Every class evaluated once on all cores, its outcomes dropped: what re-evaluation costs.
    pub evaluate_seconds: f64,
    /// policy-outcomes evaluated, encoded, hashed and written to files.
    pub outcomes_seconds: f64,
    /// The other eleven tables.
    pub other_tables_seconds: f64,
    /// Users.
    pub users: usize,
    /// Data sources.
    pub data_sources: usize,
    /// Classes of data sources.
    pub classes: usize,
    /// Rows of policy-outcomes.
    pub rows: u64,
    /// The same by outcome.
    pub outcomes: OutcomeCounts,
    /// Its bytes on disk.
    pub bytes: u64,
    /// Its files.
    pub parts: usize,
    /// Bytes of the other tables.
    pub other_bytes: u64,
    /// The most memory the process ever held, in bytes.
    pub peak_bytes: u64,
}

/// Fills a new store in a file with a catalog.
///
/// # Errors
/// When the file cannot be written.
pub fn fill(catalog: &Catalog, store: &Path) -> anyhow::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", store.display());
        if Path::new(&path).exists() {
            fs::remove_file(path)?;
        }
    }
    let options = ApplyOptions { at: at(), prune: false, dry_run: false };
    Store::open(store)?.apply(catalog, options)?;
    Ok(())
}

/// Loads a snapshot from a store's file.
///
/// # Errors
/// When the store cannot be read.
pub fn load(store: &Path) -> anyhow::Result<Snapshot> {
    Ok(Store::open_existing(store)?.snapshot(at())?)
}

/// Runs every phase once, writing the tables below `out`.
///
/// # Errors
/// When the store cannot be read or a file not be written.
pub fn run(store: &Path, out: &Path) -> anyhow::Result<Phases> {
    let clock = Stopwatch::now();
    let snapshot = load(store)?;
    let load_seconds = clock.elapsed().as_secs_f64();

    let clock = Stopwatch::now();
    let evaluated = evaluate(&snapshot);
    let rows: usize = (0..evaluated.class_count())
        .into_par_iter()
        .map(|class| evaluated.class(ClassIx(class as u32)).rows_per_source())
        .sum();
    std::hint::black_box(rows);
    let evaluate_seconds = clock.elapsed().as_secs_f64();
    drop(evaluated);

    let clock = Stopwatch::now();
    let outcomes = evaluate(&snapshot);
    let mut outcomes_seconds = 0.0;
    let open = |table: &'static domesday_tables::Table, part: u32| {
        let folder = out.join(table.name);
        fs::create_dir_all(&folder)?;
        let file = File::create(folder.join(format!("part-{part:05}.parquet")))?;
        Ok(BufWriter::with_capacity(256 << 10, file))
    };
    let mut progress = |at: domesday_tables::Progress| {
        if at.rows == 0 && at.table != "policy-outcomes" && outcomes_seconds == 0.0 {
            outcomes_seconds = clock.elapsed().as_secs_f64();
        }
    };
    let encoded = encode(&outcomes, &Settings::default(), &mut progress, open)?;
    let other_tables_seconds = clock.elapsed().as_secs_f64() - outcomes_seconds;

    let of_outcomes = |part: &&domesday_tables::Part| part.table.name == "policy-outcomes";
    let parts: Vec<_> = encoded.parts.iter().filter(of_outcomes).collect();
    let bytes = parts.iter().map(|part| part.bytes).sum();
    Ok(Phases {
        load_seconds,
        evaluate_seconds,
        outcomes_seconds,
        other_tables_seconds,
        users: snapshot.users.len(),
        data_sources: snapshot.data_sources.len(),
        classes: outcomes.class_count(),
        rows: parts.iter().map(|part| part.rows).sum(),
        outcomes: encoded.outcomes,
        bytes,
        parts: parts.len(),
        other_bytes: encoded.parts.iter().map(|part| part.bytes).sum::<u64>() - bytes,
        peak_bytes: peak_bytes(),
    })
}

/// The most memory this process ever held, as Linux counts it; 0 elsewhere.
#[must_use]
pub fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
