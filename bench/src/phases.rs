//! The product, phase by phase, in one process.
//!
//! Each phase is the product's own function, called as a run calls it; this module adds a clock around it.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use domesday_engine::{ClassIx, evaluate};
use domesday_model::{Catalog, Snapshot};
use domesday_store::{ApplyOptions, Store};
use domesday_tables::{OutcomeCounts, Settings, encode};
use rayon::prelude::*;
use serde::Serialize;

use crate::enterprise::at;
use crate::random::Random;

/// The cost of one run, in seconds, and its results.
#[derive(Debug, Clone, Serialize)]
pub struct Phases {
    /// From the store's file to the snapshot.
    pub load_seconds: f64,
    /// Every class evaluated once on all cores, with the outcomes dropped: the cost of re-evaluation.
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
    /// Processor time of the whole run, on all cores.
    pub cpu_seconds: f64,
    /// Processor time of `load`.
    pub load_cpu_seconds: f64,
    /// Processor time of `evaluate`.
    pub evaluate_cpu_seconds: f64,
    /// Processor time of `outcomes`.
    pub outcomes_cpu_seconds: f64,
    /// Processor time of `other_tables`.
    pub other_tables_cpu_seconds: f64,
    /// Writing as many bytes as policy-outcomes has to one file, nothing else.
    pub raw_write_seconds: f64,
    /// Peak memory of the process, in bytes.
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

/// A wall clock and a clock of processor time.
struct Clock {
    wall: Stopwatch,
    cpu: f64,
}

impl Clock {
    fn start() -> Self {
        Self { wall: Stopwatch::now(), cpu: cpu_seconds() }
    }

    /// Seconds of both since the start.
    fn read(&self) -> (f64, f64) {
        (self.wall.elapsed().as_secs_f64(), cpu_seconds() - self.cpu)
    }
}

/// Runs every phase once, writing the tables below `out`.
///
/// # Errors
/// When the store cannot be read or a file not be written.
pub fn run(store: &Path, out: &Path) -> anyhow::Result<Phases> {
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    let clock = Clock::start();
    let snapshot = Arc::new(load(store)?);
    let (load_seconds, load_cpu_seconds) = clock.read();

    let clock = Clock::start();
    let evaluated = evaluate(Arc::clone(&snapshot));
    evaluated.group_users();
    let rows: usize = (0..evaluated.class_count())
        .into_par_iter()
        .map(|class| evaluated.class(ClassIx(class as u32)).rows_per_source())
        .sum();
    std::hint::black_box(rows);
    let (evaluate_seconds, evaluate_cpu_seconds) = clock.read();
    drop(evaluated);

    let clock = Clock::start();
    let outcomes = evaluate(Arc::clone(&snapshot));
    let mut outcomes_done = None;
    let open = |table: &'static domesday_tables::Table, part: u32| {
        let folder = out.join(table.name);
        fs::create_dir_all(&folder)?;
        let file = File::create(folder.join(format!("part-{part:05}.parquet")))?;
        Ok(BufWriter::with_capacity(256 << 10, file))
    };
    let mut progress = |at: domesday_tables::Progress| {
        if at.rows == 0 && at.table != "policy-outcomes" {
            outcomes_done.get_or_insert_with(|| clock.read());
        }
        ControlFlow::Continue(())
    };
    let encoded = encode(&outcomes, &[], &Settings::default(), &mut progress, open)?;
    let (seconds, cpu_seconds_of_encode) = clock.read();
    let (outcomes_seconds, outcomes_cpu_seconds) = outcomes_done.unwrap_or((seconds, cpu_seconds_of_encode));

    let of_outcomes = |part: &&domesday_tables::Part| part.table.name == "policy-outcomes";
    let parts: Vec<_> = encoded.parts.iter().filter(of_outcomes).collect();
    let bytes = parts.iter().map(|part| part.bytes).sum();
    let peak_bytes = peak_bytes();
    Ok(Phases {
        load_seconds,
        evaluate_seconds,
        outcomes_seconds,
        other_tables_seconds: seconds - outcomes_seconds,
        users: snapshot.users.len(),
        data_sources: snapshot.data_sources.len(),
        classes: outcomes.class_count(),
        rows: parts.iter().map(|part| part.rows).sum(),
        outcomes: encoded.outcomes,
        bytes,
        parts: parts.len(),
        other_bytes: encoded.parts.iter().map(|part| part.bytes).sum::<u64>() - bytes,
        cpu_seconds: cpu_seconds(),
        load_cpu_seconds,
        evaluate_cpu_seconds,
        outcomes_cpu_seconds,
        other_tables_cpu_seconds: cpu_seconds_of_encode - outcomes_cpu_seconds,
        raw_write_seconds: raw_write(out, bytes)?,
        peak_bytes,
    })
}

/// Measures writing `bytes` bytes to a file below `out`, which is removed again.
fn raw_write(out: &Path, bytes: u64) -> anyhow::Result<f64> {
    let path = out.join("raw-write");
    let mut random = Random::new(1);
    let block: Vec<u8> = (0..1 << 17).flat_map(|_| random.bits().to_le_bytes()).collect();
    let clock = Stopwatch::now();
    let mut file = File::create(&path)?;
    let mut left = bytes;
    while left > 0 {
        let length = left.min(block.len() as u64);
        file.write_all(&block[..length as usize])?;
        left -= length;
    }
    drop(file);
    let seconds = clock.elapsed().as_secs_f64();
    fs::remove_file(path)?;
    Ok(seconds)
}

/// Processor time of this process so far, on all cores, as Linux counts it (in hundredths); 0 elsewhere.
#[must_use]
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields after the name, which may hold anything: the 12th and 13th are user and system time.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / 100.0
}

/// Peak memory of this process, as Linux counts it; 0 elsewhere.
#[must_use]
pub fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(0) * 1024
}
