//! Layers of users, groups and data sources: one document an origin, and the effective object as their merge.
//!
//! The merge itself is the model's ([`domesday_model::layers`]). Here an origin's objects find those of the others, a layer
//! is written, and the row of the effective object with it, in one transaction.

mod changes;
mod declared;
mod effective;
mod erase;
mod find;
mod known;
mod listing;
mod migrate;
mod names;
mod rename;
mod rows;
mod writer;

pub use changes::{LayerChange, LayeredObject};
pub(crate) use declared::create_declared;
pub(crate) use domesday_model::layers::Document as LayerDocument;
pub(crate) use effective::{EffectiveDocument, NewObject, create, effective_document, resolve_missing};
pub(crate) use find::{check_unlisted, find_by_alias};
pub(crate) use listing::end_listing;
pub use listing::{
    KindCounts, Listing, ListingOptions, ListingOutcome, MOST_CHANGES, ObjectSync, Refusal, SyncAction,
};
pub(crate) use migrate::{VERSION, fill};
pub(crate) use names::References;
pub(crate) use rows::{LayerRow, Ranks, StoredLayer, delete_all, delete_layer, of_kind, of_object, put};
