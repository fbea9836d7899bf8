//! The service: the HTTP API, who may call it, the schedule and the runs.
//!
//! [`start()`] opens the store, mints tenant and first key where there are none, and listens; [`Running::stop`]
//! ends it in good order. Every route is one line of a table ([`routes::table`]) from which come the router, the
//! OpenAPI document and the test that walks every route with every role. Time comes from a [`Clock`] that is
//! given. The store blocks, so its work runs on blocking threads through a small pool.
//!
//! What is not here: no evaluation, no encoding, no delivery, no SQL. Errors leave as RFC 9457 problem details.

mod body;
mod caller;
mod clock;
mod config;
mod endpoint;
mod etag;
mod evaluated;
mod export;
mod forwarded;
mod idempotency;
mod keys;
mod last_use;
mod layers;
mod limiter;
mod listener;
mod method;
mod metrics;
mod names;
mod notices;
mod openapi;
mod paging;
mod pool;
mod problem;
mod query;
mod readiness;
mod route;
mod routes;
mod runs;
mod schedule;
mod seal;
mod server;
mod service;
mod start;
mod traces;
mod webhook;

pub use clock::Clock;
pub use config::{
    Collector, Config, ConfigError, FirstTenant, Limits, LogLevel, Network, NotANetwork, SecretKey, TlsFiles,
    Webhook,
};
pub use listener::TlsError;
pub use routes::AuditView;
pub use schedule::{Cron, CronError};
pub use seal::{SealError, Sealer, export_record};
pub use server::{Running, start, start_with};
pub use start::{StartError, administrator_key, sealer, write_key};
pub use traces::TracesError;

/// The OpenAPI document of the API, as it is served, laid out for reading.
#[must_use]
pub fn openapi_document() -> String {
    let mut routes = routes::table(0);
    routes.extend(routes::operations());
    let document = openapi::document(&routes);
    serde_json::to_string_pretty(&document).expect("the document is plain data") + "\n"
}
