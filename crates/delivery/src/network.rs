//! How requests reach their server: over the network, or to a server that is simulated.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

/// A network with its servers, simulated. Requests arrive as they would be sent: signed, with their body as a stream.
pub trait SimulatedNetwork: fmt::Debug + Send + Sync {
    /// Sends a request and returns its response.
    ///
    /// # Errors
    /// Why there is no response, in words: the server cannot be reached, it is too slow, the connection breaks.
    fn send(&self, request: SimulatedRequest<'_>) -> Result<SimulatedResponse, String>;
}

/// A request on its way.
pub struct SimulatedRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The address.
    pub url: &'a str,
    /// The headers, names in lower case.
    pub headers: &'a [(&'static str, String)],
    /// The body. Reading it fails once the work is cancelled, as sending it does.
    pub body: &'a mut dyn Read,
}

/// A response as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedResponse {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

/// The network: that of this machine, or one that is simulated. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Network(Option<Arc<dyn SimulatedNetwork>>);

impl Network {
    /// A network that is simulated. Requests are sent to it one at a time, on the thread of their caller.
    #[must_use]
    pub fn simulated(network: Arc<dyn SimulatedNetwork>) -> Self {
        Self(Some(network))
    }

    pub(crate) fn as_simulated(&self) -> Option<&dyn SimulatedNetwork> {
        self.0.as_deref()
    }

    /// How many requests may be under way at a time, when so many are wanted.
    pub(crate) fn parallel(&self, wanted: usize) -> usize {
        if self.0.is_some() { 1 } else { wanted }
    }
}
