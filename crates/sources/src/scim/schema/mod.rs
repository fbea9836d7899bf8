//! The schemas as data (RFC 7643, sections 2, 4 and 7).

mod core;
mod discovered;
mod resources;
mod types;

pub(super) use discovered::discovery_schemas;
pub use resources::{ResourceKind, ResourceSchema, Schemas};
pub(super) use types::{Attribute, DataType, Mutability};
