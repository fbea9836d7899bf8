//! HTTP: the listener and the API, which turn a request into a call of the service and its result into a response.
//!
//! [`start()`] starts the service and listens; [`Running::stop`] ends it in good order. Every route is one line of a table
//! ([`routes::table`]) from which come the router, the OpenAPI document and the test that walks every route with every
//! role. A request passes the [`listener`] (TLS, limits), the [`layers`] (id, log, time limit, headers), the [`router`]
//! (the key, the route's permission) and its handler in [`routes`], a file a resource. Errors are answered as RFC 9457
//! problem details.
//!
//! What is not here: no rule about who may do what, no SQL, no evaluation, no delivery.

mod authentication;
mod body;
mod console;
mod etag;
mod event_streams;
mod extract;
mod forwarded;
mod idempotency;
mod layers;
mod limiter;
mod listener;
mod method;
mod openapi;
mod paging;
mod problem;
mod query;
mod response;
mod route;
mod router;
mod routes;
mod scim;
mod server;
mod state;

pub use listener::TlsError;
pub use routes::AuditView;
pub use server::{Running, ServeError, start, start_with};

/// Returns the OpenAPI document of the API, as it is served, laid out for reading.
#[must_use]
pub fn openapi_document() -> String {
    let document = routes::documentation(0);
    serde_json::to_string_pretty(&document).expect("the document is plain data") + "\n"
}
