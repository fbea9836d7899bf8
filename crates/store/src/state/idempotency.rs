//! Creating calls that are sent again because their answer got lost: answered once, by one change.
//!
//! What a call creates and the answer to it are one transaction. Of two calls that come at once the second waits for
//! the first and gets its answer; a process that dies in between leaves neither.

use domesday_model::Instant;

use crate::database::values;
use crate::{Store, StoreError};

/// A creating call, as far as it may come again.
#[derive(Debug, Clone, Copy)]
pub struct IdempotentCall<'a> {
    /// Who calls, by the API key that they show: what two callers name has nothing to do with each other.
    pub owner: &'a str,
    /// The key that the caller gave it.
    pub key: &'a str,
    /// What tells it from another call under the same key by mistake.
    pub request_hash: &'a [u8; 32],
}

impl Store {
    /// Answers a call: as before, exactly, when it came before, else with what `create` gives. What `create`
    /// changes lasts together with its answer or, when it fails, not at all. The store keeps the answer as it is:
    /// one that carries a secret comes in sealed.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] when the key belongs to another call (by its hash); what `create` fails with.
    pub fn create_once<E: From<StoreError>>(
        &mut self,
        call: &IdempotentCall<'_>,
        at: Instant,
        create: impl FnOnce(&mut Self) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, E> {
        // Looked at first: an answer that is there needs no turn at writing.
        if let Some(answer) = self.answer_to(call)? {
            return Ok(answer);
        }
        self.exclusive_transaction(|store| {
            // The call may have come a second time while this one waited for its turn.
            if let Some(answer) = store.answer_to(call)? {
                return Ok(answer);
            }
            let answer = create(store)?;
            store.database.execute(
                "INSERT INTO idempotency (owner, key, request_hash, response, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                values![call.owner, call.key, &call.request_hash[..], &answer[..], at.as_micros()],
            )?;
            Ok(answer)
        })
    }

    fn answer_to(&mut self, call: &IdempotentCall<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT request_hash, response FROM idempotency WHERE owner = ?1 AND key = ?2";
        let found = self.database.first(sql, values![call.owner, call.key], |row| {
            Ok((row.bytes(0)? == call.request_hash, row.bytes(1)?.to_vec()))
        })?;
        match found {
            Some((false, _)) => Err(StoreError::KeyReused),
            found => Ok(found.map(|(_, answer)| answer)),
        }
    }

    /// Forgets answers older than an instant and says how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn delete_responses(&mut self, before: Instant) -> Result<u64, StoreError> {
        self.database.execute("DELETE FROM idempotency WHERE created_at < ?1", values![before.as_micros()])
    }
}
