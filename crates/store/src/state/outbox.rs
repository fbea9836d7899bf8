//! Messages to a receiver outside, kept until it took them: an outbox.
//!
//! A message is recorded in the transaction of what it tells of. Who wants to send one *claims* it, which nobody else
//! can do until the claim ends; what came of the attempt is *settled* against that claim. A sender that dies leaves
//! a claim that ends by itself, so a message arrives at least once, each time under the same id.

use std::fmt;

use domesday_model::Instant;
use uuid::Uuid;

use crate::clock_skew::MAX_CLOCK_SKEW_MICROS;
use crate::database::{Database, Row, Value, values};
use crate::id_space::allocate_ids;
use crate::{Store, StoreError};

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// Waits for an attempt, or for the end of one.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Nobody tries any more.
    GivenUp,
}

impl MessageState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::GivenUp];

    /// The name in API and store.
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
    /// Its id, by which a receiver tells it from others.
    pub id: String,
    /// The run that it tells of.
    pub run_id: Uuid,
    /// What it says, byte for byte.
    pub body: String,
    /// When it was written; it is due at once.
    pub at: Instant,
}

/// A message as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its place in the order in which messages were recorded.
    pub number: i64,
    /// The run that it tells of.
    pub run_id: Uuid,
    /// What it says.
    pub body: String,
    /// Where it stands.
    pub state: MessageState,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When it was written.
    pub created_at: Instant,
    /// When the next attempt is due, while it is pending.
    pub due_at: Instant,
    /// When it was delivered or given up.
    pub ended_at: Option<Instant>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageAttempt {
    /// The receiver took the message.
    Delivered,
    /// It did not, and is asked again.
    Retry {
        /// When.
        due_at: Instant,
        /// Why this attempt failed.
        error: String,
    },
    /// It did not, and nobody tries any more.
    GivenUp {
        /// Why this attempt failed.
        error: String,
    },
}

const SELECT: &str = "SELECT id, number, run_id, body, state, attempts, created_at, due_at, ended_at, error
     FROM message";

/// The longest that a message waits for its next attempt, in microseconds: twice the longest wait that a receiver can
/// ask for. What is due later was recorded while a clock was ahead, and is due now.
const LONGEST_WAIT_MICROS: i64 = 2 * 86_400_000_000;

/// Pending messages that are due at `?1` and that nobody is sending. Times after `?2` (due), `?3` (claimed) and `?4`
/// (created) come from a clock that was ahead.
const FREE: &str = "state = 'pending' AND (due_at <= ?1 OR due_at > ?2 OR created_at > ?4)
     AND (claimed_until IS NULL OR claimed_until <= ?1 OR claimed_until > ?3)";

impl Store {
    /// Takes a message that is due, for one attempt that ends before `until`; until then nobody else gets it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn claim_message(&mut self, at: Instant, until: Instant) -> Result<Option<Message>, StoreError> {
        let look = format!("{SELECT} WHERE {FREE} ORDER BY due_at, number LIMIT 1");
        let now = at.as_micros();
        let claim = until.as_micros().saturating_sub(now);
        let times: &[Value<'_>] = values![
            now,
            now.saturating_add(LONGEST_WAIT_MICROS),
            now.saturating_add(claim.saturating_mul(2)),
            now.saturating_add(MAX_CLOCK_SKEW_MICROS),
        ];
        // Looked at first: most of the time there is nothing, and a turn at writing is for those who write.
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

    /// Says what came of the attempt that a message was claimed for. False, and nothing said, when the claim had
    /// ended and somebody else took the message meanwhile.
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
        // Attempts are counted as they are claimed, so their number names the claim.
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

    /// How many messages are pending, and when the first of them may be claimed.
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

    /// Up to `limit` messages, of one state or of any, newest first, from the first older than number `before`
    /// on, and how many there are in all.
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

    /// Forgets messages of a state that came into it (or, pending, into being) before an instant, and says how
    /// many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_messages(&mut self, state: MessageState, before: Instant) -> Result<u64, StoreError> {
        let sql = "DELETE FROM message WHERE state = ?1 AND coalesce(ended_at, created_at) < ?2";
        self.database.execute(sql, values![state.as_str(), before.as_micros()])
    }
}

/// Records a message, in the transaction of what it tells of. One of this id that is there already stays.
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
