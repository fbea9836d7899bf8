//! What fails just now, in the database and on the way to the bucket.

use domesday_store::{StoreError, StoreEvent};

use crate::constants::{MINUTE, REPLICAS, SECOND};
use crate::rng::Rng;

/// How the database fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseFault {
    /// It cannot be reached.
    Away,
    /// It answers and takes no changes, as a standby does during a failover.
    ReadOnly,
    /// Some transactions fail, before or after they are committed.
    Flaky,
}

/// How calls to the bucket fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NetworkFault {
    /// 503 SlowDown, 500 InternalError, connections that break before or after the bucket has the request.
    Flaky,
    /// Nothing answers: calls end by their time limit.
    Silent,
    /// Answers take many seconds.
    Slow,
    /// 403 AccessDenied.
    Denied,
}

/// How one call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallFault {
    Status(u16, &'static str),
    /// The connection breaks.
    Broken {
        arrives: bool,
    },
    /// There is no response within the time limit of a call.
    TimedOut {
        arrives: bool,
    },
}

/// The faults of a moment.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    database: [Option<(DatabaseFault, i64)>; REPLICAS],
    network: Option<(NetworkFault, i64)>,
    /// Until when what a replica's lease depends on may be wrong: the clocks disagree, or did a moment ago.
    pub(crate) clocks_disagree_until: i64,
    /// Until when a replica may not know what the database holds.
    pub(crate) database_doubtful_until: i64,
}

impl Faults {
    pub(crate) fn set_database(&mut self, replica: Option<usize>, fault: DatabaseFault, until: i64) {
        for (index, entry) in self.database.iter_mut().enumerate() {
            if replica.is_none_or(|replica| replica == index) {
                *entry = Some((fault, until));
            }
        }
        self.database_doubtful_until = self.database_doubtful_until.max(until + MINUTE);
    }

    pub(crate) fn set_network(&mut self, fault: NetworkFault, until: i64) {
        self.network = Some((fault, until));
    }

    pub(crate) fn clear(&mut self) {
        self.database = Default::default();
        self.network = None;
    }

    /// The error that a transaction fails with at a moment, if it does.
    pub(crate) fn database_error(
        &self,
        rng: &mut Rng,
        now: i64,
        replica: usize,
        event: StoreEvent,
    ) -> Option<StoreError> {
        let (fault, until) = self.database[replica]?;
        if now >= until {
            return None;
        }
        match (fault, event) {
            (DatabaseFault::Away, StoreEvent::Begin { .. } | StoreEvent::Commit) => Some(StoreError::Busy),
            (DatabaseFault::ReadOnly, StoreEvent::Begin { is_write: true } | StoreEvent::Commit) => {
                Some(StoreError::ReadOnly)
            }
            // Most failures are ones after the commit: the caller cannot know what became of it.
            (DatabaseFault::Flaky, StoreEvent::Committed) => rng.per_mille(400).then_some(StoreError::Busy),
            (DatabaseFault::Flaky, StoreEvent::Commit) => rng.per_mille(200).then_some(StoreError::ReadOnly),
            (DatabaseFault::Flaky, StoreEvent::Begin { .. }) => rng.per_mille(50).then_some(StoreError::Busy),
            _ => None,
        }
    }

    /// How a call to the bucket fails, if it does, and how long it takes before and after the bucket has it.
    pub(crate) fn call(&self, rng: &mut Rng, now: i64) -> (Option<CallFault>, i64, i64) {
        let usual = (rng.between(2_000, 80_000), rng.between(1_000, 40_000));
        let fault = self.network.filter(|(_, until)| now < *until).map(|(fault, _)| fault);
        let call = match fault {
            None => None,
            Some(NetworkFault::Slow) => {
                return (None, rng.between(0, 20 * SECOND), rng.between(0, 20 * SECOND));
            }
            Some(NetworkFault::Silent) => Some(CallFault::TimedOut { arrives: rng.per_mille(300) }),
            Some(NetworkFault::Denied) => Some(CallFault::Status(403, "AccessDenied")),
            Some(NetworkFault::Flaky) => match rng.below(12) {
                0 => Some(CallFault::Status(503, "SlowDown")),
                1 => Some(CallFault::Status(500, "InternalError")),
                2 => Some(CallFault::Broken { arrives: false }),
                3 => Some(CallFault::Broken { arrives: true }),
                4 => Some(CallFault::TimedOut { arrives: rng.per_mille(500) }),
                _ => None,
            },
        };
        (call, usual.0, usual.1)
    }
}
