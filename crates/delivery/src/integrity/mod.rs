//! The integrity check: whether a delivered summary is what its manifests state: every object, digest, count and link of
//! the chain.
//!
//! It is for those who read: it takes the right to get objects, which an identity that delivers does not have. A chain
//! is as strong as the newest digest that somebody stored elsewhere ([`IntegrityOptions::expected`]): an identity that may
//! put objects can put a manifest that fits them.
//!
//! - `reader`: what is at the destination, read within limits. Only listed objects are read, and only those whose
//!   key has a form that a run writes.
//! - `state`: a check under way. `report`: its input and its result.
//! - `files`: an object compared with its entry in a manifest.
//! - `chain`: from the newest manifest into the past.
//! - `check`: the order of all that.

mod chain;
mod check;
mod files;
mod reader;
mod report;
mod state;

use std::time::Duration;

pub use report::{ChainStart, IntegrityOptions, IntegrityReport, StoredManifest};

use crate::{CallContext, DeliveryError, DestinationConfig, TenantName};
use reader::BoundedReader;
use state::IntegrityCheck;

/// The longest that a check may take.
const TIME_LIMIT: Duration = Duration::from_secs(24 * 3600);

/// Checks the summary at a destination.
///
/// # Errors
/// When there is no manifest that can be read, or the destination cannot be read. What is wrong with the summary is
/// no error but a finding of the report.
pub fn check_integrity(
    destination: &dyn DestinationConfig,
    tenant: &TenantName,
    options: &IntegrityOptions,
) -> Result<IntegrityReport, DeliveryError> {
    let call_context = CallContext::new().with_deadline(TIME_LIMIT);
    let reader = BoundedReader(destination.open_reader(tenant, &call_context)?);
    IntegrityCheck::open(reader, destination.name(), options)?.run(options)
}
