//! A deterministic simulator of the service's nights: two replicas of the real service on a simulated machine each, with
//! one database and one bucket, for as many nights as wanted, by a seed.
//!
//! Real are the scheduler, leases, runs, evaluation, encoding, signing, retries, listings, the store with SQLite.
//! Simulated are time, the threads of work that blocks, the network and the bucket. Of everything that could happen next,
//! chance picks one ([`Simulator::simulate`]); at some steps of a night something fails: a process crashes, stands
//! still or is stopped, a clock is set wrong, the database or the bucket fails, a client changes something.
//! `docs/simulation.md` lists the invariants.
//!
//! *Invariants.* Linked into nothing that ships. The same seed gives the same trace.

mod acknowledged;
mod bucket;
mod calls;
mod catalog;
mod checks;
mod constants;
mod content;
mod coroutine;
mod database;
mod events;
mod faults;
mod machine;
mod network;
mod night;
mod replica;
mod rng;
mod s3;
mod simulation;
mod summary;
mod trace;
mod world;

use std::path::Path;

use domesday_model::Instant;

use database::Template;
pub use simulation::{Options, Outcome};
pub use world::Statistics;

/// When simulations begin: the first of January 2026.
const START: i64 = 1_767_225_600_000_000;

/// What simulations have in common.
#[derive(Debug, Clone)]
pub struct Simulator {
    template: Template,
}

impl Simulator {
    /// Prepares what every simulation begins with.
    ///
    /// # Errors
    /// When the database cannot be created.
    pub fn new() -> Result<Self, String> {
        Ok(Self { template: Template::create(Instant::from_micros(START))? })
    }

    /// Simulates some nights. Files are made in the directory `within` and removed.
    ///
    /// # Errors
    /// When the simulation itself fails; an invariant that is violated is in the outcome.
    pub fn simulate(&self, options: Options, within: &Path) -> Result<Outcome, String> {
        simulation::Simulation::new(options, &self.template, within, Instant::from_micros(START))?.run()
    }
}
