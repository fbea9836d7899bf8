//! The identity of a snapshot.

use domesday_model::Snapshot;
use uuid::Uuid;

use crate::hex;

/// Returns the id of a snapshot: UUIDv5 in the tenant's namespace of its instant, as RFC 3339 in UTC, followed by the
/// digest of its input in hexadecimal. Equal input at an equal instant has the same id.
#[must_use]
pub fn snapshot_id(snapshot: &Snapshot) -> Uuid {
    let name = format!("{}{}", snapshot.at, hex(&snapshot.digest));
    Uuid::new_v5(&snapshot.tenant_id, name.as_bytes())
}
