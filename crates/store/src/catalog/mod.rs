//! The catalog: its objects, how they change, and the snapshot that evaluation reads.

mod apply;
mod audit_entries;
mod consistency;
mod documents;
mod objects;
mod plan;
mod records;
mod references;
pub(crate) mod request_index;
mod requests;
mod revision;
mod snapshot;
mod tenant;

pub use apply::{ApplyOptions, ObjectChange};
pub(crate) use documents::parse;
pub use objects::{ObjectPage, StoredObject};
pub use plan::{Action, Change, Plan};
pub use snapshot::LoadedSnapshot;
