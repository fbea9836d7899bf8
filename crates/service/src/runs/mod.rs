//! Runs: queued by the schedule or by hand, executed one at a time for each export, recorded.
//!
//! [`Scheduler`] queues the runs that are due, takes the lease of the export, and executes them. A run whose process died
//! is found again, still open and with its lease free, and executed anew: a run is idempotent, so that executing it whole
//! again is always right.

mod attempt;
mod commands;
mod context;
mod lease;
mod phases;
mod progress;
mod record;
mod scheduler;
mod view;

pub use commands::{cancel, start};
pub use progress::{RunPhase, RunProgress};
pub use record::MAX_ATTEMPTS;
pub use view::RunView;

pub(crate) use context::RunContext;
pub(crate) use scheduler::Scheduler;
