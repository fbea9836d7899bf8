//! Whether what a connection brought is current.

use crate::{Store, StoreError, StoredObject};
use domesday_model::{Connection, ConnectionKind, Instant, Kind};

use super::syncs::{SyncRecord, SyncState};

/// Whether what a connection brought is current.
#[derive(Debug, Clone, PartialEq)]
pub struct Freshness {
    /// The connection.
    pub connection: Connection,
    /// The latest sync.
    pub last: Option<SyncRecord>,
    /// The latest complete sync.
    pub complete: Option<SyncRecord>,
    /// Whether the latest complete sync is older than the connection's `maxAge`, or there is none.
    pub is_stale: bool,
}

impl Freshness {
    /// Reads how current a connection is at an instant.
    ///
    /// # Errors
    /// When the store fails.
    pub fn read(store: &mut Store, connection: Connection, now: Instant) -> Result<Self, StoreError> {
        let last = store.syncs(&connection.name, None, 1)?.pop();
        let complete = store.last_complete_sync(&connection.name)?;
        let oldest = connection.effective_max_age().map(|age| {
            Instant::from_micros(now.as_micros().saturating_sub(age.as_seconds().saturating_mul(1_000_000)))
        });
        let current = match &connection.kind {
            // What is pushed is as current as the latest request.
            ConnectionKind::Scim(_) => store.last_scim_request(&connection.name)?,
            _ => complete.as_ref().map(|sync| sync.started_at),
        };
        let is_stale = oldest.is_some_and(|oldest| current.is_none_or(|at| at < oldest));
        Ok(Self { connection, last, complete, is_stale })
    }

    /// Returns the connection in an object of the catalog.
    ///
    /// # Errors
    /// When the object is none.
    pub fn parse(object: StoredObject) -> Result<Connection, StoreError> {
        let StoredObject { name, document, .. } = object;
        serde_json::from_value(document).map_err(|source| StoreError::Document {
            kind: Kind::Connection,
            name,
            source,
        })
    }

    /// Reads how current every connection is, in their configured order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn of_all(store: &mut Store, now: Instant) -> Result<Vec<Self>, StoreError> {
        let mut all = Vec::new();
        for object in store.connections()? {
            let connection = Self::parse(object)?;
            all.push(Self::read(store, connection, now)?);
        }
        Ok(all)
    }

    /// Returns `ok`, `stale`, `failed`, `refused` or `never`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match &self.last {
            Some(last) if last.state == SyncState::Refused => "refused",
            Some(last) if last.state == SyncState::Failed => "failed",
            _ if self.complete.is_none() => "never",
            _ if self.is_stale => "stale",
            _ => "ok",
        }
    }

    /// Returns what a run should warn of; nothing when the facts are current.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let name = &self.connection.name;
        let since = self.complete.as_ref().map_or_else(
            || "it was never read completely".to_owned(),
            |sync| format!("its last complete sync was at {}", sync.started_at),
        );
        match self.state() {
            "refused" => Some(format!(
                "the last sync of the connection `{name}` was refused, since too much would have been gone; {since}"
            )),
            _ if self.is_stale => Some(format!("the connection `{name}` is stale: {since}")),
            _ => None,
        }
    }
}
