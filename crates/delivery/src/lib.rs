//! Destinations of the access summary: where its files go and how they get there whole.
//!
//! A run writes its files into a [`Spool`] and hands them to a [`Destination`] in waves: tables with the zero-row
//! files over parts that today no longer has, what sets engines up, the `snapshot` row, the manifest last. Each
//! file appears under its key whole or not at all, and nothing is ever deleted or read back: the credentials of a
//! destination may list and put, no more (specification, section 4).
//!
//! - [`Target`] is what somebody names: a directory or `s3://bucket/path`.
//! - [`Layout`], [`Places`] and [`Slots`] say which keys a run writes.
//! - [`LocalDirectory`] and [`S3`] are the two destinations.
//! - [`DeliveryError`] says what is wrong by what to do about it.
//!
//! What is not here: no evaluation, no encoding, no store. Time comes from a [`Clock`] that is given.

mod address;
mod answer;
mod audit;
mod cancellation;
mod clock;
mod destination;
mod environment;
mod error;
mod existing;
mod identity;
mod keys;
mod layout;
mod local;
mod retry;
mod s3;
mod setup;
mod spool;
mod supervision;
mod target;
mod verify;

pub use address::DestinationAddress;
pub use answer::Answer;
pub use audit::{Audit, AuditOptions, ChainBegin, GivenManifest, audit};
pub use cancellation::{CancelReason, CancellationToken};
pub use clock::Clock;
pub use destination::{Destination, Listed, Listing, Receipt};
pub use environment::Environment;
pub use error::DeliveryError;
pub use identity::{ServiceIdentity, service_identity};
pub use keys::{Folder, KeyKind};
pub use layout::{
    Layout, Places, Slot, Slots, kept_manifests_prefix, manifest_key, probe_key, setup_key, snapshot_key,
    stale_parts, version_prefix,
};
pub use local::LocalDirectory;
pub use retry::{Patience, Retry};
pub use s3::{Access, Encryption, Identity, Role, S3, S3Settings, TenantName, Timeouts};
pub use setup::{
    Document, DocumentKind, Engine, SetupScript, assume_policy, bucket_policy, iam_policy, key_policy,
    lifecycle, setup_script, setup_scripts, trust_policy,
};
pub use spool::{Spool, SpooledFile};
pub use supervision::{Notice, Notices, Supervision};
pub use target::{Opened, Target};
pub use verify::{Check, CheckStatus, Verification, Verified, verify};
