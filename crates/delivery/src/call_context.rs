//! The context of calls to a destination: the clock, the cancellation token, the receiver of notices and the network.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{CancellationToken, DeliveryClock, DeliveryError, Network};

/// What the calls to a destination share. Clones share their state.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// The time.
    pub clock: DeliveryClock,
    /// Cancels the work.
    pub cancellation: CancellationToken,
    /// Receives notices for a person who waits.
    pub notices: NoticeHandler,
    /// The network that requests are sent over.
    pub network: Network,
}

impl CallContext {
    /// Creates a context with the system's clock, a new token and no receiver of notices.
    #[must_use]
    pub fn new() -> Self {
        Self {
            clock: DeliveryClock::system(),
            cancellation: CancellationToken::new(),
            notices: NoticeHandler::default(),
            network: Network::default(),
        }
    }

    /// Returns the same with a time limit for the whole work, from now on.
    #[must_use]
    pub fn with_deadline(&self, limit: Duration) -> Self {
        let cancellation = self.cancellation.with_deadline(&self.clock, limit);
        Self { cancellation, ..self.clone() }
    }

    /// Fails when the work was cancelled.
    ///
    /// # Errors
    /// [`DeliveryError::Cancelled`] with the reason.
    pub fn check(&self) -> Result<(), DeliveryError> {
        match self.cancellation.reason() {
            None => Ok(()),
            Some(reason) => Err(DeliveryError::Cancelled { reason }),
        }
    }

    /// Waits.
    ///
    /// # Errors
    /// [`DeliveryError::Cancelled`] when the work was cancelled meanwhile.
    pub fn wait(&self, duration: Duration) -> Result<(), DeliveryError> {
        self.clock.wait(duration, &self.cancellation);
        self.check()
    }
}

impl Default for CallContext {
    fn default() -> Self {
        Self::new()
    }
}

/// A notice of a call that does not succeed at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryNotice {
    /// A call has waited for its server for a while.
    Waiting {
        /// The call, such as `list access/v1/`.
        call: String,
        /// Scheme and host of the server.
        host: String,
        /// How long it has waited.
        elapsed: Duration,
        /// How long it waits at most.
        limit: Duration,
    },
    /// An attempt failed, and there will be another.
    Retrying {
        /// The call.
        call: String,
        /// Why the attempt failed.
        error: String,
        /// The kind of the error, by [`DeliveryError::kind`].
        kind: &'static str,
        /// The number of the next attempt; the first is 1.
        attempt: u32,
        /// How many attempts there are at most.
        attempts: u32,
        /// How long it is until the next one.
        wait: Duration,
    },
    /// A call that had failed before has succeeded.
    Recovered {
        /// The call.
        call: String,
    },
}

type Receiver = dyn Fn(&DeliveryNotice) + Send + Sync;

/// Receives [`DeliveryNotice`]s, on whichever thread they arise.
#[derive(Clone, Default)]
pub struct NoticeHandler(Option<Arc<Receiver>>);

impl NoticeHandler {
    /// Calls `receive` with every notice. It must not block.
    #[must_use]
    pub fn new(receive: impl Fn(&DeliveryNotice) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(receive)))
    }

    pub(crate) fn send(&self, notice: &DeliveryNotice) {
        if let Some(receive) = &self.0 {
            receive(notice);
        }
    }
}

impl fmt::Debug for NoticeHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notices")
    }
}
