//! Signals between the tasks of one process: when to stop, and when there is work.

use tokio::sync::{Notify, watch};

/// The signals of one process.
#[derive(Debug)]
pub struct Signals {
    stop: watch::Sender<bool>,
    /// Wakes the scheduler: an export or a run has changed.
    pub scheduler_wake: Notify,
    /// Wakes the task that watches whether the run under way is to be cancelled.
    pub cancel_wake: Notify,
    /// Wakes the sender of webhook messages.
    pub webhook_wake: Notify,
    /// Wakes the task that syncs connections: one was written.
    pub sync_wake: Notify,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            stop: watch::Sender::new(false),
            scheduler_wake: Notify::new(),
            cancel_wake: Notify::new(),
            webhook_wake: Notify::new(),
            sync_wake: Notify::new(),
        }
    }
}

impl Signals {
    /// Tells every task to stop.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether the process is to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// A receiver that turns true when the process is to stop.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}
