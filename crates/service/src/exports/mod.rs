//! Exports: the configuration that a customer sends, what is stored of it, and the destination that it names.
//!
//! A configuration has an access key or a role. The secret is split off before anything is stored: the store and the
//! audit log get the rest, the secret is stored sealed and never shown.

mod configuration;
mod destination;
mod identity;
mod patch;
mod request;
mod save;
mod setup;

pub use configuration::{
    BucketConfiguration, Configuration, Credentials, DEFAULT_EXPORT, DestinationConfiguration,
    S3Configuration, StoredExport,
};
pub use destination::{Destinations, build_destination, configuration_error, tenant_name};
pub use identity::IdentityCache;
pub use patch::{ExportPatch, MERGE_PATCH};
pub use request::{ExportRequest, Secret};
pub use save::{Exports, LastVerification, SavedExport};
pub use setup::{engine_script, own_identity};
