//! The service without HTTP: who may do what, exports and their runs, requests and their review, evaluation for access
//! queries.
//!
//! [`Service::prepare`] opens the store and puts the parts together; [`Service::spawn_tasks`] starts the tasks that work
//! by themselves. A call is authenticated ([`caller::authenticate`]) and then served by a function that takes the parts it
//! needs; a change runs in [`caller::write`], one transaction in which the caller is judged again. Errors are
//! [`ServiceError`]s, by what the caller can do about them.
//!
//! The store blocks, so its work runs on blocking threads through a small [`Pool`]. Time comes from a [`Clock`] that is
//! given. What is not here: no HTTP server, no SQL, no encoding; evaluation, delivery and the run are other crates.

pub mod api_keys;
pub mod apply;
pub mod caller;
pub mod connections;
pub mod drift;
mod drift_watch;
pub mod evaluation;
pub mod exports;
pub mod idempotency;
pub mod objects;
pub mod oidc;
pub mod permissions;
pub mod preview;
pub mod requests;
pub mod runs;
pub mod scim;
pub mod sessions;
pub mod traces;

mod clock;
mod config;
mod endpoint;
mod error;
mod key_secret;
mod last_use;
mod machine;
mod metrics;
mod outdated_names;
mod policy_warnings;
mod pool;
mod precondition;
mod readiness;
mod schedule;
mod seal;
mod service;
mod signals;
mod start;
mod webhook;

pub use clock::Clock;
pub use config::{
    Collector, Config, ConfigError, FirstTenant, Limits, LogLevel, Network, NotANetwork, Oidc, SecretKey,
    TlsFiles, Webhook, limit_key,
};
pub use error::{AuthenticationError, Details, MAX_LISTED, ServiceError};
pub use key_secret::{parse_authorization, parse_scim_authorization};
pub use last_use::LastUse;
pub use machine::{BlockingJob, BlockingWork, SimulatedMachine, Sleep};
pub use metrics::Metrics;
pub use policy_warnings::PolicyWarnings;
pub use pool::Pool;
pub use precondition::Precondition;
pub use readiness::{NotReady, Readiness};
pub use schedule::{Cron, CronError};
pub use seal::{SealError, Sealer, connection_record, export_record};
pub use service::{PreparedService, Service};
pub use signals::Signals;
pub use start::{StartError, administrator_key, sealer, write_key};
