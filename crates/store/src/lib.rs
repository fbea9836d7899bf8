//! Persistence: the governance metadata, and the state of the service beside it. SQLite, embedded, or PostgreSQL,
//! shared.
//!
//! The catalog is stored as one document per object, as its owner declared it (the catalog format in JSON), beside it
//! its id, its history and its origin. Documents rather than a table per attribute, since objects are always read
//! whole: a plan compares documents, a snapshot reads them once in order, and a new field of the format needs no
//! migration. Relations are evaluated in the snapshot and have no tables.
//!
//! - `catalog`: [`Store::apply`] applies a whole catalog, or nothing of it on any error; [`Store::put_object`] and its
//!   neighbours change one object, guarded by entity tags; [`Store::snapshot`] is the one consistent read from which
//!   everything else is computed.
//! - `state`: API keys, exports, runs, leases, the outbox, idempotency keys, deliveries and what is
//!   pushed by SCIM, one file each.
//! - `audit`: the audit log. Every change writes its entry ([`AuditEntry`]) in the same transaction.
//! - `database`: the seam between SQLite and PostgreSQL. `schema`: the tables and their migrations.
//!
//! The store does not evaluate, speak HTTP, encrypt or read a clock: the caller passes the instant of every operation.
//! Secrets arrive hashed or sealed.

mod audit;
mod backup;
mod catalog;
mod change;
mod clock_skew;
mod database;
mod error;
mod etag;
mod field_change;
mod id_space;
mod location;
mod observer;
mod page_size;
mod schema;
mod state;
mod store;

pub use audit::{
    AuditAnchor, AuditEntry, AuditFault, AuditFilter, AuditMismatch, AuditPage, AuditPageStart, AuditReport,
    InvalidAnchor, NewAuditEntry,
};
pub use backup::RestoreReport;
pub use catalog::{
    Action, ApplyOptions, Change, KindCounts, LayerChange, LayerView, LayeredObject, Listing, ListingOptions,
    ListingOutcome, LoadedSnapshot, MOST_CHANGES, ObjectChange, ObjectPage, ObjectSync, Overridden, Plan,
    Refusal, StoredObject, SyncAction,
};
pub use change::{ChangeBy, IfMatch};
pub use clock_skew::MAX_CLOCK_SKEW_MICROS;
pub use error::StoreError;
pub use field_change::FieldChange;
pub use location::{ServerUrl, StoreLocation};
pub use observer::{StoreEvent, StoreObserver};
pub use state::{
    ApiKey, DeliveryRecord, DriftState, EndedAttempt, Fence, Freshness, IdempotentCall, Message,
    MessageAttempt, MessageState, NewApiKey, NewMessage, NewRun, NewScimResource, NewScimToken, NewSession,
    PhaseDuration, ReleasedRun, RunFilter, RunRecord, RunState, ScimFind, ScimGroup, ScimMember, ScimPush,
    ScimResource, ScimResourceChange, ScimToken, SealedSecret, Session, SignInMethod, StoredExport,
    SyncRecord, SyncState, cancelled_error,
};
pub use store::Store;
