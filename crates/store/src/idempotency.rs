//! Answers to creating calls, kept for when a call is sent again because its answer got lost.

use domesday_model::Instant;

use crate::database::values;
use crate::{Store, StoreError};

impl Store {
    /// The answer given to the call that an owner sent with this key, exactly as remembered.
    ///
    /// # Errors
    /// [`StoreError::KeyReused`] when the key belongs to another request (by its hash).
    pub fn idempotent_response(
        &mut self,
        owner: &str,
        key: &str,
        request_hash: &[u8; 32],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT request_hash, response FROM idempotency WHERE owner = ?1 AND key = ?2";
        let found = self.database.first(sql, values![owner, key], |row| {
            Ok((row.bytes(0)? == request_hash, row.bytes(1)?.to_vec()))
        })?;
        match found {
            Some((false, _)) => Err(StoreError::KeyReused),
            found => Ok(found.map(|(_, response)| response)),
        }
    }

    /// Remembers the answer to a call. The first stays when there are two. The store keeps `response` as it
    /// is: an answer that carries a secret comes in sealed, or not at all.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remember_response(
        &mut self,
        owner: &str,
        key: &str,
        request_hash: &[u8; 32],
        response: &[u8],
        at: Instant,
    ) -> Result<(), StoreError> {
        self.database
            .execute(
                "INSERT INTO idempotency (owner, key, request_hash, response, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (owner, key) DO NOTHING",
                values![owner, key, &request_hash[..], response, at.as_micros()],
            )
            .map(drop)
    }

    /// Forgets answers older than an instant and says how many.
    ///
    /// # Errors
    /// When the store fails.
    pub fn forget_responses(&mut self, before: Instant) -> Result<u64, StoreError> {
        self.database.execute("DELETE FROM idempotency WHERE created_at < ?1", values![before.as_micros()])
    }
}
