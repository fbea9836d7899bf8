//! The governance metadata as pure types: users, data sources, the policies that apply to them, and the condition
//! language of policies.
//!
//! There are three views of it:
//!
//! - [`Catalog`]: everything as declared in files and through the HTTP API, with references by name. [`document`] parses
//!   the largest stored parts of it without copying them.
//! - [`validate`]: the problems of a catalog, each with its field, whatever format it was read from.
//! - [`Snapshot`]: everything at one instant, with ids and with references as dense indices, which the engine evaluates.
//!
//! This crate does no I/O, reads no clock, and knows no SQL, HTTP or YAML.

mod agreement;
mod answer;
mod asset;
mod catalog;
pub mod condition;
mod connection;
mod data_policy;
pub mod document;
mod duration;
mod excerpt;
mod glob;
mod hash;
mod identity;
mod ids;
mod instant;
mod kinds;
pub mod layers;
pub mod limits;
mod near;
mod policy;
pub mod privileges;
mod request;
mod reserved;
mod review;
mod snapshot;
mod url;
pub mod validate;

pub use agreement::{
    Agreement, Approvers, DataProduct, Need, Owners, ProductAsset, ProductStatus, Question, QuestionKind,
    RequestForm, ReviewStep,
};
pub use answer::{Answer, AnswerError};
pub use asset::{
    Column, DataSource, DataSourceStatus, Domain, DomainPermission, Tag, dotted_ancestors, is_tag_name,
};
pub use catalog::{Catalog, Declared, Kind};
pub use condition::Condition;
pub use connection::{
    Connection, ConnectionKind, CsvConnection, DEFAULT_SCHEDULE, DbtConnection, Identification,
    LdapConnection, LdapSearch, MaxAge, MaxGone, PostgresConnection, ScimConnection, SecretReference,
    TagRule, is_connection_name,
};
pub use data_policy::{ColumnSelector, DataPolicy, Mask, MaskKind};
pub use duration::{ApprovalDuration, DurationError};
pub use excerpt::{Excerpt, is_control};
pub use glob::glob_matches;
pub use hash::{FastMap, FastSet};
pub use identity::{ALL_USERS, Attributes, Group, Permission, Tenant, User, UserStatus};
pub use ids::*;
pub use instant::{Instant, InstantError};
pub use near::nearest_names;
pub use policy::{
    AppliesTo, Individuals, Level, LevelKind, Policy, PolicyKind, PolicyState, Scope, Selector,
};
pub use request::{
    AcceptedAgreement, Determination, DeterminationStatus, Request, RequestStatus, RequestType, Target,
};
pub use reserved::reserved_name;
pub use review::{Review, ReviewState, ReviewSubject, Reviewer};
pub use snapshot::{
    DataSourceBuilder, Provenance, Record, Since, Snapshot, SnapshotBuilder, SnapshotColumn,
    SnapshotDataSource, SnapshotError, SnapshotFileError, SnapshotGroup, SnapshotUser, Symbol, Symbols,
    UserBuilder,
};
pub use url::{has_url_query, url_scheme};
