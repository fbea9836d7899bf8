//! Destinations of the access summary: where its files go and how they get there whole.
//!
//! A run writes its files into a [`Spool`] and hands them to a [`Destination`] in waves: tables with the zero-row
//! files over parts that today no longer has, what sets engines up, the `snapshot` row, the manifest last. Each
//! file appears under its key whole or not at all, and nothing is ever deleted or read back: the credentials of a
//! destination may list and put, no more.
//!
//! - [`configure_destination`] makes a [`DestinationConfig`] of an address. `destinations` has a folder for each kind.
//! - [`Layout`], [`Places`] and [`Slots`] say which keys a run writes, [`KeyKind`] what a key names.
//! - [`verify`] tries a destination, [`audit`] checks what was delivered there.
//! - `documents` generates what the other side needs: policies for AWS, scripts for engines. Nothing depends on it.
//! - [`DeliveryError`] says what is wrong by what to do about it.
//!
//! What is not here: no evaluation, no encoding, no store. Time comes from a [`Clock`] that is given.

mod answer;
mod aws_partition;
mod cancellation;
mod clock;
mod destination;
mod destination_config;
mod destinations;
mod documents;
mod environment;
mod error;
mod http;
mod integrity;
mod layout;
mod retry;
mod spool;
mod summary_reader;
mod supervision;
mod tenant_name;
mod timestamps;
mod verification;

pub use answer::Answer;
pub use cancellation::{CancelReason, CancellationToken};
pub use clock::Clock;
pub use destination::{Destination, Listed, Listing, Receipt};
pub use destination_config::{
    DestinationConfig, DestinationKind, DestinationOptions, ObjectStore, Opened, TableLocation,
};
pub use destinations::configure_destination;
pub use destinations::local::LocalConfig;
#[doc(hidden)]
pub use destinations::s3::oracle;
pub use destinations::s3::{
    Access, Encryption, Identity, Role, S3Config, S3Settings, ServiceIdentity, service_identity,
};
pub use documents::{
    Document, DocumentKind, SetupScript, assume_policy, bucket_policy, iam_policy, key_policy, lifecycle,
    setup_script, setup_scripts, trust_policy,
};
pub use environment::Environment;
pub use error::DeliveryError;
pub use http::Timeouts;
pub use integrity::{Audit, AuditOptions, ChainBegin, GivenManifest, audit};
pub use layout::{
    Engine, Folder, KeyKind, Layout, Places, Slot, Slots, kept_manifests_prefix, manifest_key, probe_key,
    setup_key, snapshot_key, stale_parts, version_prefix,
};
pub use retry::{Patience, Retry};
pub use spool::{Spool, SpooledFile};
pub use summary_reader::{StoredObject, SummaryReader};
pub use supervision::{Notice, Notices, Supervision};
pub use tenant_name::TenantName;
pub use verification::{Check, CheckStatus, Verification, verify};
