//! The parts of the process that a run needs.

use std::sync::Arc;
use std::time::Duration;

use domesday_model::Instant;
use uuid::Uuid;

use crate::clock::Clock;
use crate::connections::SyncContext;
use crate::exports::Destinations;
use crate::metrics::Metrics;
use crate::pool::Pool;
use crate::signals::Signals;
use crate::traces::Traces;

/// The parts of the process that a run needs. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct RunContext {
    pub(crate) pool: Pool,
    pub(crate) clock: Clock,
    pub(crate) destinations: Destinations,
    /// What syncs of connections need.
    pub(crate) syncs: SyncContext,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Traces,
    pub(crate) signals: Arc<Signals>,
    /// Tells this process from others on the same database.
    pub(crate) replica: Uuid,
    /// The console's address without a slash at the end, for links.
    pub(crate) public_url: Arc<str>,
    /// The longest that an attempt may take.
    pub(crate) run_timeout: Duration,
    /// How long an attempt may go on while the service stops.
    pub(crate) shutdown_grace: Duration,
    /// Whether somebody receives messages about runs.
    pub(crate) has_webhook: bool,
}

impl RunContext {
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }
}
