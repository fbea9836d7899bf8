//! The state of the service beside the catalog: who may call it, what it delivers where, and how that goes.

mod api_keys;
mod deliveries;
mod drift;
mod exports;
mod freshness;
mod future_records;
mod idempotency;
mod last_used;
mod leases;
mod outbox;
mod readiness;
mod run_list;
mod run_progress;
mod runs;
mod scim;
mod sessions;
mod syncs;

pub use api_keys::{ApiKey, NewApiKey};
pub use deliveries::DeliveryRecord;
pub use drift::DriftState;
pub use exports::{SealedSecret, StoredExport};
pub use freshness::Freshness;
pub use future_records::ReleasedRun;
pub use idempotency::IdempotentCall;
pub use leases::Fence;
pub use outbox::{Message, MessageAttempt, MessageState, NewMessage};
pub use run_list::RunFilter;
pub use run_progress::cancelled_error;
pub use runs::{EndedAttempt, NewRun, PhaseDuration, RunRecord, RunState};
pub use scim::{
    NewScimResource, NewScimToken, ScimFind, ScimGroup, ScimMember, ScimPush, ScimResource,
    ScimResourceChange, ScimToken,
};
pub use sessions::{NewSession, Session, SignInMethod};
pub use syncs::{SyncRecord, SyncState};
