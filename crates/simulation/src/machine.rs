//! The machine of one process: its clock, its network, and its way to the database.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domesday_delivery::{CallContext, CancellationToken, DeliveryClock, Network, TimeSource};
use domesday_model::Instant;
use domesday_service::{BlockingJob, BlockingWork, SimulatedMachine, Sleep};
use domesday_store::{StoreError, StoreEvent, StoreObserver};
use jiff::Timestamp;

use crate::constants::SECOND;
use crate::coroutine;
use crate::network::SimulatedS3;
use crate::world::{Process, Sleeping, Work, World};

/// How often work that blocks looks whether it was cancelled, in microseconds.
const POLL: i64 = 2 * SECOND;

/// A machine.
#[derive(Clone)]
pub(crate) struct Machine {
    world: Arc<World>,
    process: Process,
}

impl Machine {
    pub(crate) fn new(world: &Arc<World>, process: Process) -> Self {
        Self { world: Arc::clone(world), process }
    }

    fn wall_time(&self) -> i64 {
        let state = self.world.lock();
        state.now + state.replicas[self.process.replica].clock_offset
    }

    fn uptime(&self) -> Duration {
        let state = self.world.lock();
        Duration::from_micros(state.now.abs_diff(state.start))
    }

    fn draw_fraction(&self) -> f64 {
        self.world.lock().rng.fraction()
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Machine({:?})", self.process)
    }
}

impl SimulatedMachine for Machine {
    fn now(&self) -> Instant {
        Instant::from_micros(self.wall_time())
    }

    fn elapsed(&self) -> Duration {
        self.uptime()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4);
        Box::pin(Sleeping::new(&self.world, self.process, micros))
    }

    fn longest_sleep(&self) -> Duration {
        Duration::from_micros(self.world.lock().longest_sleep().unsigned_abs())
    }

    fn jitter(&self) -> f64 {
        self.draw_fraction()
    }

    fn execute(&self, kind: BlockingWork, job: BlockingJob) {
        self.world.lock().work.push(Work { process: self.process, kind, job });
    }

    fn call_context(&self) -> CallContext {
        let network = SimulatedS3::new(&self.world, self.process);
        CallContext {
            clock: DeliveryClock::from_source(Arc::new(self.clone())),
            network: Network::simulated(Arc::new(network)),
            ..CallContext::new()
        }
    }

    fn store_observer(&self) -> Arc<dyn StoreObserver> {
        Arc::new(self.clone())
    }
}

impl TimeSource for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.wall_time()).unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.uptime()
    }

    fn wait(&self, duration: Duration, cancellation: &CancellationToken) {
        let mut left = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 4);
        while left > 0 && !cancellation.is_cancelled() {
            let slice = left.min(POLL);
            self.world.pass(self.process.replica, slice);
            left -= slice;
        }
    }

    fn jitter(&self) -> f64 {
        self.draw_fraction()
    }
}

impl StoreObserver for Machine {
    fn observe(&self, event: StoreEvent) -> Result<(), StoreError> {
        if coroutine::current().is_some() && event != StoreEvent::Commit {
            // A run's own connection: others do things before and after each of its transactions.
            let wait = self.world.lock().rng.between(0, 20_000);
            self.world.pass(self.process.replica, wait);
        }
        let mut state = self.world.lock();
        let state = &mut *state;
        let failure = state.faults.database_error(&mut state.rng, state.now, self.process.replica, event);
        let Some(error) = failure else { return Ok(()) };
        state.statistics.database_errors += 1;
        state.log(format_args!("replica {}: the database fails at {event:?}: {error}", self.process.replica));
        Err(error)
    }
}
