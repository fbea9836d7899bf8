//! SCIM 2.0 (RFC 7643, RFC 7644): what an identity provider pushes, without HTTP and without a store.
//!
//! - `schema`: the schemas and resource types as data, with what a connection's mapping adds to them.
//! - `filter`: the filter language, parsed with positions and evaluated on a resource; `path` reads paths of attributes.
//! - `resource`: a resource as a client sends it into the form in which it is stored: canonical names, unknown attributes
//!   dropped, values of the attribute's type.
//! - `patch`: the operations of a PATCH. Members of a group are changed by [`MembersChange`]s, since a group of 100,000 is
//!   never loaded to change one member.
//! - `projection` (`attributes`, `excludedAttributes`), `sort`, `discovery` (what a client learns about this server).
//! - `convert`: a resource into a user or group of the model.
//!
//! Identity providers depart from the standard in known ways. What is understood beyond it is said where it is read.

mod convert;
mod discovery;
mod error;
mod filter;
mod member;
mod patch;
mod path;
mod projection;
mod resource;
mod schema;
mod sort;
mod urns;

pub use convert::{MappingError, UserContext, check, convert_group, convert_user, manager_reference};
pub use discovery::{MAX_PAGE, resource_type, resource_types, schema_document, service_provider_config};
pub use error::{ScimError, ScimErrorKind};
pub use filter::{Filter, Lookup};
pub use member::{Member, take_members};
pub use patch::{MembersChange, Operation, PatchStep, parse_patch};
pub use path::AttributePath;
pub use projection::Projection;
pub use resource::{Document, ResourceFacts, fold, name, normalize, represent};
pub use schema::{ResourceKind, ResourceSchema, Schemas};
pub use sort::SortKey;
pub use urns::{ENTERPRISE_SCHEMA, ERROR_SCHEMA, GROUP_SCHEMA, LIST_SCHEMA, USER_SCHEMA};
