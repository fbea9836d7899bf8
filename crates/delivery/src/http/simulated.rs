//! Requests to a server that is simulated.

use std::io::{self, Read};

use ureq::http::{HeaderMap, HeaderValue};

use super::client::Http;
use super::exchange::RequestBody;
use super::failures::{classify, host_of};
use super::request::{HttpRequest, HttpResponse};
use crate::{DeliveryError, SimulatedNetwork, SimulatedRequest};

impl Http {
    /// Sends a request over a simulated network, on this thread.
    pub(super) fn send_simulated(
        &self,
        network: &dyn SimulatedNetwork,
        request: HttpRequest<'_>,
    ) -> Result<HttpResponse, DeliveryError> {
        let HttpRequest { method, url, headers, payload, .. } = request;
        let mut body: Box<dyn Read> = match RequestBody::new(payload, Default::default(), self.call_context())
        {
            None => Box::new(io::empty()),
            Some(RequestBody::Text(text)) => Box::new(io::Cursor::new(text)),
            Some(RequestBody::Reader(reader)) => Box::new(reader),
        };
        let sent = network.send(SimulatedRequest { method, url, headers, body: &mut body });
        self.call_context().check()?;
        let response = sent.map_err(|reason| DeliveryError::Unreachable { host: host_of(url), reason })?;
        let mut headers = HeaderMap::new();
        for (name, value) in response.headers {
            let value = HeaderValue::from_str(&value);
            headers.insert(name, value.map_err(|error| classify(url, ureq::Error::Http(error.into())))?);
        }
        Ok(HttpResponse { status: response.status, headers, body: response.body })
    }
}
