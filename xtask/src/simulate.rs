//! Simulated nights of the service, by `crates/simulation`.

use crate::Failure;
use crate::paths::target_dir;
use crate::process::{command, run};
use crate::runner::build;

/// How many nights the gate simulates.
const NIGHTS: &str = "10000";

/// Simulates the nights of the gate.
pub(crate) fn gate() -> Result<(), Failure> {
    simulate(&["--nights", NIGHTS])
}

/// Runs the simulator.
pub(crate) fn simulate(arguments: &[&str]) -> Result<(), Failure> {
    build()?;
    let name = format!("simulate{}", std::env::consts::EXE_SUFFIX);
    let mut simulate = command(target_dir().join("debug").join(name), arguments);
    let memory = std::path::Path::new("/dev/shm");
    if memory.is_dir() {
        // The files of runs wait in the directory for temporary files.
        simulate.env("TMPDIR", memory);
    }
    // Runs are so small that more threads would only wait for each other.
    run(simulate.env("RAYON_NUM_THREADS", "1"))
}
