//! The run in tasks, for an engine that distributes them: plan, any number of tasks, finish.
//!
//! A plan decides which parts of policy-outcomes each task writes, and under which keys. A task evaluates the snapshot,
//! writes its parts and delivers them. Finishing checks the reports of all tasks and delivers everything else, the
//! `snapshot` row and the manifest last, as [`run`](crate::run()) does: until then readers that follow the row find the
//! snapshot before. All of them are functions of the snapshot and the plan, so that a task can be repeated, or run in two
//! places at once.

mod error;
mod finish;
mod plan;
mod report;
mod snapshot;
mod task;

use std::collections::HashMap;
use std::sync::Arc;

use domesday_delivery::{CallContext, DestinationConfig, Layout, Listing, TenantName, manifest_key};
use domesday_model::Snapshot;
use domesday_tables::Settings;

pub use error::BatchError;
pub use finish::{Finish, finish};
pub use plan::{BatchPart, BatchPlan, BatchTask, PlanOptions, PlannedDestination, plan};
pub use report::{ReportedFile, TaskReport};
pub use snapshot::BatchSnapshot;
pub use task::run_task;

/// The destination of a batch, and the clock and the token that cancels the work.
#[derive(Debug, Clone)]
pub struct BatchTarget {
    /// The destination.
    pub destination: Arc<dyn DestinationConfig>,
    /// The clock and the token.
    pub call_context: CallContext,
}

/// Returns the settings by which parts are cut. Every step uses the same.
fn settings(part_bytes: usize, console_url: &str) -> Settings {
    Settings { part_bytes, link_base: console_url.to_owned(), ..Settings::default() }
}

fn tenant(snapshot: &Snapshot) -> TenantName {
    TenantName { id: snapshot.tenant_id, name: snapshot.tenant.name.clone() }
}

/// Returns what shows that another summary was completed since: the mark of the manifest, which is put last and listed
/// in every layout.
fn manifest_mark(listing: &Listing) -> Option<String> {
    let manifest = listing.object(&manifest_key())?;
    Some(manifest.etag.clone().unwrap_or_else(|| manifest.modified.to_string()))
}

/// Returns the sizes of the objects of a listing by key.
fn sizes(listing: &Listing) -> HashMap<&str, u64> {
    listing.objects.iter().map(|object| (object.key.as_str(), object.bytes)).collect()
}

/// Parses the name of a layout in a plan.
fn parse_layout(name: &str) -> Result<Layout, BatchError> {
    name.parse().map_err(BatchError::InvalidPlan)
}
