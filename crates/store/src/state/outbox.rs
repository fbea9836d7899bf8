//! The outbox: messages to the webhook, stored until they are delivered.
//!
//! A message is stored in the transaction of the event that it reports. A sender *claims* a message, exclusively until the
//! claim expires, and *settles* the claim with the result of the attempt. The claim of a sender that crashes expires, so a
//! message is delivered at least once, each time with the same id.

use std::fmt;

use domesday_model::Instant;
use uuid::Uuid;

use crate::clock_skew::MAX_CLOCK_SKEW_MICROS;
use crate::database::{Database, Row, Value, values};
use crate::id_space::allocate_ids;
use crate::{Store, StoreError};

/// The state of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// Waits for an attempt, or an attempt is under way.
    Pending,
    /// The receiver accepted it.
    Delivered,
    /// No further attempt is made.
    GivenUp,
}

impl MessageState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::GivenUp];

    /// Returns the name in the API and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::GivenUp => "givenUp",
        }
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Its id, by which a receiver recognizes repeated deliveries.
    pub id: String,
    /// The run that it reports.
    pub run_id: Uuid,
    /// The body, byte for byte.
    pub body: String,
    /// When it was created; it is due immediately.
    pub at: Instant,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its position in the order of creation.
    pub number: i64,
    /// The run that it reports.
    pub run_id: Uuid,
    /// The body.
    pub body: String,
    /// Its state.
    pub state: MessageState,
    /// How many attempts were started.
    pub attempts: u32,
    /// When it was created.
    pub created_at: Instant,
    /// When the next attempt is due, while it is pending.
    pub due_at: Instant,
    /// When it was delivered or given up.
    pub ended_at: Option<Instant>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageAttempt {
    /// The receiver accepted the message.
    Delivered,
    /// The attempt failed, and another one follows.
    Retry {
        /// When.
        due_at: Instant,
        /// Why this attempt failed.
        error: String,
    },
    /// The attempt failed, and no other follows.
    GivenUp {
        /// Why this attempt failed.
        error: String,
    },
}

const SELECT: &str = "SELECT id, number, run_id, body, state, attempts, created_at, due_at, ended_at, error
     FROM message";

/// The longest wait for the next attempt, in microseconds: twice the longest wait that a receiver can request. A message
/// that is due later was written while a clock was ahead, and is due now.
const MAX_WAIT_MICROS: i64 = 2 * 86_400_000_000;

/// Pending messages that are due at `?1` and not claimed. Times after `?2` (due), `?3` (claimed) and `?4` (created) come
/// from a clock that was ahead.
const FREE: &str = "state = 'pending' AND (due_at <= ?1 OR due_at > ?2 OR created_at > ?4)
     AND (claimed_until IS NULL OR claimed_until <= ?1 OR claimed_until > ?3)";

