//! What is sent and what comes back.

use std::fs::File;

use jiff::Timestamp;
use ureq::http;

use crate::timestamps::parse_time;

/// The largest response of STS or a metadata service that is read.
pub(crate) const MAX_SHORT_RESPONSE_BYTES: u64 = 256 << 10;

/// A request to be sent.
#[derive(Debug)]
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(&'static str, String)],
    pub(crate) payload: Payload,
    /// The largest response that is read; a larger one is an error.
    pub(crate) max_response_bytes: u64,
    /// The call in words, for notices.
    pub(crate) call: &'a str,
}

/// The body of a request.
#[derive(Debug)]
pub(crate) enum Payload {
    /// Nothing.
    Empty,
    /// A short text.
    Text(String),
    /// A file of a size.
    File(File, u64),
}

impl Payload {
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Text(text) => text.len() as u64,
            Self::File(_, bytes) => *bytes,
        }
    }
}

/// A response whose body is short.
#[derive(Debug, Clone)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl HttpResponse {
    /// Returns a header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the server's time.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        parse_time(self.header("date")?)
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
