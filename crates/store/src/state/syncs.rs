//! Records of syncs: what each read of a connection found and changed. They are evidence of how complete the population is,
//! and stay for 400 days.

use std::fmt;

use domesday_model::{Instant, Kind};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::audit::{self, Entry};
use crate::catalog::layers::end_listing;
use crate::database::{Row, values};
use crate::{ChangeBy, NewMessage, Store, StoreError};

use super::outbox;

/// How long records of syncs stay, in microseconds.
const RETENTION_MICROS: i64 = 400 * 86_400_000_000;

/// How a sync ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SyncState {
    /// It reads, or waits for the changes.
    Running,
    /// The read was complete, and its changes were made.
    Succeeded,
    /// The connection could not be read, or not completely; nothing was changed.
    Failed,
    /// Too much would have been gone; nothing was changed until somebody accepts it.
    Refused,
}

impl SyncState {
    /// Returns the name in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Self {
        [Self::Running, Self::Succeeded, Self::Refused]
            .into_iter()
            .find(|state| state.as_str() == text)
            .unwrap_or(Self::Failed)
    }
}

impl fmt::Display for SyncState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The record of a sync.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncRecord {
    /// Its id.
    pub id: Uuid,
    /// The connection, by name.
    pub connection: String,
    /// Its state.
    pub state: SyncState,
    /// What began it: `schedule`, `manual`, `run`, `import` or `push`.
    pub trigger: String,
    /// Who began it.
    pub actor: String,
    /// When it began.
    pub started_at: Instant,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// What it found and changed: counts, reasons and the digest. Contains no personal data beyond names of entries.
    pub report: Json,
}

impl SyncRecord {
    /// Creates the record of a sync that begins.
    #[must_use]
    pub fn begin(connection: &str, trigger: &str, actor: &str, at: Instant) -> Self {
        Self {
            id: Uuid::new_v4(),
            connection: connection.to_owned(),
            state: SyncState::Running,
            trigger: trigger.to_owned(),
            actor: actor.to_owned(),
            started_at: at,
            ended_at: None,
            report: Json::Object(serde_json::Map::new()),
        }
    }
}

const SELECT: &str =
    "SELECT id, connection, state, trigger_name, actor, started_at, ended_at, report FROM sync";

fn record(row: &Row<'_>) -> Result<SyncRecord, StoreError> {
    Ok(SyncRecord {
        id: Uuid::parse_str(row.text(0)?).expect("ids of syncs are written from UUIDs only"),
        connection: row.text(1)?.to_owned(),
        state: SyncState::parse(row.text(2)?),
        trigger: row.text(3)?.to_owned(),
        actor: row.text(4)?.to_owned(),
        started_at: Instant::from_micros(row.integer(5)?),
        ended_at: row.maybe_integer(6)?.map(Instant::from_micros),
        report: serde_json::from_str(row.text(7)?).unwrap_or_default(),
    })
}

