//! A prefix of an S3 bucket, on AWS or any server that speaks its protocol.
//!
//! Two rights are all that a delivery needs: `s3:ListBucket` under the prefix and `s3:PutObject`. Each file is one
//! `PutObject` from disk, so memory does not grow with it; several are sent at the same time. SHA-256 goes with each
//! as the signed digest of the body and as its checksum, and the server refuses what differs.
//!
//! - `settings`, `access`: what somebody configured; `config`: the kind of destination that they make.
//! - `bucket`: the destination at work; `client`: one attempt at each call; `listing`, `upload`: many of them.
//! - `signing`, `sts`, `credentials`: who signs and how. `shared_config`: the files of the AWS tools.
//! - `endpoint`, `endpoints`: where the services are. `errors`, `xml`: what they answer.
//! - `verification`: whether a bucket takes summaries. `service_identity`: who this machine is for AWS.

mod access;
mod bucket;
mod client;
mod config;
mod credentials;
mod endpoint;
mod endpoints;
mod errors;
mod listing;
mod listing_limits;
pub mod oracle;
mod service_identity;
mod settings;
mod shared_config;
mod shell_words;
mod signing;
mod sts;
mod upload;
mod verification;
mod xml;

pub use access::S3Access;
pub use config::S3Config;
pub(super) use config::S3Kind;
pub use credentials::{AssumedRole, SigningIdentity};
pub use service_identity::{ServiceIdentity, service_identity};
pub use settings::{Encryption, S3Settings};

#[cfg(test)]
pub(super) mod fake_server;
#[cfg(test)]
mod hostile_tests;
