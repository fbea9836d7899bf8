//! Requests over HTTP: one attempt, and the response as it came.
//!
//! - `client`: sends requests, each with a time limit as a whole, on a thread of its own, so that a call is abandoned
//!   at once when the work is cancelled.
//! - `exchange`: one request and its response on a connection. Redirects are not followed, nothing is decompressed,
//!   and the size of what is read is limited.
//! - `proxy`: which proxy the environment names for an address.
//! - `simulated`: the same without a connection, to a server that is simulated.
//! - `failures`: calls without a response, classified by whether another attempt can help.

mod authority;
mod client;
mod exchange;
mod failures;
mod proxy;
mod request;
mod simulated;
mod timeouts;

pub(crate) use authority::is_authority;
pub(crate) use client::Http;
pub(crate) use proxy::ProxySettings;
pub(crate) use request::{HttpRequest, HttpResponse, MAX_SHORT_RESPONSE_BYTES, Payload};
pub use timeouts::Timeouts;
