//! The governance metadata as pure types: who exists, what data there is, which policies bind them, and the
//! condition language in which policies speak of users.
//!
//! Three views of one matter live here:
//!
//! - [`Catalog`]: everything as its owners declare it, names referring to names. What files and the HTTP API
//!   bring in, and what the store keeps. [`document`] reads the store's largest parts of it without copying them.
//! - [`validate`]: what makes a catalog wrong, as problems that point at a field, whatever it was read from.
//! - [`Snapshot`]: everything as it stood at one instant, with ids given and names resolved to dense indices.
//!   What the engine evaluates.
//!
//! This crate does no I/O, reads no clock, and knows no SQL, HTTP or YAML.

mod agreement;
mod answer;
mod asset;
mod catalog;
pub mod condition;
pub mod document;
mod duration;
mod excerpt;
mod glob;
mod hash;
mod identity;
mod ids;
mod instant;
mod kinds;
pub mod limits;
mod near;
mod policy;
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
pub use asset::{Column, DataSource, DataSourceStatus, Domain, DomainPermission, Tag, dotted_ancestors};
pub use catalog::{Catalog, Declared, Kind};
pub use condition::Condition;
pub use duration::{ApprovalDuration, DurationError};
pub use excerpt::{Excerpt, is_control};
pub use glob::glob_matches;
pub use hash::{FastMap, FastSet};
pub use identity::{ALL_USERS, Attributes, Group, Permission, Tenant, User, UserStatus};
pub use ids::*;
pub use instant::{Instant, InstantError};
pub use near::nearest_names;
pub use policy::{
    AppliesTo, ColumnSelector, DataPolicy, Individuals, Level, LevelKind, Mask, MaskKind, Policy, PolicyKind,
    PolicyState, Scope, Selector,
};
pub use request::{
    AcceptedAgreement, Determination, DeterminationStatus, Request, RequestStatus, RequestType, Target,
};
pub use reserved::reserved_name;
pub use review::{Review, ReviewState, ReviewSubject, Reviewer};
pub use snapshot::{
    DataSourceBuilder, Provenance, Record, Since, Snapshot, SnapshotBuilder, SnapshotColumn,
    SnapshotDataSource, SnapshotError, SnapshotGroup, SnapshotUser, Symbol, Symbols, UserBuilder,
};
pub use url::{has_url_query, url_scheme};
