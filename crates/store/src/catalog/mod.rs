//! The catalog: its objects, how they change, and the snapshot that evaluation reads.

mod alias;
mod applied;
mod apply;
mod apply_layers;
mod audit_entries;
mod consistency;
mod documents;
mod edit;
pub(crate) mod layers;
mod objects;
mod plan;
pub(crate) mod privileges;
mod records;
mod references;
pub(crate) mod request_index;
mod requests;
mod revision;
mod snapshot;
mod tenant;

pub use applied::{ApplyOptions, ObjectChange};
pub(crate) use documents::parse;
pub use edit::LayerView;
pub use layers::{
    KindCounts, LayerChange, LayeredObject, Listing, ListingOptions, ListingOutcome, MOST_CHANGES,
    ObjectSync, Refusal, SyncAction,
};
pub use objects::{ObjectPage, StoredObject};
pub use plan::{Action, Change, Overridden, Plan};
pub use snapshot::LoadedSnapshot;
