//! What clients have been told.

use uuid::Uuid;

/// What clients have been told, and what they do not know.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// The version of the catalog.
    pub(crate) catalog: u64,
    /// The last version that was sent, whatever became of it.
    pub(crate) catalog_sent: u64,
    pub(crate) is_catalog_under_way: bool,
    /// Runs that were started.
    pub(crate) runs: Vec<Uuid>,
    /// Runs that had ended with their cancellation.
    pub(crate) cancelled: Vec<Uuid>,
    /// When a call about the export last began or ended.
    pub(crate) export_changed_at: i64,
    /// When a client last began to delete the export and create it anew.
    pub(crate) recreation_began_at: Option<i64>,
    /// Whether a client asked in this night that a run be cancelled.
    pub(crate) has_cancelled: bool,
}