impl Store {
    /// Claims a message that is due, for one attempt, exclusively until `until`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_message(&mut self, at: Instant, until: Instant) -> Result<Option<Message>, StoreError> {
        let look = format!("{SELECT} WHERE {FREE} ORDER BY due_at, number LIMIT 1");
        let now = at.as_micros();
        let claim = until.as_micros().saturating_sub(now);
        let times: &[Value<'_>] = values![
            now,
            now.saturating_add(MAX_WAIT_MICROS),
            now.saturating_add(claim.saturating_mul(2)),
            now.saturating_add(MAX_CLOCK_SKEW_MICROS),
        ];
        // Checked first: mostly there is nothing to claim, and no need for the write lock.
        if self.database.first(&look, times, message)?.is_none() {
            return Ok(None);
        }
        let mut transaction = self.database.write()?;
        let Some(mut found) = transaction.first(&look, times, message)? else {
            return Ok(None);
        };
        transaction.execute(
            "UPDATE message SET attempts = attempts + 1, claimed_until = ?2 WHERE id = ?1",
            values![&found.id, until.as_micros()],
        )?;
        transaction.commit()?;
        found.attempts += 1;
        Ok(Some(found))
    }

    /// Settles the claim of a message with the result of the attempt. Returns false, and changes nothing, when the claim
    /// expired and another sender claimed the message.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settle_message(
        &mut self,
        claimed: &Message,
        attempt: &MessageAttempt,
        at: Instant,
    ) -> Result<bool, StoreError> {
        let (state, due_at, ended_at, error) = match attempt {
            MessageAttempt::Delivered => (MessageState::Delivered, claimed.due_at, Some(at), None),
            MessageAttempt::Retry { due_at, error } => (MessageState::Pending, *due_at, None, Some(error)),
            MessageAttempt::GivenUp { error } => {
                (MessageState::GivenUp, claimed.due_at, Some(at), Some(error))
            }
        };
        // Each claim increments the number of attempts, which therefore identifies the claim.
        let touched = self.database.execute(
            "UPDATE message SET state = ?3, due_at = ?4, ended_at = ?5, error = ?6, claimed_until = NULL
             WHERE id = ?1 AND attempts = ?2 AND state = 'pending'",
            values![
                &claimed.id,
                i64::from(claimed.attempts),
                state.as_str(),
                due_at.as_micros(),
                ended_at.map(Instant::as_micros),
                error,
            ],
        )?;
        Ok(touched == 1)
    }

    /// Returns how many messages are pending, and when the first of them can be claimed.
    ///
    /// # Errors
    /// When the store fails.
    pub fn pending_messages(&mut self) -> Result<(u64, Option<Instant>), StoreError> {
        let sql = "SELECT count(*), min(CASE WHEN claimed_until > due_at THEN claimed_until ELSE due_at END)
                   FROM message WHERE state = 'pending'";
        let found = self.database.first(sql, &[], |row| Ok((row.integer(0)?, row.maybe_integer(1)?)))?;
        let (count, next) = found.unwrap_or_default();
        Ok((u64::try_from(count).unwrap_or_default(), next.map(Instant::from_micros)))
    }

    /// Returns up to `limit` messages older than the number `before`, in one state or in any, newest first, and the total.
    ///
    /// # Errors
    /// When the store fails.
    pub fn messages(
        &mut self,
        state: Option<MessageState>,
        before: Option<i64>,
        limit: usize,
    ) -> Result<(Vec<Message>, u64), StoreError> {
        let mut transaction = self.database.read()?;
        let state = state.map_or("", MessageState::as_str);
        let filter = "(?1 = '' OR state = ?1)";
        let sql = format!("{SELECT} WHERE {filter} AND number < ?2 ORDER BY number DESC LIMIT ?3");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let page = transaction.all(&sql, values![state, before.unwrap_or(i64::MAX), limit], message)?;
        let sql = format!("SELECT count(*) FROM message WHERE {filter}");
        let total = transaction.first(&sql, values![state], |row| row.integer(0))?;
        Ok((page, total.and_then(|total| u64::try_from(total).ok()).unwrap_or_default()))
    }

    /// Deletes messages that entered a state (or, pending, were created) before an instant, and returns how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_messages(&mut self, state: MessageState, before: Instant) -> Result<u64, StoreError> {
        let sql = "DELETE FROM message WHERE state = ?1 AND coalesce(ended_at, created_at) < ?2";
        self.database.execute(sql, values![state.as_str(), before.as_micros()])
    }
}

/// Stores a message, in the transaction of the event that it reports. A message with this id that exists stays.
pub(crate) fn add(database: &mut Database, new: &NewMessage) -> Result<(), StoreError> {
    let number = allocate_ids(database, "messages", 1)?;
    database.execute(
        "INSERT INTO message (id, number, run_id, body, state, attempts, created_at, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, ?6) ON CONFLICT (id) DO NOTHING",
        values![
            &new.id,
            number,
            &new.run_id.to_string(),
            &new.body,
            MessageState::Pending.as_str(),
            new.at.as_micros(),
        ],
    )?;
    Ok(())
}

fn message(row: &Row<'_>) -> Result<Message, StoreError> {
    let state = row.text(4)?;
    let state = MessageState::ALL.into_iter().find(|known| known.as_str() == state);
    Ok(Message {
        id: row.text(0)?.to_owned(),
        number: row.integer(1)?,
        run_id: Uuid::parse_str(row.text(2)?).expect("ids of runs are written from UUIDs only"),
        body: row.text(3)?.to_owned(),
        state: state.expect("states are written from states only"),
        attempts: u32::try_from(row.integer(5)?).unwrap_or_default(),
        created_at: Instant::from_micros(row.integer(6)?),
        due_at: Instant::from_micros(row.integer(7)?),
        ended_at: row.maybe_integer(8)?.map(Instant::from_micros),
        error: row.maybe_text(9)?.map(str::to_owned),
    })
}
