//! What API and console show of connections and their syncs.

use domesday_model::{Connection, Instant};
use domesday_store::{Freshness, Store, StoreError, StoredObject, SyncRecord};
use serde::Serialize;
use serde_json::Value;

/// A connection, without its password.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// The fields as they are configured.
    #[serde(flatten)]
    pub connection: Connection,
    /// Where it was configured: a file of the catalog, `api` or `console`.
    pub origin: String,
    /// When it was created.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
    /// Its entity tag.
    pub etag: String,
    /// Whether a password is kept for it.
    pub has_password: bool,
    /// `ok`, `stale`, `failed`, `refused` or `never`: whether its facts are current.
    pub state: &'static str,
    /// How many users, groups and data sources it lists.
    pub users: u64,
    /// See `users`.
    pub groups: u64,
    /// See `users`.
    pub data_sources: u64,
    /// The latest sync.
    pub last_sync: Option<SyncView>,
    /// When the last complete sync began.
    pub last_complete_at: Option<String>,
}

/// Shows a stored connection as of an instant.
///
/// # Errors
/// When the store fails.
pub fn view(store: &mut Store, object: StoredObject, now: Instant) -> Result<ConnectionView, StoreError> {
    let (name, origin, etag) = (object.name.clone(), object.origin.clone(), object.etag.clone());
    let (created_at, updated_at) = (object.created_at.to_string(), object.updated_at.to_string());
    let freshness = Freshness::read(store, Freshness::parse(object)?, now)?;
    let [users, groups, data_sources] = store.listed_counts(&name)?;
    Ok(ConnectionView {
        origin,
        created_at,
        updated_at,
        etag,
        has_password: store.connection_secret(&name)?.is_some(),
        state: freshness.state(),
        users,
        groups,
        data_sources,
        last_complete_at: freshness.complete.as_ref().map(|sync| sync.started_at.to_string()),
        last_sync: freshness.last.map(SyncView::from),
        connection: freshness.connection,
    })
}

/// A sync.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncView {
    /// Its id; none for a dry run, which leaves no record.
    pub id: Option<String>,
    /// The connection.
    pub connection: String,
    /// `running`, `succeeded`, `failed` or `refused`.
    pub state: &'static str,
    /// What began it: `schedule`, `manual`, `run`, `import` or `push`.
    pub trigger: String,
    /// Who began it.
    pub actor: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// What it found and changed: `counts` by kind, `ownCount`, `isComplete`, `sha256`, `skipped`, `warnings`, `error`,
    /// `refusal`, and in a dry run `changes`.
    #[serde(flatten)]
    pub report: Value,
}

impl SyncView {
    /// Shows a sync; a dry run leaves no record, and so has no id.
    #[must_use]
    pub fn of(sync: SyncRecord, dry_run: bool) -> Self {
        let mut view = Self::from(sync);
        if dry_run {
            view.id = None;
        }
        view
    }
}

impl From<SyncRecord> for SyncView {
    fn from(sync: SyncRecord) -> Self {
        Self {
            id: Some(sync.id.to_string()),
            connection: sync.connection,
            state: sync.state.as_str(),
            trigger: sync.trigger,
            actor: sync.actor,
            started_at: sync.started_at.to_string(),
            ended_at: sync.ended_at.map(|at| at.to_string()),
            report: sync.report,
        }
    }
}
