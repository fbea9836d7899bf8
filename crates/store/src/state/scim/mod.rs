//! What identity providers push by SCIM: resources, members of groups, tokens.
//!
//! The store does not interpret documents: what is looked up beside them is given with them. Everything belongs to a
//! connection by the id of its object, so that a later connection of the same name gets nothing of an earlier one.

mod members;
mod pushes;
mod resources;
mod tokens;

pub use members::{ScimGroup, ScimMember};
pub use pushes::ScimPush;
pub use resources::{NewScimResource, ScimFind, ScimResource, ScimResourceChange};
pub use tokens::{NewScimToken, ScimToken};
