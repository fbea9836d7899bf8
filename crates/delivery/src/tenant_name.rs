//! The tenant as a destination knows it.

use uuid::Uuid;

/// The tenant whose summary is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantName {
    /// The tenant's id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}
