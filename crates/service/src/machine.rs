//! The machine that the service runs on: its threads, its time, its network. Tests of whole nights simulate one.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domesday_delivery::CallContext;
use domesday_model::Instant;
use domesday_store::{Store, StoreObserver};
use tokio::sync::oneshot;

use crate::error::ServiceError;

/// Work that blocks, without its result.
pub type BlockingJob = Box<dyn FnOnce() + Send>;

/// A future that ends after a while.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which part of the service has work that blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockingWork {
    /// Short work on a connection to the store.
    Store,
    /// Short work without a connection.
    Computation,
    /// An attempt at a run, which may take hours: it waits for the time and for the network.
    Attempt,
    /// A verification of a destination, which waits for the network.
    Verification,
}

/// A machine that is simulated: it decides when time passes, when work that blocks is executed, and what fails.
///
/// Nothing that ships has one.
pub trait SimulatedMachine: fmt::Debug + Send + Sync {
    /// The instant that the clock of the machine shows. It may be set ahead and back.
    fn now(&self) -> Instant;

    /// The time since the machine started, which nobody sets.
    fn elapsed(&self) -> Duration;

    /// Waits for a time that has passed by [`SimulatedMachine::elapsed`].
    fn sleep(&self, duration: Duration) -> Sleep;

    /// How long the service may wait in one piece for a time of the clock, which may be set meanwhile.
    fn longest_sleep(&self) -> Duration;

    /// A number from 0 to 1 that spreads what would otherwise happen at once.
    fn jitter(&self) -> f64;

    /// Executes a job once, sooner or later. A job that is dropped counts as one that panicked.
    fn execute(&self, work: BlockingWork, job: BlockingJob);

    /// What watches over calls to destinations: the time and the network of this machine.
    fn call_context(&self) -> CallContext;

    /// What watches the transactions of this machine.
    fn store_observer(&self) -> Arc<dyn StoreObserver>;
}

/// The machine that the service runs on: this one, or one that is simulated. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Machine(Option<Arc<dyn SimulatedMachine>>);

impl Machine {
    pub(crate) fn simulated(machine: Arc<dyn SimulatedMachine>) -> Self {
        Self(Some(machine))
    }

    pub(crate) fn as_simulated(&self) -> Option<&dyn SimulatedMachine> {
        self.0.as_deref()
    }

    /// Runs work that blocks on a thread of its own. It goes on when nobody waits for it any more.
    ///
    /// # Errors
    /// When it panicked.
    pub(crate) async fn run_blocking<T: Send + 'static>(
        &self,
        kind: BlockingWork,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        match &self.0 {
            None => tokio::task::spawn_blocking(work).await.map_err(|error| ServiceError::internal(&error)),
            Some(machine) => {
                let (sender, receiver) = oneshot::channel();
                machine.execute(kind, Box::new(move || drop(sender.send(work()))));
                receiver.await.map_err(|error| ServiceError::internal(&error))
            }
        }
    }

    /// What watches over calls to destinations.
    pub(crate) fn call_context(&self) -> CallContext {
        self.0.as_ref().map_or_else(CallContext::new, |machine| machine.call_context())
    }

    /// Lets a simulated machine watch a connection.
    pub(crate) fn observe(&self, store: &mut Store) {
        if let Some(machine) = &self.0 {
            store.set_observer(machine.store_observer());
        }
    }
}
