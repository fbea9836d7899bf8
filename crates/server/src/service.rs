//! What every request and run shares.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use domesday_model::Instant;
use tokio::sync::{Notify, Semaphore, watch};
use uuid::Uuid;

use crate::clock::Clock;
use crate::config::Config;
use crate::evaluated::Cache;
use crate::export::IdentityCache;
use crate::last_use::LastUse;
use crate::limiter::Limiter;
use crate::metrics::Metrics;
use crate::notices::Reviews;
use crate::pool::Pool;
use crate::readiness::Readiness;
use crate::seal::Sealer;
use crate::traces::Traces;

/// The state of one process; cheap to clone.
pub(crate) type App = Arc<Service>;

/// Everything that outlives a request.
pub(crate) struct Service {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) pool: Pool,
    pub(crate) sealer: Sealer,
    pub(crate) metrics: Metrics,
    pub(crate) traces: Traces,
    pub(crate) limiter: Limiter,
    pub(crate) last_use: LastUse,
    pub(crate) readiness: Readiness,
    pub(crate) cache: Cache,
    /// Who the service is for AWS.
    pub(crate) identity: IdentityCache,
    pub(crate) reviews: Reviews,
    /// Turns at previews, which are costly.
    pub(crate) previews: Semaphore,
    /// Turns at verifying a destination, which may hang.
    pub(crate) verifications: Arc<Semaphore>,
    /// The OpenAPI document.
    pub(crate) openapi: Bytes,
    /// What tells this process from others on the same database.
    pub(crate) replica: Uuid,
    /// Wakes who looks after the runs.
    pub(crate) wake: Notify,
    /// Wakes whoever looks whether the run under way is to be cancelled.
    pub(crate) cancel_wake: Notify,
    /// Wakes who sends messages to the webhook.
    pub(crate) told: Notify,
    /// True once the service is to end.
    pub(crate) stop: watch::Sender<bool>,
}

impl Service {
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("replica", &self.replica).finish_non_exhaustive()
    }
}
