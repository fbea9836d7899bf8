//! SCIM: an identity provider pushes users and groups into the layer of its connection (`docs/connections-scim.md`).
//!
//! A request comes with a token of its connection ([`authenticate`]); the token opens nothing else, and nothing else opens
//! SCIM. Reading runs in [`read()`], in one consistent read of the store. Writing runs in [`write()`], one exclusive
//! transaction in which the token is checked again: a change and what follows from it for users and groups are committed
//! together, or nothing is.
//!
//! The provider's resources are stored as they are ([`domesday_sources::scim`] reads them); the users and groups that
//! follow from them are put into the connection's layer ([`layer`]): a change of one member of a group derives one user.

mod client;
mod error;
mod groups;
mod layer;
mod members;
mod nesting;
mod precondition;
mod reader;
mod search;
mod tokens;
mod users;
mod writer;

pub use client::{ScimClient, authenticate, read, write};
pub use error::ScimFailure;
pub use precondition::{EntityTags, ScimPrecondition};
pub use reader::{Reader, ResourceAnswer};
pub use search::{Search, SearchPage};
pub use tokens::{create_token, revoke_token, tokens};
pub use writer::Writer;
