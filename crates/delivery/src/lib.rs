//! Destinations of the access summary: where its files go and how they get there whole.
//!
//! A run writes its files into a [`Spool`] and hands them to a [`Destination`] in waves: tables with the zero-row
//! files over parts that today no longer has, what sets engines up, the `snapshot` row, the manifest last. Each
//! file appears under its key whole or not at all, and nothing is ever deleted or read back: the credentials of a
//! destination may list and put, no more.
//!
//! - [`configure_destination`] makes a [`DestinationConfig`] of an address. `destinations` has a folder for each kind.
//! - [`Layout`], [`RunKeys`] and [`SlotState`] say which keys a run writes, [`KeyKind`] what a key names.
//! - [`verify`] tries a destination, [`check_integrity`] checks what was delivered there.
//! - `documents` generates what the other side needs: policies for AWS, scripts for engines. Nothing depends on it.
//! - [`DeliveryError`] says what is wrong by what to do about it.
//!
//! What is not here: no evaluation, no encoding, no store. Time comes from a [`DeliveryClock`] that is given.

mod aws_partition;
mod call_context;
mod cancellation;
mod clock;
mod destination;
mod destination_config;
mod destinations;
mod documents;
mod environment;
mod error;
mod error_response;
mod http;
mod integrity;
mod layout;
mod network;
mod retry;
mod spool;
mod summary_reader;
mod tenant_name;
mod text;
mod timestamps;
mod verification;

pub use call_context::{CallContext, DeliveryNotice, NoticeHandler};
pub use cancellation::{CancelReason, CancellationToken};
pub use clock::{DeliveryClock, TimeSource};
pub use destination::{Destination, ListedObject, Listing, Receipt};
pub use destination_config::{
    DestinationConfig, DestinationKind, DestinationOptions, ObjectStore, OpenDestination, TableLocation,
};
pub use destinations::configure_destination;
pub use destinations::local::LocalConfig;
#[doc(hidden)]
pub use destinations::s3::oracle;
pub use destinations::s3::{
    AssumedRole, Encryption, S3Access, S3Config, S3Settings, ServiceIdentity, SigningIdentity,
    service_identity,
};
pub use documents::{
    SetupDocument, SetupDocumentKind, SetupScript, assume_policy, bucket_policy, iam_policy, key_policy,
    lifecycle, setup_script, setup_scripts, trust_policy,
};
pub use environment::Environment;
pub use error::DeliveryError;
pub use error_response::ErrorResponse;
pub use http::Timeouts;
pub use integrity::{ChainStart, IntegrityOptions, IntegrityReport, StoredManifest, check_integrity};
pub use layout::{
    Engine, KeyKind, Layout, PartFolder, RunKeys, Slot, SlotState, kept_manifests_prefix, manifest_key,
    probe_key, setup_key, snapshot_key, stale_parts, version_prefix,
};
pub use network::{Network, SimulatedNetwork, SimulatedRequest, SimulatedResponse};
pub use retry::{RetryClass, RetryPolicy};
pub use spool::{Spool, SpooledFile};
pub use summary_reader::{StoredObject, SummaryReader};
pub use tenant_name::TenantName;
pub use verification::{CheckStatus, Verification, VerificationCheck, verify};