impl Store {
    /// Writes the record of a sync, new or in place of its earlier version, and with its end the message about it. Records
    /// that are older than 400 days are deleted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn write_sync(
        &mut self,
        sync: &SyncRecord,
        message: Option<&NewMessage>,
        change: &ChangeBy<'_>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        let text = sync.report.to_string();
        transaction.execute(
            "INSERT INTO sync (id, connection, state, trigger_name, actor, started_at, ended_at, report)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at,
                 report = excluded.report",
            values![
                &sync.id.to_string(),
                &sync.connection,
                sync.state.as_str(),
                &sync.trigger,
                &sync.actor,
                sync.started_at.as_micros(),
                sync.ended_at.map(Instant::as_micros),
                &text,
            ],
        )?;
        if sync.state != SyncState::Running {
            let oldest = change.at.as_micros().saturating_sub(RETENTION_MICROS);
            transaction.execute("DELETE FROM sync WHERE started_at < ?1", values![oldest])?;
            let after = serde_json::json!({ "sync": sync.id, "state": sync.state.as_str() }).to_string();
            let target = format!("connections/{}", sync.connection);
            let entry = Entry { action: "sync", target, before: None, after: Some(after) };
            audit::append(&mut transaction, change, &[entry])?;
            if let Some(message) = message {
                outbox::add(&mut transaction, message)?;
            }
        }
        transaction.commit()
    }

    /// Returns the syncs of a connection that began before an instant, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn syncs(
        &mut self,
        connection: &str,
        before: Option<Instant>,
        limit: usize,
    ) -> Result<Vec<SyncRecord>, StoreError> {
        let before = before.map_or(i64::MAX, Instant::as_micros);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!(
            "{SELECT} WHERE connection = ?1 AND started_at < ?2 ORDER BY started_at DESC, id DESC LIMIT ?3"
        );
        self.database.all(&sql, values![connection, before, limit], record)
    }

    /// Returns the syncs of a connection after the latest `offset`, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn syncs_from(
        &mut self,
        connection: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<SyncRecord>, StoreError> {
        let [offset, limit] = [offset, limit].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        let sql =
            format!("{SELECT} WHERE connection = ?1 ORDER BY started_at DESC, id DESC LIMIT ?2 OFFSET ?3");
        self.database.all(&sql, values![connection, limit, offset], record)
    }

    /// Returns the instant at which a sync of a connection begins: now, and after the one before, so that the instants of a
    /// connection's syncs give their order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn next_sync_start(&mut self, connection: &str, now: Instant) -> Result<Instant, StoreError> {
        const SECOND: i64 = 1_000_000;
        let last = self.syncs(connection, None, 1)?.pop().map(|sync| sync.started_at.as_micros());
        let now_micros = now.as_micros();
        // One that is dated further ahead was written by a clock that was ahead.
        let just_now = last.filter(|last| (now_micros..now_micros.saturating_add(SECOND)).contains(last));
        Ok(just_now.map_or(now, |last| Instant::from_micros(last + 1)))
    }

    /// Returns a sync by id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sync(&mut self, id: Uuid) -> Result<Option<SyncRecord>, StoreError> {
        self.database.first(&format!("{SELECT} WHERE id = ?1"), values![&id.to_string()], record)
    }

    /// Returns the last sync of a connection that was complete.
    ///
    /// # Errors
    /// When the store fails.
    pub fn last_complete_sync(&mut self, connection: &str) -> Result<Option<SyncRecord>, StoreError> {
        let sql = format!(
            "{SELECT} WHERE connection = ?1 AND state = 'succeeded' ORDER BY started_at DESC, id DESC LIMIT 1"
        );
        self.database.first(&sql, values![connection], record)
    }

    /// Counts the syncs of a connection.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sync_count(&mut self, connection: &str) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM sync WHERE connection = ?1";
        let count = self.database.first(sql, values![connection], |row| row.integer(0))?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or_default())
    }

    /// Counts the users, groups and data sources that a connection lists, in this order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn listed_counts(&mut self, connection: &str) -> Result<[u64; 3], StoreError> {
        let sql = "SELECT kind, count(*) FROM layer WHERE origin = ?1 AND absent_since IS NULL GROUP BY kind";
        let counts = self.database.all(sql, values![connection], |row| {
            Ok((row.text(0)?.to_owned(), u64::try_from(row.integer(1)?).unwrap_or_default()))
        })?;
        let of = |kind: Kind| counts.iter().find(|(key, _)| key == kind.key()).map_or(0, |(_, count)| *count);
        Ok([of(Kind::User), of(Kind::Group), of(Kind::DataSource)])
    }

    /// Returns the connections in their configured order.
    ///
    /// # Errors
    /// When the store fails.
    pub fn connections(&mut self) -> Result<Vec<crate::StoredObject>, StoreError> {
        self.objects_in_order(Kind::Connection)
    }

    /// Keeps the sealed password of a connection in place of the one it had, or forgets it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn set_connection_secret(
        &mut self,
        connection: &str,
        sealed: Option<&[u8]>,
        at: Instant,
    ) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        transaction.execute("DELETE FROM connection_secret WHERE connection = ?1", values![connection])?;
        if let Some(sealed) = sealed {
            let sql = "INSERT INTO connection_secret (connection, sealed, updated_at) VALUES (?1, ?2, ?3)";
            transaction.execute(sql, values![connection, sealed, at.as_micros()])?;
        }
        transaction.commit()
    }

    /// Returns the sealed password of a connection.
    ///
    /// # Errors
    /// When the store fails.
    pub fn connection_secret(&mut self, connection: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT sealed FROM connection_secret WHERE connection = ?1";
        self.database.first(sql, values![connection], |row| Ok(row.bytes(0)?.to_owned()))
    }

    /// Returns every sealed password, by connection.
    ///
    /// # Errors
    /// When the store fails.
    pub fn connection_secrets(&mut self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let sql = "SELECT connection, sealed FROM connection_secret ORDER BY connection";
        self.database.all(sql, &[], |row| Ok((row.text(0)?.to_owned(), row.bytes(1)?.to_owned())))
    }

    /// Makes everything that a connection listed absent, such as before it is deleted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_listing(&mut self, connection: &str, change: &ChangeBy<'_>) -> Result<(), StoreError> {
        let mut transaction = self.database.write()?;
        end_listing(&mut transaction, connection, change)?;
        transaction.commit()
    }
}
