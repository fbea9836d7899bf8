//! Connections: systems of record that users, groups and data sources are read from, kept current, with evidence of how
//! complete each read was (`docs/connections.md`).
//!
//! `configuration` writes and deletes them; `hosts` decides which hosts they may reach; `sync` reads one and makes its layer
//! what it listed; `report` says what came of it; `scheduler` does so when it is due. Reading itself is the business of [`domesday_sources`].

mod configuration;
mod find;
mod hosts;
mod import;
mod password;
mod report;
mod scheduler;
mod sync;
mod verify;
mod view;

pub use configuration::{delete, put};
pub use find::find_writable;
pub use hosts::{AllowedHost, AllowedHosts, NotAHost};
pub use import::{ImportedFiles, import, parse_csv, parse_dbt, read_csv, read_dbt};
pub use password::open_password;
pub use report::{ReadSummary, listing_of, report_of};
pub use sync::{MessageOf, Source, SyncContext, SyncRequest, sync_now, sync_store, with_lease};
pub use verify::verify;
pub use view::{ConnectionView, SyncView, view};

pub(crate) use configuration::check_declared;
pub(crate) use scheduler::SyncScheduler;
pub(crate) use sync::sync_stale;
