//! The record of what is pushed: one for each day and connection, beside the records of syncs.

use domesday_model::{Instant, Kind};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::database::values;
use crate::state::syncs::{SyncRecord, SyncState};
use crate::{ChangeBy, Store, StoreError};

/// A day in microseconds.
const DAY_MICROS: i64 = 86_400_000_000;

/// What a request did with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScimPush {
    /// It was created.
    Created,
    /// It was changed.
    Changed,
    /// It was sent as it is.
    Unchanged,
    /// It was deleted.
    Gone,
}

impl ScimPush {
    fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Gone => "gone",
        }
    }
}

impl Store {
    /// Counts a request in the record of its day (UTC), which covers every request of that day. The audit log has an entry
    /// of the first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn record_scim_push(
        &mut self,
        connection: (i64, &str),
        kind: Kind,
        push: ScimPush,
        change: &ChangeBy<'_>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let day = change.at.as_micros().div_euclid(DAY_MICROS);
        let name = format!("urn:domesday:push:{}:{day}", connection.0);
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string();
        let sql = "SELECT report FROM sync WHERE id = ?1";
        let stored = transaction.first(sql, values![&id], |row| {
            Ok(serde_json::from_str::<Json>(row.text(0)?).unwrap_or_default())
        })?;
        if let Some(mut report) = stored {
            count(&mut report, kind, push);
            let sql = "UPDATE sync SET ended_at = ?2, report = ?3 WHERE id = ?1";
            let text = report.to_string();
            transaction.execute(sql, values![&id, change.at.as_micros(), &text])?;
            return transaction.commit();
        }
        transaction.commit()?;
        let mut sync = SyncRecord::begin(connection.1, "push", change.actor, change.at);
        sync.id = Uuid::parse_str(&id).unwrap_or(sync.id);
        (sync.state, sync.ended_at) = (SyncState::Succeeded, Some(change.at));
        sync.report =
            json!({ "isComplete": true, "counts": {}, "skippedCount": 0, "skipped": [], "warnings": [] });
        count(&mut sync.report, kind, push);
        self.write_sync(&sync, None, change)
    }

    /// Returns when a token of a connection was last used, to the minute.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_scim_request(&mut self, connection: &str) -> Result<Option<Instant>, StoreError> {
        let Some(object) = self.object(Kind::Connection, connection)? else { return Ok(None) };
        let sql = "SELECT max(last_used_at) FROM scim_token WHERE connection = ?1";
        let last = self.database.first(sql, values![object.id], |row| row.maybe_integer(0))?;
        Ok(last.flatten().map(Instant::from_micros))
    }
}

fn count(report: &mut Json, kind: Kind, push: ScimPush) {
    let Some(counts) = report.get_mut("counts").and_then(Json::as_object_mut) else { return };
    let none = || -> Json {
        let names = ["read", "created", "changed", "unchanged", "gone", "skipped"];
        names.into_iter().map(|name| (name.to_owned(), json!(0))).collect::<Map<_, _>>().into()
    };
    let counted = counts.entry(kind.key()).or_insert_with(none);
    for name in ["read", push.as_str()] {
        counted[name] = json!(counted[name].as_u64().unwrap_or_default() + 1);
    }
}
