//! How long a server may take.

use std::time::Duration;

/// Time limits of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To accept a connection, TLS included.
    pub connect: Duration,
    /// To accept or send the next bytes, and to begin its response.
    pub idle: Duration,
    /// For a whole call, besides the time that its bytes may take.
    pub call: Duration,
    /// The rate in bytes a second below which the transfer of a large body is abandoned.
    pub min_rate: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            call: Duration::from_secs(60),
            min_rate: 16 << 10,
        }
    }
}

impl Timeouts {
    /// For services on this machine or its own network: metadata services and container agents.
    pub(super) const LOCAL: Self = Self {
        connect: Duration::from_secs(2),
        idle: Duration::from_secs(2),
        call: Duration::from_secs(5),
        min_rate: 16 << 10,
    };

    /// Returns the time for a whole call that transfers a number of bytes.
    pub(super) fn for_bytes(&self, bytes: u64) -> Duration {
        self.call.saturating_add(Duration::from_secs(bytes / self.min_rate.max(1)))
    }
}
